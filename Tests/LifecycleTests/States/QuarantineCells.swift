import Lifecycle

/// `quarantine` and `unquarantine` of a server that is quarantined (⁴).
enum QuarantineCells {
  static let all: [CellCase] = holds + releases

  private static let heldStates: [HeldState] = [
    .new, .backToBaseline, .available, .allocated(Fixture.live), .allocationEnded, .isolated(Fixture.isolation),
  ]

  /// "same case: =; other case: → quarantined, one more hold".
  private static let holds: [CellCase] = heldStates.flatMap { held -> [CellCase] in
    [["case-1"], [nil], ["case-1", nil, "case-2"]].flatMap { (cases: [String?]) -> [CellCase] in
      let server = Fixture.server(Fixture.quarantined(cases, held: held))
      return ["case-1", nil, "case-2", "CASE-1"].map { (caseID: String?) in
        let command = ServerCommand.quarantine(caseID: caseID, reason: "one more")
        let about = "\(caseID ?? "no case") where \(cases.map { $0 ?? "no case" }) hold, \(held)"
        return cases.contains(caseID)
          ? CellCase(about, command, on: server, .unchanged)
          : .applied(
            about, command, on: server, .quarantineUpdated, to: Fixture.quarantined(cases + [caseID], held: held),
            reason: "one more")
      }
    }
  }

  private static let fresh = ServerState.backToBaseline(baselineID: Fixture.freshID)

  private static let releases: [CellCase] = heldStates.flatMap { held in
    [["case-1"], [nil]].flatMap { (cases: [String?]) in lastHold(cases, held) }
      + [["case-1", "case-2"], ["case-2", "case-1"], ["case-1", nil], ["case-2", "case-1", nil]].flatMap {
        (cases: [String?]) in oneOfSeveral(cases, held)
      } + [["case-1"], [nil], [nil, "case-1"]].flatMap { (cases: [String?]) in noSuchHold(cases, held) }
  }

  private static func command(_ outcome: UnquarantineOutcome, _ caseID: String?) -> ServerCommand {
    .unquarantine(outcome, caseID: caseID, reason: "cleared")
  }

  private static func lastHold(_ cases: [String?], _ held: HeldState) -> [CellCase] {
    let server = Fixture.server(Fixture.quarantined(cases, held: held))
    let (restored, reason): (ServerState, String?) =
      switch held {
      case .allocated(let allocation): (.allocated(allocation), "cleared")
      case .isolated(let isolation): (.isolated(isolation), isolation.reason)
      case .new: (.new, "cleared")
      case .available, .backToBaseline, .allocationEnded: (fresh, "cleared")
      }
    let allocation: AllocationChange =
      held == .allocated(Fixture.live) ? .ended(Fixture.live.ended(by: .unquarantine, at: Fixture.now)) : .none
    return [
      .applied(
        "⁴ restore, last hold, \(held)", command(.restore, cases[0]), on: server, .unquarantined, to: restored,
        reason: reason),
      .applied(
        "⁴ baseline, last hold, \(held)", command(.baseline, cases[0]), on: server, .unquarantined, to: fresh,
        allocation: allocation, reason: "cleared"),
    ]
  }

  private static func oneOfSeveral(_ cases: [String?], _ held: HeldState) -> [CellCase] {
    let server = Fixture.server(Fixture.quarantined(cases, held: held))
    return [
      .applied(
        "⁴ restore, one of \(cases.count) holds, \(held)", command(.restore, "case-1"), on: server,
        .quarantineUpdated, to: Fixture.quarantined(cases.filter { $0 != "case-1" }, held: held), reason: "cleared"),
      CellCase(
        "⁴ baseline, one of \(cases.count) holds, \(held)", command(.baseline, "case-1"), on: server,
        .rejected(.heldByOtherCase)),
    ]
  }

  private static func noSuchHold(_ cases: [String?], _ held: HeldState) -> [CellCase] {
    UnquarantineOutcome.allCases.flatMap { outcome in
      ["case-1", "case-3", nil].filter { !cases.contains($0) }.map { (caseID: String?) in
        CellCase(
          "⁴ \(outcome), no hold of \(caseID ?? "no case"), \(held)", command(outcome, caseID),
          on: Fixture.server(Fixture.quarantined(cases, held: held)), .unchanged)
      }
    }
  }
}
