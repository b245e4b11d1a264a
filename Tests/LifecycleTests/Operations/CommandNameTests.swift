import Lifecycle
import Testing

@Suite("The names of the contract")
struct CommandNameTests {
  @Test("the thirteen commands")
  func commands() {
    #expect(
      CommandName.allCases.map(\.rawValue) == [
        "allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine",
        "enroll", "reclassify", "decommission", "set-quota", "snapshot",
      ])
  }

  @Test("enroll, deallocate, compensate and quarantine do not wait behind a parked command, the others do")
  func overtaking() {
    #expect(
      Set(CommandName.allCases.filter(\.overtakesParked)) == [.enroll, .deallocate, .compensate, .quarantine])
  }

  @Test("states, sub-states, events, outcomes, and the words of an allocation")
  func spelling() {
    #expect(
      StateName.allCases.map(\.rawValue) == [
        "new", "backToBaseline", "available", "allocated", "isolated", "quarantined", "decommissioned",
      ])
    #expect(
      SubState.allCases.map(\.rawValue) == [
        "backToBaseline", "excluded", "reserved", "brokenHardware", "incompleteData", "failedOsInstall",
        "unknownError", "rentedLegacy",
      ])
    #expect(
      ServerEvent.allCases.map(\.rawValue) == [
        "enrolled", "allocated", "deallocated", "compensated", "isolated", "isolationUpdated", "unisolated",
        "available", "quarantined", "quarantineUpdated", "unquarantined", "reclassified", "decommissioned",
      ])
    #expect(Outcome.allCases.map(\.rawValue) == ["applied", "unchanged", "rejected"])
    #expect(AllocationEnd.Cause.allCases.map(\.rawValue) == ["deallocate", "compensate", "unquarantine"])
    #expect(QuotaType.allCases.map(\.rawValue) == ["commit", "onDemand"])
    #expect(UnquarantineOutcome.allCases.map(\.rawValue) == ["restore", "baseline"])
  }

  @Test("a command knows its name, its server and its client")
  func parts() {
    for name in ContractTable.commands {
      for command in PlainCells.commands(named: name) {
        #expect(command.name == name)
        #expect(Command.onServer(ServerID(7), command).name == name)
        #expect(Command.onServer(ServerID(7), command).serverID == ServerID(7))
        #expect((command.clientID != nil) == [.deallocate, .compensate].contains(name))
      }
    }
    let row = QuotaKey(clientID: ClientID(3), locationID: LocationID(1), instanceTypeID: InstanceTypeID(1))
    #expect(Command.setQuota(row, limit: nil).clientID == ClientID(3))
    #expect(Command.setQuota(row, limit: nil).serverID == nil)
    #expect(Command.snapshot(.server(ServerID(7))).serverID == ServerID(7))
    #expect(Command.snapshot(.location(LocationID(7))).serverID == nil)
    #expect(Command.snapshot(.all).clientID == nil)
    let tenancy = Tenancy(clientID: ClientID(5))
    for state in [EnrolledState.allocated(tenancy), .quarantined(tenancy)] {
      let enrollment = Enrollment(locationID: LocationID(1), instanceTypeID: InstanceTypeID(1), state: state)
      #expect(ServerCommand.enroll(enrollment).clientID == ClientID(5))
    }
  }

  @Test("an allocation is billable unless compensate ended it")
  func billable() {
    #expect(Fixture.live.isBillable)
    for cause in AllocationEnd.Cause.allCases {
      let ended = Fixture.live.ended(by: cause, at: Fixture.now)
      #expect(ended.isBillable == (cause != .compensate))
      #expect(ended.end == AllocationEnd(at: Fixture.now, by: cause))
      #expect(ended.id == Fixture.live.id)
      #expect(ended.startedAt == Fixture.live.startedAt)
    }
  }
}
