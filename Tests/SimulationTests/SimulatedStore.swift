import Lifecycle
import Store
import Worker

/// The real store, as one worker process reaches it: in trouble when the world says so, and out of its reach once it is
/// dead. A process can die before a commit, and after it without having learnt of it.
// Unchecked: touched on the simulation's thread alone.
final class SimulatedStore: WorkerStore, @unchecked Sendable {
  private let process: SimulatedWorker
  private var world: Simulation { process.world }

  init(_ process: SimulatedWorker) { self.process = process }

  var identity: StoreIdentity { world.store.identity }

  func isInPlace() throws(StoreError) -> Bool { true }

  func takeOver(as owner: UUID128) async throws(StoreError) -> TakeOver {
    try await pass("take over")
    let taken = try world.store.takeOverBlocking(as: owner)
    process.tookOver(taken)
    world.owner = process.number
    world.committed(by: process)
    try await back()
    return taken
  }

  @discardableResult
  func commit<Result: Sendable>(
    owner: WorkerToken?, _ body: @escaping @Sendable (Transaction) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    try await pass("commit")
    if SimulatedWorker.service == "CommandPipeline", world.crashesOverPoison(process) {
      process.kill()
      throw Self.dead
    }
    let result: Result
    do throws(StoreError) {
      result = try world.store.commitBlocking(owner: owner, body)
    } catch {
      world.scheduler.trace.note("worker \(process.number): commit failed: \(error.code)")
      throw error
    }
    world.scheduler.trace.note("worker \(process.number): \(SimulatedWorker.service) has committed")
    if world.owner != process.number {
      world.scheduler.violate("worker \(process.number) has committed, and worker \(world.owner) has the store")
    }
    world.committed(by: process)
    try await back()
    return result
  }

  func read<Result: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    try await pass("read")
    let result = try world.store.readBlocking(body)
    try await back()
    return result
  }

  /// On the way to the store. A process that dies here has not changed it.
  private func pass(_ what: String) async throws(StoreError) {
    if process.isDead { throw Self.dead }
    await world.scheduler.pause()
    if process.isDead { throw Self.dead }
    if let trouble = world.storeTrouble(forWriting: what != "read") {
      world.scheduler.trace.note("worker \(process.number): \(what): \(trouble.code)")
      throw trouble
    }
  }

  /// On the way back. A process that dies here has changed the store and does not know.
  private func back() async throws(StoreError) {
    await world.scheduler.pause()
    if process.isDead { throw Self.dead }
  }

  private static let dead = StoreError(.ioError, "the process is dead")
}

extension SimulatedWorker {
  fileprivate func tookOver(_ taken: TakeOver) {
    isCareful = turns == 0 && !taken.meta.workerEndedCleanly
    turns += 1
    scheduler.trace.note("worker \(number) takes the store over\(isCareful ? ", and is careful" : "")")
  }
}
