import Foundation

/// Inputs that are kept: seeds that show each rule, and everything that was ever found.
///
/// - `Corpus/<target>/*.cases`: texts, each below a line `=== NAME => WHAT BECOMES OF IT`. `«C0 80»` are bytes,
///   `«40×[»` is a repetition, `«40×{"a":»` too; the line end before the next `===` is not part of the text.
/// - any other file in `Corpus/<target>`: one input as it is, such as libFuzzer wrote it.
/// - what is easier made than written: ``HeaderSeeds``, ``LetterSeeds``.
struct Seed: Sendable {
  let name: String
  let input: [UInt8]
  /// What ``FuzzTarget/check(_:)`` says of it; `nil`: anything but a violation.
  let outcome: String?
}

enum Corpus {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

  static func seeds(of target: FuzzTarget) throws -> [Seed] {
    let folder = folder.appending(path: target.rawValue)
    var seeds: [Seed] =
      switch target {
      case .command: []
      case .header: HeaderSeeds.all
      case .letter: try LetterSeeds.all
      }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.sorted() ?? []
    for name in names {
      let bytes = [UInt8](try Data(contentsOf: folder.appending(path: name)))
      if name.hasSuffix(".cases") {
        seeds += cases(String(decoding: bytes, as: UTF8.self), file: String(name.dropLast(6)))
      } else {
        seeds.append(Seed(name: name, input: bytes, outcome: nil))
      }
    }
    return seeds
  }

  private static func cases(_ text: String, file: String) -> [Seed] {
    text.components(separatedBy: "\n=== ").dropFirst().map { part in
      let lines = part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      let title = lines[0].components(separatedBy: " => ")
      return Seed(
        name: "\(file): \(title[0])", input: bytes(lines.count == 2 ? lines[1] : ""),
        outcome: title.count == 2 ? String(decoding: bytes(title[1][...]), as: UTF8.self) : nil)
    }
  }

  /// The text with what stands between « and » made into bytes.
  private static func bytes(_ text: Substring) -> [UInt8] {
    var result: [UInt8] = []
    for part in text.components(separatedBy: "«") {
      guard let end = part.firstIndex(of: "»") else {
        result += Array(part.utf8)
        continue
      }
      let code = part[..<end].split(separator: "×", maxSplits: 1)
      if code.count == 2, let times = Int(code[0]) {
        for _ in 0..<times { result += Array(code[1].utf8) }
      } else {
        result += part[..<end].split(separator: " ").compactMap { UInt8($0, radix: 16) }
      }
      result += Array(part[part.index(after: end)...].utf8)
    }
    return result
  }
}
