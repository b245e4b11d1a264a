import Testing

/// The corpus through the entry functions of the fuzzers, without libFuzzer (`scripts/fuzz`).
@Suite(.timeLimit(.minutes(5))) struct CorpusTests {
  /// The outcomes, or what was broken, in the order of the inputs.
  private static func outcomes(_ target: FuzzTarget, _ inputs: [[UInt8]]) async -> [Result<String, Violation>] {
    await withCheckedContinuation { continuation in
      LargeStack.start {
        continuation.resume(
          returning: inputs.map { input in
            do throws(Violation) { return .success(try target.check(input)) } catch { return .failure(error) }
          })
      }
    }
  }

  @Test(
    "Every seed, and everything that was ever found, keeps the rules and ends as it says",
    arguments: FuzzTarget.allCases)
  func corpus(_ target: FuzzTarget) async throws {
    let seeds = try Corpus.seeds(of: target)
    #expect(seeds.count >= 40)
    for (seed, outcome) in zip(seeds, await Self.outcomes(target, seeds.map(\.input))) {
      switch outcome {
      case .success(let outcome):
        if let expected = seed.outcome { #expect(outcome == expected, "\(seed.name)") }
      case .failure(let violation): Issue.record("\(seed.name): \(violation)")
      }
    }
  }

  @Test("Seeds that were changed a little keep the rules", arguments: FuzzTarget.allCases)
  func mutations(_ target: FuzzTarget) async throws {
    var dice = Dice(seed: 20_261_126)
    let seeds = try Corpus.seeds(of: target).map(\.input).filter { $0.count < 4096 }
    var inputs: [[UInt8]] = []
    for _ in 0..<20 { for seed in seeds { inputs.append(Self.mutated(seed, seeds, &dice)) } }
    let outcomes = await Self.outcomes(target, inputs)
    for (input, outcome) in zip(inputs, outcomes) {
      if case .failure(let violation) = outcome {
        Issue.record("\(violation)\n\(String(decoding: input, as: UTF8.self))\n\(input)")
      }
    }
    #expect(Set(outcomes.compactMap { try? $0.get() }).count >= 3, "mutations end in more than one way")
  }

  private static func mutated(_ seed: [UInt8], _ others: [[UInt8]], _ dice: inout Dice) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...3, using: &dice) {
      let place = Int.random(in: 0...bytes.count, using: &dice)
      let end = min(bytes.count, place + Int.random(in: 1...8, using: &dice))
      switch Int.random(in: 0..<5, using: &dice) {
      case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice) }
      case 1: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &dice) }
      case 2: bytes.removeSubrange(place..<end)
      case 3: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
      default:
        let other = others.randomElement(using: &dice) ?? []
        let from = Int.random(in: 0...other.count, using: &dice)
        bytes.insert(contentsOf: other[from..<min(other.count, from + 12)], at: place)
      }
    }
    return bytes
  }
}
