import Lifecycle
import Testing

private let uuid = UUID128("0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061")!
private let body = Fingerprint(high: 1, low: 2)
private let otherBody = Fingerprint(high: 1, low: 3)

private let request = AllocateRequest(
  locationID: LocationID(18), instanceTypeID: InstanceTypeID(40), clientID: ClientID(300))
private let allocate = Command.allocate(request)
private let isolate = Command.onServer(
  ServerID(7), .isolate(Isolation(subState: .excluded), baselineID: nil))

private func key(_ command: Command, _ id: OperationID = .uuid(uuid)) -> OperationKey {
  OperationKey(command, id: id)
}

private func decided(_ attempt: Int, _ outcome: Outcome, _ fingerprint: Fingerprint = body) -> DecidedAttempt {
  DecidedAttempt(attempt: attempt, fingerprint: fingerprint, outcome: outcome)
}

@Suite("Dedup, contract section 2")
struct DedupTests {
  private static let everyCommand: [Command] = [allocate, isolate]

  @Test("the first delivery decides, whatever its attempt", arguments: everyCommand)
  func first(_ command: Command) {
    for attempt in [1, 2, 1000] {
      #expect(key(command).verdict(attempt: attempt, fingerprint: body, decided: []) == .fresh)
    }
  }

  @Test("same attempt, same fingerprint: the stored outcome again", arguments: Outcome.allCases)
  func duplicate(_ outcome: Outcome) {
    for command in Self.everyCommand {
      let verdict = key(command).verdict(attempt: 1, fingerprint: body, decided: [decided(1, outcome)])
      #expect(verdict == .duplicate(of: decided(1, outcome)))
    }
  }

  @Test("same attempt, other fingerprint: operation-conflict", arguments: Outcome.allCases)
  func conflict(_ outcome: Outcome) throws {
    for command in Self.everyCommand {
      let verdict = key(command).verdict(attempt: 1, fingerprint: otherBody, decided: [decided(1, outcome)])
      let rejection = try #require(verdict.conflict)
      #expect(rejection.code == .operationConflict)
      #expect(rejection["operationUuid"] == .text(uuid.description))
      #expect(rejection["attempt"] == .integer(1))
      #expect(rejection["decidedAttempt"] == .integer(1))
      #expect(rejection["decidedOutcome"] == .text(outcome.rawValue))
    }
  }

  @Test("every attempt keeps its own fingerprint and outcome, in whatever order they are looked up")
  func ownFingerprint() {
    let first = decided(1, .rejected, body)
    let second = decided(2, .unchanged, otherBody)
    for attempts in [[first, second], [second, first]] {
      let key = key(isolate)
      #expect(key.verdict(attempt: 1, fingerprint: body, decided: attempts) == .duplicate(of: first))
      #expect(key.verdict(attempt: 2, fingerprint: otherBody, decided: attempts) == .duplicate(of: second))
      #expect(key.verdict(attempt: 1, fingerprint: otherBody, decided: attempts).conflict != nil)
      #expect(key.verdict(attempt: 2, fingerprint: body, decided: attempts).conflict != nil)
    }
  }

  @Test("an attempt below the highest that was never seen: operation-conflict", arguments: everyCommand)
  func skipped(_ command: Command) throws {
    for outcome in Outcome.allCases {
      let seen = [decided(1, .rejected), decided(3, outcome)]
      for attempts in [[decided(3, outcome)], seen, seen.reversed()] {
        let verdict = key(command).verdict(attempt: 2, fingerprint: body, decided: attempts)
        let rejection = try #require(verdict.conflict)
        #expect(rejection.code == .operationConflict)
        #expect(rejection["attempt"] == .integer(2))
        #expect(rejection["decidedAttempt"] == .integer(3))
      }
    }
  }

