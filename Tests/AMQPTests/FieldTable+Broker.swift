import TestSupport

@testable import AMQP

extension FieldTable {
  /// As the broker under test hands it on as the headers of a message: RabbitMQ 4 in the order of the names, and of several
  /// with one name only the first (as seen on 4.0.5); tables inside it leaves as they are. 3.10 leaves all as it came.
  func asHandedOn() async throws -> FieldTable {
    let version = try await withConnection { await $0.serverVersion }
    guard let major = version?.split(separator: ".").first.flatMap({ Int($0) }), major >= 4 else { return self }
    var names: Set<String> = []
    let first = entries.filter { names.insert($0.key).inserted }
    return FieldTable(first.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
  }
}
