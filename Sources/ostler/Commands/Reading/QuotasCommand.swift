import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler quotas`.
struct QuotasCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quotas",
    abstract: "List the quota rows, each with its limit and its use.",
    discussion: """
      Reads the store, also while the worker runs. Client 0 has the defaults, which apply to each client separately and so \
      have no use of their own; location 0 and type 0 mean any.

        ostler quotas
        ostler quotas --client 12345 --json
      """
  )

  @Option(help: ArgumentHelp("Only this client's; 0 for the defaults.", valueName: "id"))
  var client: Int64?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard client.map({ (0...maxIdentifier).contains($0) }) ?? true else {
      throw ValidationError("--client is a whole number from 0 to \(maxIdentifier)")
    }
  }

  func run() async throws {
    let client = client.map { ClientID($0) }
    try await StoreAccess.read(common) { store in
      if output.json {
        var lines = StandardOutput()
        try await store.forEachQuota(of: client) { lines.line(utf8: Self.json($0)) }
        lines.flush()
      } else {
        var table = TextTable([
          .init("CLIENT", isNumber: true), .init("CONTRACT"), .init("LOCATION", isNumber: true),
          .init("TYPE", isNumber: true), .init("QUOTA"), .init("USED", isNumber: true), .init("LIMIT", isNumber: true),
        ])
        try await store.forEachQuota(of: client) { listing in
          let key = listing.row.key
          table.row([
            key.clientID == .nobody ? "default" : key.clientID.description, key.contractID?.rawValue,
            key.locationID == .any ? "any" : key.locationID.description,
            key.instanceTypeID == .any ? "any" : key.instanceTypeID.description, key.quotaType.rawValue,
            listing.used.map(String.init), String(listing.row.limit),
          ])
        }
        table.finish()
        if table.rowCount == 0 {
          Complaint.write("no quota rows; 'ostler send set-quota --help' says how to set one\n")
        }
      }
    }
  }

  private static func json(_ listing: QuotaListing) -> [UInt8] {
    let key = listing.row.key
    var fields = [Detail.Field("clientId", .integer(key.clientID.rawValue))]
    fields.add("contractId", key.contractID?.rawValue)
    fields.add("locationId", key.locationID.rawValue)
    fields.add("instanceTypeId", key.instanceTypeID.rawValue)
    fields.add("quotaType", key.quotaType.rawValue)
    fields.add("limit", Int64(listing.row.limit))
    fields.add("used", listing.used.map(Int64.init))
    var writer = JSONWriter()
    writer.value(fields)
    return writer.bytes
  }
}
