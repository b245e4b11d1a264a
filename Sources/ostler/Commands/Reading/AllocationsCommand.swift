import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler allocations`.
struct AllocationsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allocations",
    abstract: "List who had which server, from when to when, and whether it is billable.",
    discussion: """
      Reads the store, also while the worker runs. All filters must match.

        ostler allocations --client 12345
        ostler allocations --open
      Everything that ran in the last thirty days, for billing:
        ostler allocations --since 30d --billable --json
      """
  )

  @Option(
    help: ArgumentHelp(
      "Only those that ran then or later: RFC 3339 time, or a duration back from now.", valueName: "time"))
  var since: MomentArgument?

  @Option(help: ArgumentHelp("Only this client's.", valueName: "id"))
  var client: ClientID?

  @Option(help: ArgumentHelp("Only of this server.", valueName: "id"))
  var server: ServerID?

  @Flag(help: "Only those that run.")
  var open = false

  @Flag(help: "Only those that have ended.")
  var ended = false

  @Flag(help: "Only billable ones.")
  var billable = false

  @Flag(help: "Only those that are not.")
  var notBillable = false

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !open || !ended else {
      throw ValidationError("--open and --ended exclude each other; leave both out for all")
    }
    guard !billable || !notBillable else {
      throw ValidationError("--billable and --not-billable exclude each other; leave both out for all")
    }
  }

  func run() async throws {
    let filter = AllocationFilter(
      client: client, server: server, since: since?.moment, isOpen: open ? true : ended ? false : nil,
      isBillable: billable ? true : notBillable ? false : nil)
    try await StoreAccess.read(common) { store in
      if output.json {
        var lines = StandardOutput()
        try await store.forEachAllocation(matching: filter) { lines.line(utf8: Self.json($0)) }
        lines.flush()
      } else {
        var table = TextTable([
          .init("SERVER", isNumber: true), .init("CLIENT", isNumber: true), .init("CONTRACT"), .init("QUOTA"),
          .init("LOCATION", isNumber: true), .init("TYPE", isNumber: true), .init("STARTED"), .init("ENDED"),
          .init("BY"), .init("BILLABLE"), .init("ALLOCATION"),
        ])
        try await store.forEachAllocation(matching: filter) { allocation in
          table.row([
            allocation.serverID.description, allocation.clientID.description, allocation.contractID?.rawValue,
            allocation.quotaType.rawValue, allocation.locationID.description, allocation.instanceTypeID.description,
            allocation.startedAt.description, allocation.end?.at.description, allocation.end?.by.rawValue,
            allocation.isBillable ? "yes" : "no", allocation.id.description,
          ])
        }
        table.finish()
        if table.rowCount == 0 { Complaint.write("no allocations match\n") }
      }
    }
  }

  private static func json(_ allocation: Allocation) -> [UInt8] {
    var fields = [
      Detail.Field("id", .text(allocation.id.description)),
      Detail.Field("serverId", .integer(allocation.serverID.rawValue)),
      Detail.Field("clientId", .integer(allocation.clientID.rawValue)),
    ]
    fields.add("contractId", allocation.contractID?.rawValue)
    fields.add("quotaType", allocation.quotaType.rawValue)
    fields.add("locationId", allocation.locationID.rawValue)
    fields.add("instanceTypeId", allocation.instanceTypeID.rawValue)
    fields.add("startedAt", allocation.startedAt.description)
    fields.add("endedAt", allocation.end?.at.description)
    fields.add("endedBy", allocation.end?.by.rawValue)
    fields.append(Detail.Field("billable", .boolean(allocation.isBillable)))
    var writer = JSONWriter()
    writer.value(fields)
    return writer.bytes
  }
}
