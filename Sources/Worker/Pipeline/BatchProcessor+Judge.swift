import Lifecycle
import Store

extension BatchProcessor {
  func judge(_ task: CommandTask, mayBeBlocked: Bool) throws(StoreError) -> Judgement {
    if let replayed = task.replayed {
      // It may have been given up while it was parked.
      let replay = try transaction.replay(of: replayed.replay.letterID, attempt: replayed.replay.attempt)
      guard let replay, replay.isRunning else { return .settled(.over) }
    }
    let judge = Judge(view: transaction, now: rules.now, random: rules.random)
    if let settlement = try judge.screen(task.message, isReplay: task.replayed != nil) { return .settled(settlement) }
    if mayBeBlocked, let server = task.message.command.serverID, result.lot.blocks(task.queue, for: server) {
      return .behind(server)
    }
    return try judge.judge(task.message)
  }
}
