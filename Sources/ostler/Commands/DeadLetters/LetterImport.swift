import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters import`.
struct LetterImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take letters in that were exported, here or elsewhere.",
    discussion: """
      The whole file is checked first, and nothing is taken in while a line of it is damaged. Letters that are here already \
      are left as they are, so running it again does no harm. What was being replayed elsewhere is open here.

        ostler dl import crashes.jsonl
      """
  )

  @Argument(help: "JSON Lines as 'export' writes them; '-' is standard input.", completion: .file())
  var file: String

  @OptionGroup var common: CommonOptions

  /// Of one line: a body of 1 MiB in base64 with the largest header table there is.
  private static let maxLineBytes = 8 << 20
  /// Of what is held while the file is checked.
  private static let maxBytes = 512 << 20
  private static let maxTold = 20
  private static let chunk = 200

  func run() async throws {
    try await StoreAccess.write(common) { store, settings in
      let letters = try readAll()
      guard !letters.isEmpty else { throw CommandFailure(.refused, "\(name): no dead letters are in it") }
      var taken = 0
      var here: [UUID128] = []
      for start in stride(from: 0, to: letters.count, by: Self.chunk) {
        let keyed = letters[start..<min(start + Self.chunk, letters.count)].map {
          ($0, CommandReader(settings).key(of: $0.letter))
        }
        let skipped = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          var skipped: [UUID128] = []
          for (exported, key) in keyed {
            let isTaken = try transaction.importLetter(
              exported.letter, replays: exported.replays, ofKey: key, by: Operator.name, at: .now)
            if !isTaken { skipped.append(exported.letter.id) }
          }
          return skipped
        }
        taken += keyed.count - skipped.count
        here += skipped
      }
      for id in here.prefix(Self.maxTold) { Complaint.print("\(id) is here already, or its message is; left as it is") }
      if here.count > Self.maxTold { Complaint.print("and \(here.count - Self.maxTold) more") }
      var lines = StandardOutput()
      lines.line(
        "\(PlainText.grouped(taken)) taken in"
          + (here.isEmpty ? "" : ", \(PlainText.grouped(here.count)) were here already"))
      lines.flush()
    }
  }

  private var name: String { file == "-" ? "standard input" : file }

  private func readAll() throws -> [ExportedLetter] {
    var letters: [ExportedLetter] = []
    var bad = 0
    var bytes = 0
    do throws(FileError) {
      var reader = try LineReader(file, maxLineBytes: Self.maxLineBytes)
      while let line = try reader.next() {
        guard let content = JSONLine.content(line.bytes[...], number: line.number) else { continue }
        bytes += content.count
        guard bytes <= Self.maxBytes else {
          throw FileError(
            code: .tooLarge, message: "\(name): more than \(Self.maxBytes >> 20) MiB of letters; split the file")
        }
        do throws(ExportedLetter.Damage) {
          guard !line.isCut else {
            throw ExportedLetter.Damage(message: "longer than \(Self.maxLineBytes >> 20) MiB")
          }
          letters.append(try ExportedLetter(content))
        } catch {
          bad += 1
          if bad <= Self.maxTold { Complaint.print("\(name):\(line.number): \(PlainText.clean(error.message))") }
        }
      }
    } catch {
      throw CommandFailure(error.code == .missing ? .usage : .refused, error.message)
    }
    guard bad == 0 else {
      throw CommandFailure(
        .refused, "\(name): \(bad) damaged \(bad == 1 ? "line" : "lines"); nothing of the file was taken in")
    }
    return letters
  }
}
