internal import Lifecycle

/// Finds operations by their keys.
///
/// Senders choose the keys, so an index by key would touch a random page with every command: with millions of operations
/// that is most of what a command costs. Instead the newest generation is found in memory (``RecentOperations``). When it
/// is full it is filed in one go: 128 rows of `operation_index` at that table's end, and a filter. An older operation is
/// looked for only in the generations whose filter says that they may hold it (``OperationFilters``).
///
/// Holds for the connection that it was read from, as long as nobody else records operations.
struct OperationIndex {
  private var recent: RecentOperations
  private var filters: OperationFilters

  /// Reads it: a few milliseconds, and one for each generation.
  init(_ connection: Connection, _ hash: SipHash) throws(StoreError) {
    var filters = OperationFilters()
    var next: Int64 = 0
    do {
      var run = try connection.prepare(Statements.filters)
      while try run.step() {
        let generation = run.integer(0)
        let isWhole = run.withBytes(1) { filter in
          guard filter.count == OperationFilters.byteCount else { return false }
          filters.add(generation, filter)
          return true
        }
        guard isWhole else { throw connection.damaged("the filter of generation \(generation) has another length") }
        next = generation + 1
      }
    }
    self.filters = filters
    recent = RecentOperations(base: OperationGeneration.base(next))
    var run = try connection.prepare(Statements.recent)
    run.bind(recent.base)
    while try run.step() {
      let id = run.integer(0)
      guard id <= recent.base + Int64(OperationGeneration.size) else {
        throw connection.damaged("operation \(id) is in a generation that was never filed")
      }
      recent.skip(through: id - 1)
      recent.append(run.withBytes(1) { hash.hash($0) }.nonZero)
    }
  }

  /// The next operation gets this id.
  var nextID: Int64 { recent.lastID + 1 }

  /// Those that may have a key with that hash, ascending. A look-up compares the key.
  func ids(of hash: UInt64, on connection: Connection) throws(StoreError) -> [Int64] {
    var ids: [Int64] = []
    for generation in filters.candidates(hash.nonZero) {
      var run = try connection.prepare(Statements.bucket)
      run.bind(OperationGeneration.bucket(generation, hash))
      guard try run.step() else { continue }
      let base = OperationGeneration.base(generation)
      ids += run.withBytes(0) { OperationBucket.places(of: hash, in: $0) }.map { base + 1 + Int64($0) }
    }
    return ids + recent.ids(of: hash.nonZero)
  }

  /// Notes that the operation ``nextID`` was recorded, and files the generation where it is the last of one.
  mutating func append(_ hash: UInt64, on connection: Connection) throws(StoreError) {
    recent.append(hash.nonZero)
    if recent.isFull { try file(on: connection) }
  }

  private mutating func file(on connection: Connection) throws(StoreError) {
    let generation = OperationGeneration.number(of: recent.lastID)
    var buckets = [OperationBucket](repeating: OperationBucket(), count: OperationGeneration.bucketCount)
    let first = OperationGeneration.buckets(generation).lowerBound
    for (place, hash) in recent.hashes.enumerated() where hash != 0 {
      buckets[Int(OperationGeneration.bucket(generation, hash) - first)].append(hash, place: place)
    }
    for (number, bucket) in buckets.enumerated() {
      var run = try connection.prepare(Statements.file)
      run.bind(first + Int64(number))
      run.bind(bucket.bytes)
      try run.finish()
    }
    let filter = OperationFilters.encode(recent.hashes)
    var run = try connection.prepare(Statements.seal)
    run.bind(generation)
    run.bind(filter)
    try run.finish()
    filter.withUnsafeBytes { filters.add(generation, $0) }
    recent = RecentOperations(base: recent.lastID)
  }

  /// Forgets filed generations through the one of `id` of which no operation is left. The last one stays: it says where ids
  /// go on.
  mutating func forgetEmptyGenerations(through id: Int64, on connection: Connection) throws(StoreError) {
    var oldestLeft: Int64?
    for generation in try generations(through: OperationGeneration.number(of: id), on: connection) {
      guard try isEmpty(generation, on: connection) else {
        oldestLeft = oldestLeft ?? generation
        continue
      }
      var buckets = try connection.prepare(Statements.forgetBuckets)
      buckets.bind(OperationGeneration.buckets(generation).lowerBound)
      buckets.bind(OperationGeneration.buckets(generation).upperBound)
      try buckets.finish()
      var filter = try connection.prepare(Statements.forgetFilter)
      filter.bind(generation)
      try filter.finish()
    }
    filters.removeGroups(before: oldestLeft ?? OperationGeneration.number(of: id))
  }

  private func generations(through last: Int64, on connection: Connection) throws(StoreError) -> [Int64] {
    var run = try connection.prepare(Statements.generations)
    run.bind(last)
    var generations: [Int64] = []
    while try run.step() { generations.append(run.integer(0)) }
    return generations
  }

  private func isEmpty(_ generation: Int64, on connection: Connection) throws(StoreError) -> Bool {
    var run = try connection.prepare(Statements.isInUse)
    run.bind(OperationGeneration.base(generation))
    run.bind(OperationGeneration.base(generation + 1))
    return try !run.step()
  }
}

extension UInt64 {
  /// 0 stands for no operation.
  fileprivate var nonZero: UInt64 { self == 0 ? 1 : self }
}

private enum Statements {
  static let filters = SQLText("SELECT generation, filter FROM operation_generations ORDER BY generation")
  static let recent = SQLText("SELECT id, key FROM operations WHERE id > ? ORDER BY id")
  static let bucket = SQLText("SELECT entries FROM operation_index WHERE bucket = ?")
  static let file = SQLText("INSERT INTO operation_index (bucket, entries) VALUES (?, ?)")
  static let seal = SQLText("INSERT INTO operation_generations (generation, filter) VALUES (?, ?)")
  static let generations = SQLText(
    """
    SELECT generation FROM operation_generations
    WHERE generation <= ? AND generation < (SELECT max(generation) FROM operation_generations) ORDER BY generation
    """)
  static let isInUse = SQLText("SELECT 1 FROM operations WHERE id > ? AND id <= ? LIMIT 1")
  static let forgetBuckets = SQLText("DELETE FROM operation_index WHERE bucket BETWEEN ? AND ?")
  static let forgetFilter = SQLText("DELETE FROM operation_generations WHERE generation = ?")
}
