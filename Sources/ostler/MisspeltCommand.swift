import ArgumentParser
import Worker

/// A word where the name of a command belongs, and that is none: what was meant. ArgumentParser calls it an unexpected
/// argument of the default command.
struct MisspeltCommand {
  let message: String

  /// - Parameter words: the command line, without the program's name.
  /// - Returns: `nil` where every word in such a place is a command.
  init?(_ words: some Sequence<String>, of root: any ParsableCommand.Type) {
    var (command, path) = (root, Self.name(root))
    for word in words {
      let commands = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
      guard !commands.isEmpty, !word.hasPrefix("-"), !(command == root && word == "help") else { return nil }
      if let next = commands.first(where: { Self.name($0) == word || $0.configuration.aliases.contains(word) }) {
        (command, path) = (next, "\(path) \(word)")
        continue
      }
      let names = commands.map(Self.name)
      message =
        "'\(PlainText.clean(PlainText.cut(word, to: 40)))' is no command of '\(path)'"
        + (Spelling.nearest(to: word, in: names).map { "; did you mean '\($0)'?" }
          ?? "; there are \(names.joined(separator: ", ")).") + " See '\(path) --help'."
      return
    }
    return nil
  }

  private static func name(_ command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? String(describing: command).lowercased()
  }
}
