import Foundation
import FoundationNetworking
package import Subprocess
import Synchronization
import SystemPackage
import Worker

/// `ostler run` as a process of its own.
package final class WorkerProcess: Sendable {
  package let pid: pid_t
  package let httpAddress: String
  private let logPath: String
  private let termination: Watched<TerminationStatus?>

  private init(pid: pid_t, httpAddress: String, logPath: String, termination: Watched<TerminationStatus?>) {
    self.pid = pid
    self.httpAddress = httpAddress
    self.logPath = logPath
    self.termination = termination
  }

  /// Next to the bundle of the tests.
  package static var executable: String {
    get throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: tests).deletingLastPathComponent().appending(path: "ostler").path
    }
  }

  /// - Parameter environment: an `OSTLER_HTTP_ADDRESS` in it ends in `:0`, and is given a free port.
  static func start(in directory: String, environment: [String: String]) async throws -> WorkerProcess {
    let port = try freePort()
    let logPath = "\(directory)/worker-\(port).log"
    let log = try FileDescriptor.open(
      FilePath(logPath), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
    var all = environment
    let host = (all["OSTLER_HTTP_ADDRESS"] ?? "127.0.0.1:0").dropLast(2)
    all["OSTLER_HTTP_ADDRESS"] = "\(host):\(port)"
    all["PATH"] = "/usr/bin:/bin"
    let custom = all.reduce(into: [Environment.Key: String]()) { $0[.init(rawValue: $1.key)!] = $1.value }
    let termination = Watched<TerminationStatus?>(nil)
    let started = Watched<Result<pid_t, any Error>?>(nil)
    let path = try executable
    Task {
      do {
        let result = try await run(
          .path(FilePath(path)), arguments: ["run"], environment: .custom(custom),
          workingDirectory: FilePath(directory), input: .none,
          output: .fileDescriptor(log, closeAfterSpawningProcess: false),
          error: .fileDescriptor(log, closeAfterSpawningProcess: true)
        ) { execution in
          started.set(.success(execution.processIdentifier.value))
        }
        termination.set(result.terminationStatus)
      } catch {
        started.set(.failure(error))
      }
    }
    let pid = try await started.wait { $0 != nil }?.get() ?? -1
    return WorkerProcess(pid: pid, httpAddress: "\(host):\(port)", logPath: logPath, termination: termination)
  }

  /// What it has logged.
  package var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  package var isRunning: Bool { termination.value == nil }

  package func send(_ signal: CInt) {
    guard isRunning else { return }
    kill(pid, signal)
  }

  /// Waits for its end: the exit status, or minus the signal.
  package func ends(within limit: Duration = patience) async throws -> Int {
    guard let status = try await termination.wait(atMost: limit, until: { $0 != nil }) ?? nil else {
      throw TimedOut(what: "the worker ends; it logged:\n\(log)", after: limit)
    }
    switch status {
    case .exited(let code): return Int(code)
    case .signaled(let signal): return -Int(signal)
    }
  }

  /// Kills it as a power cut would, and waits until it is gone.
  package func crash() async throws {
    send(SIGKILL)
    _ = try await ends()
  }

  func end() async {
    send(SIGKILL)
    _ = try? await ends(within: .seconds(10))
  }

  // MARK: Probes

  package func becomesReady(within limit: Duration = patience) async throws {
    try await eventually("the worker is ready; it logged:\n\(log)", within: limit) {
      guard self.isRunning else { throw TimedOut(what: "the worker ended; it logged:\n\(self.log)", after: .zero) }
      return await self.isReady
    }
  }

  package var isReady: Bool { get async { await get("readyz")?.status == 200 } }
  package var readiness: String { get async { await get("readyz")?.body ?? "" } }

  /// The value of a series, by its name and labels as in a scrape; 0 where there is none.
  package func metric(_ series: String) async -> Double {
    guard let lines = await get("metrics")?.body.split(separator: "\n"),
      let line = lines.first(where: { $0.hasPrefix(series + " ") })
    else { return 0 }
    return Double(line.dropFirst(series.count + 1)) ?? 0
  }

  private func get(_ path: String) async -> (status: Int, body: String)? {
    guard let url = URL(string: "http://\(httpAddress)/\(path)"),
      let (data, response) = try? await URLSession.shared.data(from: url),
      let http = response as? HTTPURLResponse
    else { return nil }
    return (http.statusCode, String(decoding: data, as: UTF8.self))
  }

  /// Below those that the system gives to outgoing connections, and one after the other: a port that is free now is not
  /// somebody else's before the worker has it.
  private static let ports: ClosedRange<UInt16> = 27_000...32_000
  private static let nextPort = Mutex(ports.lowerBound + UInt16(getpid() % 5000))

  private static func freePort() throws -> UInt16 {
    for _ in ports {
      let port = nextPort.withLock { next in
        defer { next = next == ports.upperBound ? ports.lowerBound : next + 1 }
        return next
      }
      if isFree(port) { return port }
    }
    throw TimedOut(what: "a free port in \(ports)", after: .zero)
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
