/// How a store is opened.
package struct StoreOptions: Hashable, Sendable {
  /// How long to wait for a lock that another process holds before saying ``StoreError/Code/busy``.
  package var busyTimeout: Duration
  /// Cache of the writing connection in bytes.
  package var cacheBytes: Int
  /// The write-ahead log is written back once it has grown by this many pages of 4 KiB. Larger: fewer writes of pages
  /// that change often, a larger file, a longer recovery after a crash. On a small file system it is less.
  package var checkpointPages: Int
  /// The file may not grow beyond this many pages of 4 KiB; `nil`: no bound but the disk's.
  package var maxPages: Int?

  package init(
    busyTimeout: Duration = .seconds(5), cacheBytes: Int = 8 << 20, checkpointPages: Int = 16_000,
    maxPages: Int? = nil
  ) {
    self.busyTimeout = busyTimeout
    self.cacheBytes = cacheBytes
    self.checkpointPages = checkpointPages
    self.maxPages = maxPages
  }
}
