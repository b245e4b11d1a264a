/// Finds what a misspelt name was meant to be.
package enum Spelling {
  /// The nearest candidate, where few enough letters differ for it to be a slip: up to a third of them, case apart.
  package static func nearest(to name: String, in candidates: [String]) -> String? {
    guard name.utf8.count <= maxLength else { return nil }
    let lowered = name.lowercased()
    let scored = candidates.map { (candidate: $0, distance: distance(lowered, $0.lowercased())) }
    guard let best = scored.min(by: { $0.distance < $1.distance }),
      best.distance <= max(1, min(lowered.count, best.candidate.count) / 3)
    else { return nil }
    return best.candidate
  }

  private static let maxLength = 100

  /// Insertions, removals and replacements of single characters (Levenshtein).
  private static func distance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in right.enumerated() {
        let cost = diagonal + (character == other ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(cost, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[right.count]
  }
}
