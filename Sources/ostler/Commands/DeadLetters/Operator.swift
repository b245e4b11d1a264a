import Foundation

/// Who runs this command: what the audit trail writes.
enum Operator {
  /// The name of the real user, from the system's data base of users (getpwuid(3)); with `sudo` also whose it was.
  static let name: String = {
    let uid = getuid()
    let user = getpwuid(uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(uid)"
    guard let origin = ProcessInfo.processInfo.environment["SUDO_USER"], !origin.isEmpty, origin != user else {
      return user
    }
    return "\(user) (sudo by \(PlainText.clean(PlainText.cut(origin, to: 64))))"
  }()
}
