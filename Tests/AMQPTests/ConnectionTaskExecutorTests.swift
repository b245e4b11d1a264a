import AMQP
import Foundation
import Testing

extension Connection {
  fileprivate func thread() -> UInt { UInt(bitPattern: pthread_self().hashValue) }
}

private actor Elsewhere {
  func thread() -> UInt { UInt(bitPattern: pthread_self().hashValue) }
}

@Suite(.timeLimit(.minutes(2)))
struct ConnectionTaskExecutorTests {
  @Test("A task that prefers it runs on the connection's thread, whatever it waits for, and so do actors for it")
  func sameThread() async throws {
    let connection = Connection(options: ConnectionOptions(name: "preferred"))
    let own = await connection.thread()
    #expect(await Elsewhere().thread() != own)
    await withTaskExecutorPreference(connection.taskExecutor) {
      // One that nobody else uses: an actor that is at work elsewhere takes the next job there too.
      let actor = Elsewhere()
      #expect(await actor.thread() == own)
      await Task.yield()
      #expect(await actor.thread() == own)
      #expect(await connection.thread() == own)
      #expect(await actor.thread() == own)
      async let child = actor.thread()
      #expect(await child == own)
    }
    #expect(await Elsewhere().thread() != own)
  }

  @Test("A wait in receive() and one that is ended from outside leave the task on the thread")
  func receiving() async throws {
    try await withConnection { connection in
      let own = await connection.thread()
      let queue = try await connection.temporaryQueue("preferred")
      try await connection.consume(queue, noAck: true)
      try await withTaskExecutorPreference(connection.taskExecutor) {
        let actor = Elsewhere()
        try await connection.publish("one", to: queue)
        #expect(try await connection.receive(maxCount: 1, maxBytes: 1000).deliveries.map(\.text) == ["one"])
        #expect(await actor.thread() == own)
        async let waiting = connection.receive(maxCount: 1, maxBytes: 1000)
        connection.endWait()
        #expect(try await waiting.isEmpty)
        #expect(await actor.thread() == own)
      }
    }
  }

  @Test("Tasks go on when the connection is gone, at whichever moment it goes")
  func goneConnection() async throws {
    var executors: [any TaskExecutor] = []
    for _ in 0..<200 {
      var connection: Connection? = Connection(options: ConnectionOptions(name: "gone"))
      let executor = try #require(connection?.taskExecutor)
      executors.append(executor)
      async let steps = withTaskExecutorPreference(executor) {
        var steps = 0
        while steps < 50 {
          await Task.yield()
          steps += 1
        }
        return steps
      }
      connection = nil
      #expect(await steps == 50)
    }
    // By now the threads of all but the last have ended for long.
    for executor in executors {
      #expect(await withTaskExecutorPreference(executor) { await Elsewhere().thread() } != 0)
    }
  }

  @Test("Whoever gives a connection its last job may be all that keeps it")
  func lastJob() async throws {
    for _ in 0..<100 {
      await withTaskGroup { group in
        for _ in 0..<8 {
          let connection = Connection(options: ConnectionOptions(name: "short"))
          for _ in 0..<4 {
            group.addTask { #expect(await connection.isBlocked == false) }
            group.addTask {
              await withTaskExecutorPreference(connection.taskExecutor) { #expect(await Elsewhere().thread() != 0) }
            }
          }
        }
      }
    }
  }

  @Test("A wait that is cancelled ends, whenever that is: a task that prefers the thread is queued anew with each call")
  func cancelledWait() async throws {
    try await withConnection { connection in
      for round in 0..<400 {
        let task = Task(executorPreference: connection.taskExecutor) {
          try await connection.receive(maxCount: 1, maxBytes: 1000).count
        }
        for _ in 0..<round % 8 { await Task.yield() }
        task.cancel()
        await #expect(throws: AMQPError.self) { try await task.value }
      }
    }
  }
}
