/// What the core says to a command.
package enum Decision: Hashable, Sendable {
  case apply(Transition)
  /// Success, and nothing changes.
  case unchanged
  case reject(Rejection)
  /// It may have overtaken what it depends on: park it; when patience is over, the rejection is its answer.
  case wait(Rejection, for: WaitReason)
}

package enum WaitReason: Hashable, Sendable {
  /// The server is in a state, or is not there yet, that another command may change. Later commands wait behind.
  case state
  /// The server is not yet at the `ifVersion` asked for. Nothing waits behind.
  case version
}

/// A change of one server: the state after it, and what is to be recorded with it.
package struct Transition: Hashable, Sendable {
  package let server: Server
  package let event: ServerEvent
  package let allocation: AllocationChange

  package init(server: Server, event: ServerEvent, allocation: AllocationChange) {
    self.server = server
    self.event = event
    self.allocation = allocation
  }
}

/// What a change does to the server's allocation. Quota use follows it: +1 when one begins, −1 when one ends.
package enum AllocationChange: Hashable, Sendable {
  case none
  case began(Allocation)
  case ended(Allocation)
}
