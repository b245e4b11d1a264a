import ArgumentParser
import Lifecycle
import Worker

/// One of the thirteen, as a command of the command line: what it adds is its own fields.
protocol SendSubcommand: AsyncParsableCommand {
  static var command: CommandName { get }
  var send: SendOptions { get }
  /// The body's own fields, under the names of the contract; those not given are left out.
  var fields: [Detail.Field] { get }
}

extension SendSubcommand {
  mutating func run() async throws {
    let operation = UUID128.random()
    try await SingleSend(
      command: Self.command, fields: fields + send.fields(operation: operation), options: send.delivery
    ).run()
  }
}

extension UUID128 {
  /// A version 4 UUID from the system's random numbers.
  static func random() -> UUID128 {
    var generator = SystemRandomNumberGenerator()
    return UUID128(randomHigh: generator.next(), randomLow: generator.next())
  }
}
