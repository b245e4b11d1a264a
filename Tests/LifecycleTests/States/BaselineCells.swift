import Lifecycle

/// ² with `baselineId`, only if it names the current run. And `isolate` while isolated: the cause decides.
enum BaselineCells {
  static let all: [CellCase] = runs + causes

  private static let running = Fixture.server(.backToBaseline(baselineID: Fixture.currentRun))

  private static let runs: [CellCase] =
    [nil, Fixture.currentRun].flatMap { baselineID -> [CellCase] in
      let given = baselineID == nil ? "no baselineId" : "² the current run"
      return [
        .applied(given, .available(baselineID: baselineID), on: running, .available, to: .available),
        .applied(
          given, .isolate(Fixture.isolation, baselineID: baselineID), on: running, .isolated,
          to: .isolated(Fixture.isolation), reason: Fixture.isolation.reason),
      ]
    } + [
      CellCase(
        "² an older run", .available(baselineID: Fixture.olderRun), on: running, .rejected(.staleBaseline)),
      CellCase(
        "² an older run", .isolate(Fixture.isolation, baselineID: Fixture.olderRun), on: running,
        .rejected(.staleBaseline)),
    ]

  private static let isolated = Fixture.server(.isolated(Fixture.isolation))

  private static let causes: [CellCase] =
    [nil, Fixture.olderRun].map {
      CellCase("same cause and reason", .isolate(Fixture.isolation, baselineID: $0), on: isolated, .unchanged)
    }
    + [
      Isolation(subState: .excluded, reason: Fixture.isolation.reason),
      Isolation(subState: .brokenHardware, reason: "disk 4 too"), Isolation(subState: .brokenHardware),
      Isolation(subState: .reserved),
    ].map { other in
      CellCase.applied(
        "\(other.subState), reason \(other.reason ?? "not given")", .isolate(other, baselineID: nil), on: isolated,
        .isolationUpdated, to: .isolated(other), reason: other.reason)
    }
}
