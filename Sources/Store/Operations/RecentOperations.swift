/// The operations that are not yet filed: of each only the hash of its key, found in memory.
struct RecentOperations {
  /// The id before the first.
  let base: Int64
  /// By place; 0 where there is no operation (any more).
  private(set) var hashes: [UInt64] = []
  /// The last place of each hash.
  private var newest: [UInt64: Int32] = [:]
  /// For each place the place before of the same hash (another attempt, or a coincidence), or -1.
  private var earlier: [Int32] = []

  init(base: Int64) {
    self.base = base
    hashes.reserveCapacity(OperationGeneration.size)
    earlier.reserveCapacity(OperationGeneration.size)
    newest.reserveCapacity(OperationGeneration.size)
  }

  var lastID: Int64 { base + Int64(hashes.count) }
  var isFull: Bool { hashes.count == OperationGeneration.size }

  mutating func append(_ hash: UInt64) {
    precondition(!isFull, "a generation that is full is filed first")
    let place = Int32(hashes.count)
    hashes.append(hash)
    earlier.append(newest.updateValue(place, forKey: hash) ?? -1)
  }

  /// Leaves out the ids up to and with `id`: they were pruned.
  mutating func skip(through id: Int64) {
    while lastID < id {
      hashes.append(0)
      earlier.append(-1)
    }
  }

  /// The ids with that hash, ascending.
  func ids(of hash: UInt64) -> [Int64] {
    guard var place = newest[hash] else { return [] }
    var ids: [Int64] = []
    while place >= 0 {
      ids.append(base + 1 + Int64(place))
      place = earlier[Int(place)]
    }
    ids.reverse()
    return ids
  }
}
