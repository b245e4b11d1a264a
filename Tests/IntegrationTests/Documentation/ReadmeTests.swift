import Foundation
import Testing

@Suite("README.md and what it names")
struct ReadmeTests {
  @Test(
    "the examples in Python stand in the README as they are in the files",
    arguments: ["send_command.py", "mirror_states.py", "count_allocations.py"])
  func examples(_ name: String) throws {
    let file = try Page("docs/examples/\(name)").text
    #expect(try Page("README.md").blocks("python").contains(file), "docs/examples/\(name)")
  }

  @Test("every link inside the checkout leads somewhere", arguments: pages)
  func links(_ name: String) throws {
    let page = try Page(name)
    let folder = (name as NSString).deletingLastPathComponent
    for match in page.text.matches(of: /\]\(([^)#:\s]+)(#[^)]*)?\)/) {
      let target = ((folder as NSString).appendingPathComponent(String(match.1)) as NSString).standardizingPath
      #expect(throws: Never.self, "\(name) links to \(match.1)") { try Page(target) }
    }
  }

  @Test("every command of the command line that a page shows is there", arguments: pages)
  func commands(_ name: String) async throws {
    let shown = Set(
      try Page(name).blocks("sh").flatMap { $0.split(separator: "\n") }
        .compactMap { $0.firstMatch(of: /^\s*(?:[A-Z_]+=\S+ )*ostler ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)/) }
        .map { String($0.1) })
    try await Bench.with { bench in
      for command in shown {
        var words = command.split(separator: " ").map(String.init)
        // The second word may be an argument, such as a file.
        if !["send", "import", "dead-letters", "dl"].contains(words[0]) { words = [words[0]] }
        let ended = try await bench.shell("ostler help " + words.joined(separator: " "))
        #expect(ended.status == 0, "\(name): ostler \(command)")
        #expect(ended.output.contains("USAGE: ostler \(Self.fullName(words))"), "\(name): ostler \(command)")
      }
    }
  }

  private static func fullName(_ words: [String]) -> String {
    words.map { $0 == "dl" ? "dead-letters" : $0 }.joined(separator: " ")
  }
}

private let pages = ["README.md", "CONTRIBUTING.md", "docs/contract.md", "docs/operations.md", "docs/architecture.md"]
