import Lifecycle
import Testing

/// Every way to meet every cell.
private let allCases: [CellCase] =
  PlainCells.refusalsAndUnchanged + PlainCells.applied + BaselineCells.all + ReleaseCells.all + QuarantineCells.all
  + EnrollCells.all + ReclassifyCells.all

private let casesByCommand = Dictionary(grouping: allCases, by: \.command.name)

@Suite("The state table, contract section 3")
struct StateTableTests {
  @Test("the page has ten commands and eight columns, and every cell has a case")
  func everyCellIsMet() {
    #expect(ContractTable.commands.count == 10)
    #expect(ContractTable.columns == StateName.allCases.map(Optional.some) + [nil])
    #expect(ContractTable.cells.count == 80)
    #expect(Set(allCases.map(\.cell)) == Set(ContractTable.cells.keys))
    #expect(
      Set(CommandName.allCases).subtracting(ContractTable.commands) == [.allocate, .setQuota, .snapshot])
  }

  @Test("every case is decided as the contract says", arguments: ContractTable.commands)
  func decides(_ command: CommandName) throws {
    for met in try #require(casesByCommand[command]) {
      let decided = CellCase.Expected(met.decide())
      #expect(decided == met.expected, "\(met)")
    }
  }

  /// The cases are typed by hand; this holds them against the text of the page.
  @Test("every case agrees with the words of its cell", arguments: ContractTable.commands)
  func agreesWithTheText(_ command: CommandName) throws {
    for met in try #require(casesByCommand[command]) {
      let text = try #require(ContractTable.cells[met.cell])
      switch met.expected {
      case .unchanged: #expect(text.contains("=") || text.hasFootnote("¹⁴⁵⁶"), "\(met)")
      case .waits(let code): #expect(text == "wait ✗ \(code.rawValue)", "\(met)")
      case .rejected(.staleBaseline): #expect(text.hasFootnote("²"), "\(met)")
      case .rejected(.heldByOtherCase): #expect(text.hasFootnote("⁴"), "\(met)")
      case .rejected(.serverExists): #expect(text.hasFootnote("⁵"), "\(met)")
      case .rejected(.alreadyDeallocated), .rejected(.clientMismatch), .rejected(.unknownAllocation):
        #expect(text.hasFootnote("¹"), "\(met)")
      case .rejected(let code): #expect(text == "✗ \(code.rawValue)", "\(met)")
      case .applied(let transition):
        let state = transition.server.state.name
        switch text {
        case "→": #expect(state == .decommissioned, "\(met)")
        case "⁴", "→ the given state", "as deallocate": break
        default: #expect(text.contains("→ \(state.rawValue)"), "\(met)")
        }
      }
    }
  }

  @Test("StateTable has exactly these cells")
  func sameCells() throws {
    for (cell, text) in ContractTable.cells {
      let row = try #require(StateTable.row(for: cell.command))
      #expect(row[cell.state] == StateTable.Cell(contract: text), "\(cell)")
    }
    for command in CommandName.allCases where !ContractTable.commands.contains(command) {
      #expect(StateTable.row(for: command) == nil)
    }
  }

  @Test("what a state accepts is what the page neither refuses nor makes wait")
  func accepts() {
    for state in ContractTable.columns {
      let accepted = StateTable.accepted(in: state)
      #expect(Set(accepted.map(\.rawValue)) == ContractTable.accepted(in: state))
      #expect(Set(accepted).count == accepted.count)
    }
    #expect(StateTable.accepted(in: nil) == [.enroll])
  }

  @Test("a refusal says the state now and what it accepts, and never whose the server is")
  func refusalsExplainThemselves() throws {
    for met in allCases {
      guard let rejection = met.decide().rejection else { continue }
      #expect(rejection["serverId"] == .integer(Fixture.serverID.rawValue), "\(met)")
      #expect(rejection["state"] == met.server.map { .text($0.state.name.rawValue) }, "\(met)")
      #expect(rejection["version"] == met.server.map { .integer($0.version) }, "\(met)")
      guard case .list(let accepts)? = rejection["accepts"] else {
        Issue.record("\(met) does not say what is accepted")
        continue
      }
      let expected = ContractTable.accepted(in: met.server?.state.name)
      #expect(Set(accepts) == Set(expected.map(Detail.text)), "\(met)")
      #expect(rejection.message.contains("server \(Fixture.serverID)"), "\(met)")
      let told = rejection.message + String(describing: rejection.details)
      for client in [Fixture.owner, Fixture.stranger] where client != met.command.clientID {
        #expect(!told.contains(client.description), "\(met) tells of another client")
      }
    }
  }

  @Test("the details name what was asked for and what stands against it")
  func particulars() throws {
    let running = Fixture.server(.backToBaseline(baselineID: Fixture.currentRun))
    let stale = CellCase("", .available(baselineID: Fixture.olderRun), on: running, .unchanged)
    #expect(stale.decide().rejection?["baselineId"] == .text(Fixture.currentRun.description))

    let frozen = Fixture.server(Fixture.quarantined(["case-1", nil, "case-2"]))
    let held = CellCase("", .unquarantine(.baseline, caseID: "case-1", reason: "r"), on: frozen, .unchanged)
    #expect(held.decide().rejection?["holds"] == .list([.null, .text("case-2")]))

    let past = Fixture.allocation(0x11, of: Fixture.owner, ended: .deallocate)
    let billed = CellCase(
      "", .compensate(clientID: Fixture.owner, allocationID: nil, reason: nil), on: Fixture.server(.available),
      past: [Past(past)], .unchanged)
    #expect(billed.decide().rejection?["allocationId"] == .text(past.id.description))
    #expect(billed.decide().rejection?["endedAt"] == .text((Fixture.changedAt - .seconds(60)).description))

    let isolated = Fixture.server(.isolated(Fixture.isolation))
    let tooEarly = CellCase("", .available(baselineID: nil), on: isolated, .unchanged)
    #expect(tooEarly.decide().rejection?["subState"] == .text("brokenHardware"))

    let other = Enrollment(locationID: LocationID(19), instanceTypeID: Fixture.type)
    let exists = CellCase("", .enroll(other), on: isolated, .unchanged).decide().rejection
    #expect(exists?["locationId"] == .integer(18))
    #expect(exists?["instanceTypeId"] == .integer(40))
    #expect(exists?["name"] == .text(Fixture.name))
  }
}

extension String {
  fileprivate func hasFootnote(_ marks: String) -> Bool {
    contains { marks.contains($0) } || self == "as deallocate" && marks.contains("¹")
  }
}

extension StateTable.Cell {
  /// The cell that the contract's words ask for.
  fileprivate init?(contract text: String) {
    switch text {
    case "=": self = .unchanged
    case "→", "→ the given state": self = .apply
    case "¹", "as deallocate": self = .release
    case "⁴": self = .releaseHold
    case "⁵": self = .compare
    case _ where text.hasPrefix("owner:"): self = .release
    case _ where text.hasPrefix("same cause and reason:"): self = .cause
    case _ where text.hasPrefix("same case:"): self = .addHold
    case _ where text.hasPrefix("✗ "):
      guard let code = RejectionCode(rawValue: String(text.dropFirst(2))) else { return nil }
      self = .reject(code)
    case _ where text.hasPrefix("wait ✗ "):
      guard let code = RejectionCode(rawValue: String(text.dropFirst(7))) else { return nil }
      self = .wait(code)
    case _ where text.hasSuffix("²"): self = .currentRun
    case _ where text.hasSuffix("⁶"): self = .ifDifferent
    case _ where text.hasPrefix("→ "): self = .apply
    default: return nil
    }
  }
}