  @Test("a higher attempt is decided afresh, with the same body or another", arguments: Outcome.allCases)
  func higher(_ outcome: Outcome) {
    for fingerprint in [body, otherBody] {
      #expect(key(isolate).verdict(attempt: 2, fingerprint: fingerprint, decided: [decided(1, outcome)]) == .fresh)
      #expect(
        key(isolate).verdict(
          attempt: 9, fingerprint: fingerprint, decided: [decided(4, outcome), decided(1, .applied)]) == .fresh)
    }
  }

  @Test("an allocate that was rejected is decided afresh as a higher attempt")
  func allocateAgain() {
    for fingerprint in [body, otherBody] {
      #expect(key(allocate).verdict(attempt: 2, fingerprint: fingerprint, decided: [decided(1, .rejected)]) == .fresh)
    }
  }

  @Test("an allocate that was applied answers every later attempt")
  func allocateApplied() throws {
    let applied = decided(2, .applied)
    for attempts in [[decided(1, .rejected, otherBody), applied], [applied, decided(1, .rejected, otherBody)]] {
      for attempt in [3, 4, 1000] {
        let verdict = key(allocate).verdict(attempt: attempt, fingerprint: body, decided: attempts)
        #expect(verdict == .duplicate(of: applied))
        let other = key(allocate).verdict(attempt: attempt, fingerprint: otherBody, decided: attempts)
        let rejection = try #require(other.conflict)
        #expect(rejection.code == .operationConflict)
        #expect(rejection["decidedAttempt"] == .integer(2))
      }
      let earlier = key(allocate).verdict(attempt: 1, fingerprint: otherBody, decided: attempts)
      #expect(earlier == .duplicate(of: decided(1, .rejected, otherBody)))
    }
  }

  @Test("only allocate is answered for ever: the same step of one run again is decided afresh")
  func stepAgain() {
    #expect(key(isolate).verdict(attempt: 2, fingerprint: body, decided: [decided(1, .applied)]) == .fresh)
    let row = QuotaKey(clientID: ClientID(3), locationID: LocationID(1), instanceTypeID: InstanceTypeID(1))
    let setQuota = key(.setQuota(row, limit: 4))
    #expect(setQuota.verdict(attempt: 2, fingerprint: otherBody, decided: [decided(1, .applied)]) == .fresh)
  }
}

@Suite("The key of an operation, contract section 2")
struct OperationKeyTests {
  private let row = QuotaKey(clientID: ClientID(3), locationID: LocationID(1), instanceTypeID: InstanceTypeID(1))

  @Test("command, operationUuid and serverId")
  func forServers() {
    #expect(key(isolate) == key(.onServer(ServerID(7), .isolate(Isolation(subState: .reserved), baselineID: nil))))
    #expect(key(isolate) != key(.onServer(ServerID(8), .isolate(Isolation(subState: .excluded), baselineID: nil))))
    #expect(key(isolate) != key(.onServer(ServerID(7), .unisolate)))
    #expect(key(isolate) != key(isolate, .uuid(UUID128(high: 0, low: 1))))
  }

  @Test("for allocate, command and operationUuid alone")
  func forAllocate() {
    let other = AllocateRequest(
      locationID: LocationID(1), instanceTypeID: InstanceTypeID(1), clientID: ClientID(1), overflow: true)
    #expect(key(allocate) == key(.allocate(other)))
    #expect(key(allocate) != key(isolate))
  }

  @Test("for set-quota the row as well")
  func forSetQuota() {
    let others = [
      QuotaKey(clientID: ClientID(4), locationID: row.locationID, instanceTypeID: row.instanceTypeID),
      QuotaKey(clientID: row.clientID, locationID: LocationID(2), instanceTypeID: row.instanceTypeID),
      QuotaKey(clientID: row.clientID, locationID: row.locationID, instanceTypeID: InstanceTypeID(2)),
      QuotaKey(
        clientID: row.clientID, contractID: ContractID("C"), locationID: row.locationID,
        instanceTypeID: row.instanceTypeID),
    ]
    #expect(key(.setQuota(row, limit: 4)) == key(.setQuota(row, limit: nil)))
    for other in others { #expect(key(.setQuota(row, limit: 4)) != key(.setQuota(other, limit: 4))) }
  }

  @Test("a snapshot of one server is that server's, any other is nobody's")
  func forSnapshot() {
    #expect(key(.snapshot(.server(ServerID(7)))) != key(.snapshot(.server(ServerID(8)))))
    #expect(key(.snapshot(.server(ServerID(7)))) != key(.snapshot(.all)))
    #expect(key(.snapshot(.location(LocationID(7)))) == key(.snapshot(.all)))
  }

  @Test("UUIDs are compared by value, not by spelling; a message-id by its text")
  func ids() {
    let upper = UUID128("0198A2B4-5C6D-4E8F-9A0B-1C2D3E4F5061")!
    #expect(key(allocate, .uuid(upper)) == key(allocate))
    #expect(key(allocate, .messageID("m-1")) == key(allocate, .messageID("m-1")))
    #expect(key(allocate, .messageID("m-1")) != key(allocate, .messageID("M-1")))
    #expect(OperationID.messageID("m-1").description == "m-1")
    #expect(OperationID.uuid(upper).description == "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061")
  }
}

extension DedupVerdict {
  fileprivate var conflict: Rejection? {
    switch self {
    case .conflict(let rejection): rejection
    case .fresh, .duplicate: nil
    }
  }
}
