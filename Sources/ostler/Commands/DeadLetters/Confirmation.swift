import Foundation

/// Asks a person before many letters are touched; without a terminal there is nobody to ask.
enum Confirmation {
  static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

  /// - Throws: `CommandFailure` with status 1 when the answer is not yes.
  static func ask(_ question: String, isNeeded: Bool) throws {
    guard isNeeded, isPossible else { return }
    Complaint.write("\(question) [y/N] ")
    let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
    guard answer == "y" || answer == "yes" else { throw CommandFailure(.refused, "nothing was done") }
  }
}
