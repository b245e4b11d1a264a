import AMQP
import Foundation
import Lifecycle
import Store
import Testing
import Worker
import ostler

/// The page cannot say anything else than the program does.
@Suite("docs/contract.md and the program")
struct ContractTableTests {
  @Test("every code, in order, with its retry")
  func codes() throws {
    let table = try Page.contract.table("codes")
    #expect(table.code(0) == RejectionCode.allCases.map { [$0.rawValue] })
    for (row, code) in zip(table.rows, RejectionCode.allCases) {
      #expect(row[2] == code.retry.rawValue, "\(code.rawValue)")
    }
  }

  @Test("every exchange, queue and binding, in the order in which they are declared, with every argument")
  func topology() throws {
    let topology = Topology(namespace: Namespace.standard, eventsLogMaxAge: Settings.standard.events.log.maxAge)
    var lines: [String] = []
    for row in try Page.contract.table("topology").rows {
      let isOfCommand = row[1].contains("<command>")
      let line = "\(row[0]) \(PageTable.code(in: row[1]).joined()) \(PageTable.code(in: row[2]).joined(separator: " "))"
      // Queue and binding of a command follow one another, command by command.
      if isOfCommand, row[0] == "binding", let queue = lines.popLast() {
        lines += CommandName.allCases.flatMap { command in
          [queue, line].map { $0.replacing("<command>", with: command.rawValue) }
        }
      } else {
        lines.append(line)
      }
    }
    #expect(lines.map { $0.replacing("<ns>", with: "server") } == topology.objects.map(Self.line))
  }

  private static func line(_ object: TopologyObject) -> String {
    switch object {
    case .exchange(let name, let arguments): "exchange \(name) \(text(arguments))"
    case .queue(let name, let arguments): "queue \(name) \(text(arguments))"
    case .binding(let queue, let exchange, let key): "binding \(queue) \(exchange) \(key)"
    }
  }

  private static func text(_ arguments: FieldTable) -> String {
    arguments.entries.map { entry in
      switch entry.value {
      case .string(let bytes): "\(entry.key)=\(String(decoding: bytes, as: UTF8.self))"
      case .int64(let number): "\(entry.key)=\(number)"
      default: "\(entry.key)=?"
      }
    }.joined(separator: " ")
  }

  @Test("every command has the fields that the worker takes, and no other")
  func commandFields() throws {
    let table = try Page.contract.table("commands")
    #expect(table.code(0) == CommandName.allCases.map { [$0.rawValue] })
    for (row, command) in zip(table.rows, CommandName.allCases) {
      let fields = PageTable.code(in: row[1])
      let names = fields.map { $0.replacing("?", with: "") } + ["operationUuid", "attempt", "notAfter"]
      #expect(Set(names) == Set(try Self.allowed(command)), "\(command.rawValue)")
      #expect(Set(names).count == names.count, "\(command.rawValue)")
    }
  }

  @Test("a command without a field that the page calls needed is refused, and one without the optional ones is not")
  func neededFields() throws {
    let table = try Page.contract.table("commands")
    for (row, command) in zip(table.rows, CommandName.allCases) {
      let needed = PageTable.code(in: row[1]).filter { !$0.hasSuffix("?") }
      let body = Dictionary(uniqueKeysWithValues: needed.map { ($0, Self.sample($0)) })
      #expect(throws: Never.self, "\(command.rawValue)") { try Self.decode(command, body).get() }
      for field in needed {
        let without = body.filter { $0.key != field }
        let refusal = #expect(throws: Refusal.self) { try Self.decode(command, without).get() }
        #expect(refusal?.rejection.code == .invalidField, "\(command.rawValue) without \(field)")
        #expect(refusal?.rejection.details.first { $0.name == "path" }?.value == .text(field))
      }
    }
  }

  /// What the refusal of an unknown field lists as allowed.
  private static func allowed(_ command: CommandName) throws -> [String] {
    let refusal = #expect(throws: Refusal.self) { try decode(command, ["noSuchField": "1"]).get() }
    guard case .list(let names)? = refusal?.rejection.details.first(where: { $0.name == "allowed" })?.value else {
      return []
    }
    return names.compactMap { if case .text(let name) = $0 { name } else { nil } }
  }

