import Dispatch
import Foundation
import Logging

/// Ends the process at once when it is asked to stop a second time.
///
/// Nothing is lost by it: what was not committed was not acknowledged.
struct SecondSignal {
  private let sources: [any DispatchSourceSignal]

  init(logger: Logger) {
    let asked = Countdown(2)
    sources = [SIGTERM, SIGINT].map { signal in
      let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
      source.setEventHandler {
        guard asked.reachedZero() else {
          logger.log(.notice, "asked to stop; finishing what is in hand (a second signal stops at once)", [:])
          return
        }
        logger.log(.warning, "asked to stop a second time; stopping at once", [:])
        _exit(1)
      }
      source.resume()
      return source
    }
  }

  func stop() { for source in sources { source.cancel() } }
}
