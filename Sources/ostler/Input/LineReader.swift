/// A line of a file, counted from 1.
struct InputLine: Equatable {
  let number: Int
  /// Without its line end.
  let bytes: [UInt8]
  /// Longer than allowed: `bytes` has only its beginning.
  let isCut: Bool
}

/// Reads a file line by line as it arrives, LF or CRLF, holding one line and one chunk.
struct LineReader: ~Copyable {
  private let source: ByteSource
  private let maxLineBytes: Int
  private var chunk: ArraySlice<UInt8> = []
  private var number = 0
  private var isAtEnd = false

  init(_ path: String, maxLineBytes: Int) throws(FileError) {
    source = try ByteSource(path)
    self.maxLineBytes = maxLineBytes
  }

  var name: String { source.name }

  /// Whether ``next()`` has something to return, or to read, without waiting for it.
  var isReady: Bool { isAtEnd || chunk.contains(UInt8(ascii: "\n")) || source.isReady }

  /// How many lines a file has, for the length of a bar; `nil` for what can be read only once, such as a pipe.
  static func count(_ path: String) throws(FileError) -> Int? {
    guard path != "-" else { return nil }
    let source = try ByteSource(path)
    guard source.isRegularFile else { return nil }
    var count = 0
    var last = UInt8(ascii: "\n")
    while let chunk = try source.next() {
      for byte in chunk where byte == UInt8(ascii: "\n") { count += 1 }
      last = chunk.last ?? last
    }
    return last == UInt8(ascii: "\n") ? count : count + 1
  }

  /// The next line; `nil` at the end of the file.
  mutating func next() throws(FileError) -> InputLine? {
    var line: [UInt8] = []
    var isCut = false
    var hasAny = false
    while true {
      if chunk.isEmpty, !isAtEnd {
        if let next = try source.next() { chunk = next[...] } else { isAtEnd = true }
      }
      if chunk.isEmpty {
        guard hasAny else { return nil }
        return finish(line, isCut)
      }
      hasAny = true
      let end = chunk.firstIndex(of: UInt8(ascii: "\n")) ?? chunk.endIndex
      let room = maxLineBytes + 1 - line.count
      line += chunk[..<end].prefix(room)
      if end - chunk.startIndex > room { isCut = true }
      let isComplete = end < chunk.endIndex
      chunk = isComplete ? chunk[(end + 1)...] : []
      if isComplete { return finish(line, isCut) }
    }
  }

  private mutating func finish(_ line: consuming [UInt8], _ isCut: Bool) -> InputLine {
    number += 1
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    return InputLine(number: number, bytes: line, isCut: isCut || line.count > maxLineBytes)
  }
}
