import Foundation

/// libFuzzer's entry, and its driver on a thread with a large stack. The target is named by `OSTLER_FUZZ_TARGET`, because
/// libFuzzer starts itself again with its own arguments only.
///
/// With the argument `--seeds FOLDER` it writes the seeds there instead, a file each.
@main enum Fuzz {
  static let target: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["OSTLER_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      print("OSTLER_FUZZ_TARGET is to be one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
      exit(64)
    }
    return target
  }()

  static func main() throws {
    if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "--seeds" {
      try writeSeeds(to: URL(filePath: CommandLine.arguments[2]))
      return
    }
    _ = target
    LargeStack.run {
      var count = CommandLine.argc
      var arguments = CommandLine.unsafeArgv
      exit(runFuzzer(&count, &arguments) { testOneInput($0, $1) })
    }
  }

  private static func writeSeeds(to folder: URL) throws {
    for (number, seed) in try Corpus.seeds(of: target).enumerated() {
      let name = seed.name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
      try Data(seed.input).write(to: folder.appending(path: "\(number)-" + String(name.prefix(60))))
    }
  }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ entry: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  do {
    _ = try Fuzz.target.check(Array(UnsafeBufferPointer(start: data, count: size)))
  } catch {
    fatalError("\(Fuzz.target.rawValue): \(error)")
  }
  return 0
}
