import ArgumentParser
import Foundation
import Worker

/// The command `ostler`.
@main
struct Ostler: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ostler",
    abstract: "Works off the commands of a bare-metal fleet, each exactly once.",
    discussion: """
      The worker itself is 'ostler run'. Everything else looks at what it does or talks to it over the broker.

      Start the worker, put a server under it and look at it:
        ostler run &
        ostler send enroll --server 4711 --location 18 --type 126 --state available
        ostler server 4711

      Settings come from config/ostler.yaml (--config names another file) and from environment variables, which win: \
      amqp.uri is OSTLER_AMQP_URI. 'ostler config' prints them all and where each came from.

      Exit status: 0 done; 1 understood and refused, or partly failed; 64 wrong usage; 69 broker or store \
      unavailable, or no answer in time; 70 a defect; 78 bad configuration.
      """,
    version: version,
    subcommands: [
      RunCommand.self, SendCommand.self, ImportCommand.self, ServersCommand.self, ServerCommand.self,
      AllocationsCommand.self, QuotasCommand.self, DeadLettersCommand.self, EventsCommand.self, BackupCommand.self,
      RestoreCommand.self, TopologyCommand.self, ConfigCommand.self,
    ]
  )

  static let version = "0.1.0"

  static func main() async {
    // A reader that goes away is noticed where we write; sockets must not end the process either.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      end(with: error)
    }
  }

  /// Says why on the standard error, and ends the process with the status for it.
  private static func end(with error: any Error) -> Never {
    if let failure = error as? CommandFailure {
      Complaint.print(failure.message)
      Foundation.exit(failure.status.rawValue)
    }
    if let error = error as? SettingsError {
      Complaint.print(error.message)
      Foundation.exit(ExitStatus.configuration.rawValue)
    }
    let code = exitCode(for: error)
    let text = fullMessage(for: error)
    if code.isSuccess {
      // Help, the version, a completion script.
      var output = StandardOutput()
      if !text.isEmpty { output.line(text) }
      output.flush()
    } else if code == .validationFailure,
      let misspelt = MisspeltCommand(CommandLine.arguments.dropFirst(), of: Ostler.self)
    {
      Complaint.print(misspelt.message)
    } else if code == .validationFailure {
      Complaint.print(text.hasPrefix("Error: ") ? String(text.dropFirst("Error: ".count)) : text)
    } else if !(error is ExitCode) {
      Complaint.print("defect: \(error)")
      Foundation.exit(ExitStatus.defect.rawValue)
    }
    Foundation.exit(code.rawValue)
  }
}
