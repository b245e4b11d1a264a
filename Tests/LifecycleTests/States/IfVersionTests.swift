import Lifecycle
import Testing

@Suite("ifVersion and the order of decision, contract section 2")
struct IfVersionTests {
  /// `ifVersion` is a field of every command for a server but `enroll`.
  private static let commands = ContractTable.commands.filter { $0 != .enroll }
  private static let servers =
    StateName.allCases.map { Fixture.server(Fixture.state($0)) }
    + [Fixture.server(Fixture.quarantined(held: .allocated(Fixture.live)))]

  private static func cases(_ command: CommandName, on server: Server?) -> [CellCase] {
    PlainCells.commands(named: command).map { CellCase("ifVersion", $0, on: server, .unchanged) }
  }

  @Test("lower than the version: stale-version, in every state", arguments: commands)
  func lower(_ command: CommandName) throws {
    for met in Self.servers.flatMap({ Self.cases(command, on: $0) }) {
      for version in [1, Fixture.version - 1] {
        guard case .reject(let rejection) = met.decide(ifVersion: version) else {
          Issue.record("\(met) is not refused")
          continue
        }
        #expect(rejection.code == .staleVersion)
        #expect(rejection["ifVersion"] == .integer(version))
        #expect(rejection["version"] == .integer(Fixture.version))
        #expect(rejection["state"] == .text(try #require(met.server).state.name.rawValue))
      }
    }
  }

  @Test("higher: waits for the version, and is stale-version when patience is over", arguments: commands)
  func higher(_ command: CommandName) {
    for met in Self.servers.flatMap({ Self.cases(command, on: $0) }) {
      for version in [Fixture.version + 1, .max] {
        guard case .wait(let rejection, for: .version) = met.decide(ifVersion: version) else {
          Issue.record("\(met) does not wait for its version")
          continue
        }
        #expect(rejection.code == .staleVersion)
        #expect(rejection["ifVersion"] == .integer(version))
      }
    }
  }

  @Test("equal: as if it were not given", arguments: commands)
  func equal(_ command: CommandName) {
    for met in Self.servers.flatMap({ Self.cases(command, on: $0) }) {
      #expect(met.decide(ifVersion: Fixture.version) == met.decide(), "\(met)")
    }
  }

  @Test("a server that is not known is so before its version is asked", arguments: commands)
  func unknownServerFirst(_ command: CommandName) {
    for met in Self.cases(command, on: nil) {
      guard case .wait(let rejection, for: .state) = met.decide(ifVersion: 3) else {
        Issue.record("\(met) does not wait for the server")
        continue
      }
      #expect(rejection.code == .unknownServer)
    }
  }

  @Test("a cell that waits, waits for the state")
  func waitsForState() {
    let allocated = Fixture.server(.allocated(Fixture.live))
    for met in Self.cases(.isolate, on: allocated) + Self.cases(.decommission, on: allocated) {
      guard case .wait(let rejection, for: .state) = met.decide() else {
        Issue.record("\(met) does not wait for the state")
        continue
      }
      #expect(rejection.code == .serverAllocated)
    }
  }

  @Test("ifVersion, then the state table, then baselineId")
  func order() {
    let stale = ServerCommand.available(baselineID: Fixture.olderRun)
    func decide(_ state: StateName, ifVersion: Int64?) -> RejectionCode? {
      CellCase("", stale, on: Fixture.server(Fixture.state(state)), .unchanged)
        .decide(ifVersion: ifVersion).rejection?.code
    }
    #expect(decide(.backToBaseline, ifVersion: Fixture.version - 1) == .staleVersion)
    #expect(decide(.backToBaseline, ifVersion: Fixture.version + 1) == .staleVersion)
    #expect(decide(.backToBaseline, ifVersion: Fixture.version) == .staleBaseline)
    #expect(decide(.backToBaseline, ifVersion: nil) == .staleBaseline)
    #expect(decide(.isolated, ifVersion: nil) == .notInBaseline)
    #expect(decide(.available, ifVersion: nil) == nil)
  }
}
