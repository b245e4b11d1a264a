import Lifecycle
import Store

/// How a command ends.
enum Settlement {
  /// It was decided before.
  case duplicate(OperationRecord)
  /// It was decided in a store that this one, restored from a backup, replaced.
  case lostDuplicate(LostOperation)
  case changed(Transition, charge: QuotaCharge?)
  case quotaSet(QuotaKey, previous: Int?, limit: Int?)
  /// The run is noted; its events follow.
  case snapshot(SnapshotScope)
  case unchanged(Server?)
  /// A replay of what had been applied before.
  case alreadyApplied
  /// A copy of a replay that is over: nothing is left to say about it.
  case over
  /// - Parameter takesKey: whether the outcome is stored under the key; a conflict leaves the first outcome untouched.
  case rejected(Rejection, takesKey: Bool)
}

/// What is to become of a command now.
enum Judgement {
  case settled(Settlement)
  /// Another one for that server is parked before it.
  case behind(ServerID)
  case wait(ServerID, Rejection, WaitReason)
}
