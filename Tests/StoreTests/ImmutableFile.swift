import Foundation

/// A file that even root may not write, while it lasts. Without root, a mode without write permission does the same.
struct ImmutableFile {
  private let path: String
  struct Unsupported: Error {}

  init(_ path: String) throws {
    self.path = path
    if geteuid() == 0 {
      guard Self.chattr("+i", path) else { throw Unsupported() }
    } else {
      guard chmod(path, 0o400) == 0 else { throw Unsupported() }
    }
  }

  func release() {
    if geteuid() == 0 { _ = Self.chattr("-i", path) } else { chmod(path, 0o600) }
  }

  static let isSupported: Bool = {
    let probe = FileManager.default.temporaryDirectory.appending(path: "ostler-probe-\(UUID().uuidString)").path
    _ = FileManager.default.createFile(atPath: probe, contents: Data())
    defer { try? FileManager.default.removeItem(atPath: probe) }
    guard let file = try? ImmutableFile(probe) else { return false }
    file.release()
    return true
  }()

  private static func chattr(_ flag: String, _ path: String) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/chattr")
    process.arguments = [flag, path]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