  private static func sample(_ field: String) -> String {
    switch field {
    case "subState": #""excluded""#
    case "outcome": #""restore""#
    case "reason": #""why""#
    default: "1"
    }
  }

  private static func decode(_ command: CommandName, _ fields: [String: String]) -> Result<CommandMessage, Refusal> {
    let body = "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    return CommandDecoder.decode(
      CommandEnvelope(
        command: command, exchange: "server.commands", routingKey: command.rawValue, namespace: "server",
        messageID: "7", body: .bytes(Array(body.utf8))))
  }

  @Test("every state, and every state of a letter")
  func states() throws {
    let page = try Page.contract
    #expect(try page.table("letter states").code(0) == DeadLetterState.allCases.map { [$0.rawValue] })
    #expect(try page.table("states").header.dropFirst() == StateName.allCases.map(\.rawValue) + ["unknown"])
  }

  @Test("every cell of the state table")
  func cells() throws {
    let table = try Page.contract.table("states")
    let commands = table.code(0).compactMap { $0.first.flatMap(CommandName.init(rawValue:)) }
    #expect(commands == CommandName.allCases.filter { StateTable.row(for: $0) != nil }.sorted(by: commands))
    let columns = StateName.allCases.map(Optional.some) + [nil]
    for (texts, command) in zip(table.rows, commands) {
      let row = try #require(StateTable.row(for: command))
      for (text, state) in zip(texts.dropFirst(), columns) {
        let words = Self.words(row[state], command, state)
        #expect(words.contains(text), "\(command.rawValue) × \(state?.rawValue ?? "unknown"): \(text)")
      }
    }
  }

  /// How the page may write a cell.
  private static func words(_ cell: StateTable.Cell, _ command: CommandName, _ state: StateName?) -> [String] {
    switch cell {
    case .unchanged: ["="]
    case .reject(let code): ["✗ `\(code.rawValue)`"]
    case .wait(let code): ["wait ✗ `\(code.rawValue)`"]
    case .release where state == .allocated: ["owner → backToBaseline, else ¹"]
    case .release where state == .quarantined: ["owner → quarantined, else ¹"]
    case .release: ["¹"]
    case .currentRun: ["→ \(target(command)) ²"]
    case .cause: ["same cause and reason =, else → isolated"]
    case .addHold: ["same case =, else one more hold"]
    case .releaseHold: ["⁴"]
    case .compare: ["⁵"]
    case .ifDifferent: ["⁶"]
    case .apply where command == .quarantine && state == .allocated: ["→ quarantined ³"]
    case .apply: ["→ \(target(command))"]
    }
  }

  /// The state that an applied command leads to.
  private static func target(_ command: CommandName) -> String {
    switch command {
    case .isolate: "isolated"
    case .unisolate: "backToBaseline"
    case .available: "available"
    case .quarantine: "quarantined"
    case .decommission: "decommissioned"
    case .enroll: "the given state"
    case .allocate, .deallocate, .compensate, .unquarantine, .reclassify, .setQuota, .snapshot: "?"
    }
  }

  @Test("every event, its routing key and its type")
  func events() throws {
    let page = try Page.contract
    #expect(try page.table("server events").code(0) == ServerEvent.allCases.map { [$0.rawValue] })
    let others = Set(try page.table("other events").rows.map { Self.event($0[0], $0[1]) })
    #expect(others == Set(Self.otherEvents.map(Self.event)))
  }

  private static let otherEvents: [Event] = {
    let facts = OperationFacts(command: .available)
    let key = QuotaKey(clientID: ClientID(7), locationID: LocationID(18), instanceTypeID: InstanceTypeID(126))
    return [
      .snapshot(
        SnapshotEvent(
          serverID: ServerID(1), version: 1, state: .new, locationID: LocationID(18), data: Array("{}".utf8))),
      .snapshotCompleted(SnapshotCompleted(scope: .all, count: 0, facts: facts)),
      .quota(QuotaEvent(key: key, oldLimit: nil, newLimit: 1, facts: facts)),
      .quota(QuotaEvent(key: key, oldLimit: 1, newLimit: nil, facts: facts)),
    ] + CommandEvent.Kind.allCases.map { .command(CommandEvent(kind: $0, facts: facts)) }
  }()

  private static func event(_ key: String, _ type: String) -> [String] {
    let key = PageTable.code(in: key).joined().replacing("<state>", with: "new").replacing("<locationId>", with: "18")
      .replacing("<command>", with: "available").replacing("<clientId>", with: "7")
    return [key] + PageTable.code(in: type)
  }

  private static func event(_ event: Event) -> [String] {
    let place = EventPlace(storeID: UUID128(high: 1, low: 2), epoch: 1, position: 1, time: Timestamp(milliseconds: 0))
    let encoded = EventEncoder.encode(event, at: place)
    let envelope = try? JSONSerialization.jsonObject(with: Data(encoded.bytes)) as? [String: Any]
    return [encoded.routingKey, envelope?["type"] as? String ?? "no type"]
  }

  @Test("every setting, its variable, its default and what is allowed", arguments: ["docs/contract.md", "README.md"])
  func settings(_ name: String) throws {
    let table = try Page(name).table("settings")
    #expect(table.code(0) == SettingKey.allCases.map { [$0.rawValue] })
    #expect(table.code(1) == SettingKey.allCases.map { [$0.environmentName] })
    #expect(table.code(2) == SettingKey.allCases.map { [Self.text($0.defaultValue)] })
    if table.header[3] == "allowed" { #expect(table.rows.map { $0[3] } == SettingKey.allCases.map(\.kind.allowed)) }
  }

  private static func text(_ value: SettingValue) -> String {
    switch value {
    case .text(let text), .integer(let text), .decimal(let text), .boolean(let text), .variable(let text): text
    case .list(let items): items.isEmpty ? "none" : "\(items)"
    case .null, .mapping: "\(value)"
    }
  }

  @Test("every exit status", arguments: ["docs/contract.md", "README.md"])
  func exitStatuses(_ name: String) throws {
    let table = try Page(name).table("exit statuses")
    #expect(table.rows.map { $0[0] } == ExitStatus.allCases.map { String($0.rawValue) })
  }

  @Test("whoever is on call is told what to do about every code, once")
  func advice() throws {
    let codes = try Page("docs/operations.md").table("codes").code(0).joined()
    #expect(codes.sorted() == RejectionCode.allCases.map(\.rawValue).sorted())
  }

  @Test("every state that a restore may find a server in, and the command that withdraws it")
  func withdrawals() throws {
    let table = try Page.contract.table("withdrawals")
    #expect(table.code(0).joined().sorted() == StateName.allCases.map(\.rawValue).sorted())
    let known = LastKnown(
      name: nil, locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), state: .available)
    let allocation = Allocation(
      id: UUID128(high: 1, low: 2), serverID: ServerID(1), clientID: ClientID(7), contractID: nil, quotaType: .onDemand,
      locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), startedAt: Timestamp(milliseconds: 0))
    for row in table.rows {
      let command = PageTable.code(in: row[1]).first
      for name in PageTable.code(in: row[0]).compactMap(StateName.init(rawValue:)) {
        let state: ServerState =
          switch name {
          case .new: .new
          case .backToBaseline: .backToBaseline(baselineID: UUID128(high: 1, low: 2))
          case .available: .available
          case .allocated: .allocated(allocation)
          case .isolated: .isolated(Isolation(subState: .excluded))
          case .quarantined: .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: .new))
          case .decommissioned: .decommissioned
          }
        let server = Server(
          id: ServerID(1), version: 1, enrolledAtVersion: 1, name: nil, locationID: LocationID(18),
          instanceTypeID: InstanceTypeID(126), state: state, previousState: nil, reason: nil,
          changedAt: Timestamp(milliseconds: 0))
        let withdrawing = ServerCommand.withdraw(server, lastKnown: known, caseID: "c", reason: "r")
        #expect(withdrawing?.name.rawValue == command, "\(name.rawValue)")
      }
    }
  }

  @Test("every metric, as a scrape names it")
  func metrics() throws {
    let table = try Page("docs/operations.md").table("metrics")
    let names = MetricName.allCases.map { $0.rawValue.replacing(".", with: "_") }
    #expect(table.code(0).map { $0.first?.prefix { $0 != "{" }.description } == names)
  }
}

extension [CommandName] {
  /// These in the order in which the page has them.
  fileprivate func sorted(by page: [CommandName]) -> [CommandName] {
    sorted { (page.firstIndex(of: $0) ?? .max) < (page.firstIndex(of: $1) ?? .max) }
  }
}
