import Store

/// Places in a restore where a test can have the process end as by a power cut (see ``KillPoint``).
package enum RestoreStep: String, CaseIterable, Sendable {
  /// The backup was copied beside the store.
  case copied
  /// The epoch of the copy was raised.
  case raised
  /// Some servers were withdrawn, not all.
  case withdrawing
  /// The copy is ready.
  case prepared
  /// The log of the store was written back into it.
  case folded
  /// The store has a second name.
  case linked
  /// Nothing lies beside the store any more.
  case moved
  /// The copy is the store.
  case replaced

  /// As ``KillPoint/variable`` names it.
  package var killPoint: String { "restore-\(rawValue)" }

  func reach() { KillPoint.reach(named: killPoint) }

  init(_ step: StoreReplacement.Step) {
    switch step {
    case .copied: self = .copied
    case .folded: self = .folded
    case .linked: self = .linked
    case .moved: self = .moved
    case .replaced: self = .replaced
    }
  }
}
