internal import Dispatch
internal import GRDB
internal import Glibc

/// Keeps the file of the write-ahead log a little longer than what is in it.
///
/// A sync of a file that has grown must also write down how long it is, in the journal of the file system: with ext4 that
/// took five times as long as a sync of bytes that were there before, and every commit of a lone command paid it. So
/// zeros are put behind the log ahead of use. They say nothing to SQLite: a frame counts only with the salt of the log's
/// header and the right checksum (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
///
/// They are appended (`O_APPEND`): whatever SQLite writes at the same moment, here or in another process, is never written
/// over.
// Unchecked: its state is touched only on the writer queue of the pool, which runs one closure at a time.
final class LogReserve: @unchecked Sendable {
  private static let chunkBytes = 64 << 10
  /// Made once: filling it anew with each step took longer than all else.
  private static let zeros = [UInt8](repeating: 0, count: chunkBytes)
  /// A frame of the log: a page and its header.
  private static let frameBytes = 4096 + 24
  /// Nothing is reserved where the disk has less room than so many times ``maxBytes``.
  private static let spaceFactor = 16

  private let pool: DatabasePool
  private let path: String
  /// The log is written back when it is about that long, and begins anew.
  private let maxBytes: Int
  /// Put behind the log at a time. A commit that is synced meanwhile waits for it.
  private let stepBytes: Int
  /// The length of the file, as far as is known.
  private var reservedBytes = 0
  /// After the last commit.
  private var usedBytes = 0
  private var isExtending = false

  init(pool: DatabasePool, checkpointPages: Int) {
    self.pool = pool
    path = pool.path + "-wal"
    maxBytes = checkpointPages * Self.frameBytes
    stepBytes = max(Self.chunkBytes, min(3 << 20, maxBytes / 4))
  }

  /// Called on the writer queue after a worker's commit: the log has so many pages now.
  func used(pages: Int) {
    let written = pages * Self.frameBytes - usedBytes
    usedBytes += written
    // A large batch shares its sync among hundreds of commands, and would be through with a step at once.
    guard written <= stepBytes / 4, !isExtending, reservedBytes < maxBytes,
      usedBytes + stepBytes > reservedBytes
    else { return }
    isExtending = true
    DispatchQueue.global(qos: .utility).async { [self] in
      let length = extend()
      pool.asyncWriteWithoutTransaction { [self] _ in
        isExtending = false
        // Where nothing can be reserved it is not tried again.
        reservedBytes = length ?? maxBytes
      }
    }
  }

  /// - Returns: the length of the file, `nil` where it cannot be extended.
  private func extend() -> Int? {
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var space = statvfs()
    guard fstatvfs(descriptor, &space) == 0,
      Int(space.f_bavail) * Int(space.f_frsize) > maxBytes * Self.spaceFactor
    else { return nil }
    let zeros = Self.zeros
    for _ in 0..<stepBytes / zeros.count where write(descriptor, zeros, zeros.count) != zeros.count { return nil }
    var status = stat()
    guard fdatasync(descriptor) == 0, fstat(descriptor, &status) == 0 else { return nil }
    return Int(status.st_size)
  }
}
