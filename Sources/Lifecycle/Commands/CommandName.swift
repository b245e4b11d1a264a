/// The thirteen commands, by the name that is their routing key.
package enum CommandName: String, CaseIterable, Hashable, Sendable {
  case allocate, deallocate, compensate, isolate, unisolate, available, quarantine, unquarantine
  case enroll, reclassify, decommission
  case setQuota = "set-quota"
  case snapshot

  /// Whether a command of this name goes on while another one for its server is parked.
  ///
  /// These four can be what the parked one waits for, or must not come late.
  package var overtakesParked: Bool {
    switch self {
    case .enroll, .deallocate, .compensate, .quarantine: true
    case .allocate, .isolate, .unisolate, .available, .unquarantine, .reclassify, .decommission, .setQuota,
      .snapshot:
      false
    }
  }
}
