internal import Lifecycle

/// The columns of a server, in the order in which they are read and written.
enum ServerRow {
  static let columns = """
    id, version, enrolled_version, name, location_id, instance_type_id, state, previous_state, reason, changed_at, \
    baseline_id, sub_state, isolation_reason, held_state
    """
}

/// A state taken apart into the columns that belong to it.
struct FlatState {
  var baselineID: UUID128?
  var availablePosition: Int64?
  var isolation: Isolation?
  var heldState: String?
  var holds: [Hold] = []
  var hasLiveAllocation = false

  init(_ state: ServerState, position: Int64) {
    switch state {
    case .new, .decommissioned: break
    case .backToBaseline(let id): baselineID = id
    case .available: availablePosition = position
    case .allocated: hasLiveAllocation = true
    case .isolated(let cause): isolation = cause
    case .quarantined(let quarantine):
      holds = quarantine.holds
      switch quarantine.held {
      case .new: heldState = "new"
      case .backToBaseline: heldState = "backToBaseline"
      case .available: heldState = "available"
      case .allocated:
        heldState = "allocated"
        hasLiveAllocation = true
      case .allocationEnded: heldState = "allocationEnded"
      case .isolated(let cause):
        heldState = "isolated"
        isolation = cause
      }
    }
  }

  /// Binds, in this order: baseline_id, available_position, sub_state, isolation_reason, held_state, first_hold,
  /// live_allocation.
  func bind(to run: inout StatementRun) {
    run.bind(baselineID)
    run.bind(availablePosition)
    run.bind(isolation?.subState)
    run.bind(isolation?.reason)
    run.bind(heldState)
    run.bind(holds.isEmpty ? nil : 0 as Int64)
    run.bind(hasLiveAllocation ? 1 : nil as Int64?)
  }
}
