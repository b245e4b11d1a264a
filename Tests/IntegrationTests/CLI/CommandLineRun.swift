import Foundation
import Subprocess
import SystemPackage
import Testing

/// How a run of `ostler` ended.
struct Ended {
  let status: Int32
  let output: String
  let complaints: String

  /// The lines of the output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }

  /// Every line of the output as a JSON object.
  func objects() throws -> [[String: Any]] {
    try lines.map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "not an object: \(line)")
    }
  }
}

/// A folder of its own to run `ostler` in, gone afterwards.
struct Bench {
  let folder: URL
  var environment: [String: String] = [:]

  /// Where the products of the build are: beside the tests themselves.
  static let products = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    .deletingLastPathComponent()

  static func with<Result>(
    _ environment: [String: String] = [:], _ body: (Bench) async throws -> Result
  ) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ostler-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(Bench(folder: folder, environment: environment))
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ text: String, to name: String) throws {
    let url = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private var variables: Environment {
    var all = ["PATH": "\(Self.products.path):/usr/bin:/bin", "TERM": "xterm", "LC_ALL": "C.UTF-8"]
    all.merge(environment) { _, own in own }
    return .custom(Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(rawValue: $0.key)!, $0.value) }))
  }

  /// Runs `ostler` with these arguments to its end.
  func ostler(_ arguments: String..., input: String = "") async throws -> Ended {
    try await run("ostler", arguments, input: input)
  }

  /// Runs it on a terminal of its own, whose screen is the output: standard output and error together.
  func onTerminal(_ arguments: String...) async throws -> Ended {
    let words = (["ostler"] + arguments).map { "'\($0)'" }.joined(separator: " ")
    return try await run("script", ["-qec", words, "/dev/null"], input: "")
  }

  /// Runs a line of shell.
  func shell(_ line: String) async throws -> Ended { try await run("bash", ["-c", line], input: "") }

  private func run(_ name: String, _ arguments: [String], input: String) async throws -> Ended {
    let result = try await Subprocess.run(
      .name(name), arguments: Arguments(arguments), environment: variables, workingDirectory: FilePath(folder.path),
      input: .string(input), output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
    return Ended(
      status: Self.status(result.terminationStatus), output: result.standardOutput,
      complaints: result.standardError)
  }

  private static func status(_ status: TerminationStatus) -> Int32 {
    switch status {
    case .exited(let code): Int32(code)
    case .signaled(let signal): 128 + Int32(signal)
    }
  }

  /// Runs the worker beside `body`, and asks it to stop afterwards.
  ///
  /// - Returns: its exit status and its log, and what `body` returned.
  func withWorker<Result: Sendable>(
    _ body: () async throws -> Result
  ) async throws -> (worker: Ended, result: Result) {
    let log = FilePath(path("worker.log"))
    let file = try FileDescriptor.open(
      log, .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
    let ended = try await Subprocess.run(
      .name("ostler"), arguments: ["run"], environment: variables, workingDirectory: FilePath(folder.path),
      input: .none, output: .discarded, error: .fileDescriptor(file, closeAfterSpawningProcess: true)
    ) { execution in
      let result: Swift.Result<Result, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      try execution.send(signal: .terminate)
      return result
    }
    let text = String(decoding: try Data(contentsOf: folder.appendingPathComponent("worker.log")), as: UTF8.self)
    return (
      Ended(status: Self.status(ended.terminationStatus), output: "", complaints: text), try ended.closureResult.get()
    )
  }
}
