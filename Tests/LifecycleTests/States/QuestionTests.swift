import Lifecycle
import Testing

@Suite("What is looked up before a decision")
struct QuestionTests {
  private let allocated = Fixture.server(.allocated(Fixture.live))
  private let frozen = Fixture.server(Fixture.quarantined(held: .allocated(Fixture.live)))

  private func question(_ client: ClientID, _ id: UUID128?, on server: Server?) -> [Question?] {
    [
      Question(before: .deallocate(clientID: client, allocationID: id), on: server),
      Question(before: .compensate(clientID: client, allocationID: id, reason: nil), on: server),
    ]
  }

  @Test("nothing for the owner, and nothing of a server that is not known")
  func owner() {
    for server in [allocated, frozen, nil] {
      #expect(question(Fixture.owner, nil, on: server) == [nil, nil])
      #expect(question(Fixture.owner, Fixture.live.id, on: server) == [nil, nil])
    }
  }

  @Test("else the allocation that is named, else the client's latest")
  func pasts() {
    let other = Fixture.uuid(0x77)
    for server in StateName.allCases.map({ Fixture.server(Fixture.state($0)) }) + [frozen] {
      let named = Question.allocation(other)
      #expect(question(Fixture.stranger, other, on: server) == [named, named])
      #expect(question(Fixture.owner, other, on: server) == [named, named])
      let latest = Question.latestAllocation(of: Fixture.stranger)
      #expect(question(Fixture.stranger, nil, on: server) == [latest, latest])
    }
  }

  @Test("enroll asks for the commit row only where the row decides what is charged")
  func commitRow() {
    func asked(_ state: EnrolledState) -> Question? {
      Question(
        before: .enroll(Enrollment(locationID: Fixture.location, instanceTypeID: Fixture.type, state: state)), on: nil)
    }
    let contract = ContractID("C-1")
    let row = Question.commitRow(
      QuotaKey(
        clientID: Fixture.owner, contractID: contract, locationID: Fixture.location, instanceTypeID: Fixture.type))
    let open = Tenancy(clientID: Fixture.owner, contractID: contract)
    #expect(asked(.allocated(open)) == row)
    #expect(asked(.quarantined(open)) == row)
    #expect(asked(.allocated(Tenancy(clientID: Fixture.owner))) == nil)
    for type in QuotaType.allCases {
      #expect(asked(.allocated(Tenancy(clientID: Fixture.owner, contractID: contract, quotaType: type))) == nil)
    }
    for state in [EnrolledState.new, .backToBaseline, .available, .isolated(.excluded), .quarantined(nil)] {
      #expect(asked(state) == nil)
    }
  }

  @Test(
    "the other commands ask nothing",
    arguments: ContractTable.commands.filter { ![.deallocate, .compensate, .enroll].contains($0) })
  func others(_ name: CommandName) {
    for command in PlainCells.commands(named: name) {
      for server in [nil, allocated, frozen] { #expect(Question(before: command, on: server) == nil) }
    }
  }
}
