import Lifecycle

/// The cells that need nothing but the name of the state. Refusals and `=` are read off the contract's text;
/// what is applied is spelled out.
enum PlainCells {
  static let refusalsAndUnchanged: [CellCase] = ContractTable.cells.flatMap { cell, text -> [CellCase] in
    guard let expected = expected(text) else { return [] }
    let server = cell.state.map { Fixture.server(Fixture.state($0)) }
    return commands(named: cell.command).map { CellCase("plain", $0, on: server, expected) }
  }

  private static func expected(_ text: String) -> CellCase.Expected? {
    if text == "=" { return .unchanged }
    if text.hasPrefix("✗ ") { return .rejected(RejectionCode(rawValue: String(text.dropFirst(2)))!) }
    if text.hasPrefix("wait ✗ ") { return .waits(RejectionCode(rawValue: String(text.dropFirst(7)))!) }
    return nil
  }

  /// Several forms of one command: the answer of a plain cell depends on none of its fields.
  static func commands(named name: CommandName) -> [ServerCommand] {
    switch name {
    case .deallocate:
      [
        .deallocate(clientID: Fixture.owner, allocationID: nil),
        .deallocate(clientID: Fixture.stranger, allocationID: Fixture.live.id),
      ]
    case .compensate:
      [
        .compensate(clientID: Fixture.owner, allocationID: nil, reason: "no network"),
        .compensate(clientID: Fixture.stranger, allocationID: Fixture.live.id, reason: nil),
      ]
    case .isolate:
      [
        .isolate(Fixture.isolation, baselineID: nil),
        .isolate(Isolation(subState: .excluded), baselineID: Fixture.olderRun),
        .isolate(Isolation(subState: .excluded), baselineID: Fixture.currentRun),
      ]
    case .unisolate: [.unisolate]
    case .available:
      [
        .available(baselineID: nil), .available(baselineID: Fixture.olderRun),
        .available(baselineID: Fixture.currentRun),
      ]
    case .quarantine: [.quarantine(caseID: nil, reason: nil), .quarantine(caseID: "case-9", reason: "court order")]
    case .unquarantine:
      UnquarantineOutcome.allCases.flatMap { outcome -> [ServerCommand] in
        [
          .unquarantine(outcome, caseID: nil, reason: "done"),
          .unquarantine(outcome, caseID: "case-9", reason: "done"),
        ]
      }
    case .reclassify:
      [
        .reclassify(Reclassification(locationID: LocationID(19))), .reclassify(Reclassification(name: "rack-8")),
        .reclassify(Reclassification()),
      ]
    case .decommission: [.decommission(reason: nil), .decommission(reason: "scrap")]
    case .enroll: [.enroll(Enrollment(locationID: Fixture.location, instanceTypeID: Fixture.type))]
    case .allocate, .setQuota, .snapshot: preconditionFailure("not a command for one server")
    }
  }

  static let applied: [CellCase] = unisolate + decommission + isolateAnywhere + quarantine

  private static let unisolate = [ServerState.new, .isolated(Fixture.isolation)].map {
    CellCase.applied(
      "wiped before it is used", .unisolate, on: Fixture.server($0), .unisolated,
      to: .backToBaseline(baselineID: Fixture.freshID))
  }

  private static let decommission = [StateName.new, .backToBaseline, .available, .isolated].flatMap { state in
    [nil, "sold"].map { reason in
      CellCase.applied(
        "reason \(reason ?? "not given")", .decommission(reason: reason), on: Fixture.server(Fixture.state(state)),
        .decommissioned, to: .decommissioned, reason: reason)
    }
  }

  /// Where no Back to Baseline runs, a `baselineId` has nothing to be compared with.
  private static let isolateAnywhere = [StateName.new, .available].flatMap { state in
    SubState.allCases.flatMap { subState in
      [nil, Fixture.olderRun].map { baselineID in
        let isolation = Isolation(subState: subState, reason: "because")
        return CellCase.applied(
          "\(subState), baselineId \(baselineID?.description ?? "not given")",
          .isolate(isolation, baselineID: baselineID), on: Fixture.server(Fixture.state(state)), .isolated,
          to: .isolated(isolation), reason: "because")
      }
    }
  }

  /// ³ What was true before is kept: the allocation and its charge, the cause of an isolation.
  private static let quarantine: [CellCase] = {
    let before: [(ServerState, HeldState)] = [
      (.new, .new), (.backToBaseline(baselineID: Fixture.currentRun), .backToBaseline), (.available, .available),
      (.allocated(Fixture.live), .allocated(Fixture.live)),
      (.isolated(Fixture.isolation), .isolated(Fixture.isolation)),
    ]
    return before.flatMap { state, held in
      [nil, "case-9"].map { caseID in
        CellCase.applied(
          "³ case \(caseID ?? "not given")", .quarantine(caseID: caseID, reason: "break-in"),
          on: Fixture.server(state), .quarantined, to: Fixture.quarantined([caseID], held: held), reason: "break-in")
      }
    }
  }()
}
