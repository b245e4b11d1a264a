internal import Glibc

/// How long the write-ahead log may become before it is written back.
enum LogBound {
  /// What it may take of a file system, so that the log alone never fills a small one. On a full disk it cannot be written
  /// back either: that needs room in the store's own file.
  private static let share = 16
  /// Less would be written back all the time.
  private static let minPages = 256

  /// - Parameter wanted: pages where there is room for them.
  static func pages(at path: String, wanted: Int) -> Int {
    var space = statvfs()
    guard statvfs(path, &space) == 0 else { return wanted }
    let total = Int(clamping: space.f_blocks).multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
    guard !total.overflow else { return wanted }
    return min(wanted, max(minPages, total.partialValue / share / 4096))
  }
}
