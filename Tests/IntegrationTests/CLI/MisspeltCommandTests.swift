import Testing

@Suite("A command that is misspelt")
struct MisspeltCommandTests {
  @Test(
    "says what was meant",
    arguments: [
      ("sen", "'sen' is no command of 'ostler'; did you mean 'send'? See 'ostler --help'."),
      (
        "send alocate --client 1",
        "'alocate' is no command of 'ostler send'; did you mean 'allocate'? See 'ostler send --help'."
      ),
      ("dl shw 1f0c", "'shw' is no command of 'ostler dl'; did you mean 'show'? See 'ostler dl --help'."),
      (
        "import cats", "'cats' is no command of 'ostler import'; there are servers, quotas. See 'ostler import --help'."
      ),
    ])
  func suggests(_ words: String, _ complaint: String) async throws {
    try await Bench.with { bench in
      let ended = try await bench.shell("ostler \(words)")
      #expect(ended.status == 64)
      #expect(ended.complaints == "ostler: \(complaint)\n")
    }
  }

  @Test(
    "is not what a wrong option or argument is taken for",
    arguments: ["send isolate --server x", "servers here", "send --fiel x"])
  func leavesTheRest(_ words: String) async throws {
    try await Bench.with { bench in
      let ended = try await bench.shell("ostler \(words)")
      #expect(ended.status == 64)
      #expect(!ended.complaints.contains("is no command"))
    }
  }
}
