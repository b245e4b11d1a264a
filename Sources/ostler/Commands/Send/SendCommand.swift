import ArgumentParser
import Lifecycle
import Worker

/// `ostler send`.
struct SendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send commands to the worker, and wait for its answers.",
    discussion: """
      One command, with the answer in readable form or as JSON:
        ostler send allocate --location 18 --type 126 --client 12345
        ostler send deallocate --server 4711 --client 12345 --json
      Each has help of its own:
        ostler send allocate --help
      Many, from a file of JSON Lines (or from standard input, as '-'): each line is the body of a command, and \
      "command" names which one it is:
        {"command":"isolate","serverId":4711,"subState":"excluded"}
        ostler send --file commands.jsonl

      Exit status: 0 applied or unchanged; 1 rejected, or partly failed; 69 broker out of reach, or no answer in time.
      No answer does not mean no effect: send again with the same --operation, and it is applied once.
      """,
    subcommands: [
      SendAllocate.self, SendDeallocate.self, SendCompensate.self, SendIsolate.self, SendUnisolate.self,
      SendAvailable.self, SendQuarantine.self, SendUnquarantine.self, SendEnroll.self, SendReclassify.self,
      SendDecommission.self, SendSetQuota.self, SendSnapshot.self, SendFile.self,
    ],
    defaultSubcommand: SendFile.self
  )
}
