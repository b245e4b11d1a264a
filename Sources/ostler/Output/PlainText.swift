/// Text from outside, made safe to print: control characters could move the cursor or forge a line of ours.
package enum PlainText {
  package static func clean(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
    var clean = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { clean.append(isUnsafe(scalar) ? "\u{FFFD}" : scalar) }
    return String(clean)
  }

  /// Control and format characters: among these are the escapes of terminals and the marks that turn the direction of text.
  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }

  /// The first characters, with a mark where something was left out.
  package static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : text.prefix(max(width - 1, 0)) + "…"
  }

  /// `1234567` as `1,234,567`.
  package static func grouped(_ number: some BinaryInteger) -> String {
    let digits = String(number)
    guard digits.count > 3 else { return digits }
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0, digits[digits.startIndex] != "-" || index > 1 { result += "," }
      result.append(digit)
    }
    return result
  }
}
