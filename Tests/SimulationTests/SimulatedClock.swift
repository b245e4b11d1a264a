import Lifecycle
import Worker

/// The simulation's time, as one worker sees it.
// Unchecked: touched on the simulation's thread alone.
final class SimulatedClock: WorkerClock, @unchecked Sendable {
  private let process: SimulatedWorker
  private var scheduler: Scheduler { process.scheduler }

  init(_ process: SimulatedWorker) { self.process = process }

  var now: Timestamp { process.world.wallClock }
  var uptime: Duration { scheduler.now }

  func sleep(for duration: Duration) async throws {
    if process.isDead { throw CancellationError() }
    let id = process.expect()
    guard await process.wait(id, atMost: max(duration, .zero)) == .timeIsUp else { throw CancellationError() }
  }
}
