package import Store

/// Whether a worker may run on a store, as far as the end of the events log tells (contract section 6).
package enum StartCheck: Hashable, Sendable {
  /// Nothing speaks against it. That the store is ahead is normal: what it has published last may not be in the log yet.
  case mayRun
  /// The log is that of another store.
  case anotherStore(LogEnd)
  /// It is that store as it was before: events that it gave out are not in it.
  case behind(LogEnd)

  /// - Parameters:
  ///   - store: read after the log, so that a store that is written to is never behind its own events.
  ///   - end: `nil`: the log has no events.
  package init(_ store: StoreMeta, end: LogEnd?) {
    guard let end else {
      self = .mayRun
      return
    }
    if end.storeID != store.storeID {
      self = .anotherStore(end)
    } else if end.place > LogPlace(epoch: store.epoch, position: store.position) {
      self = .behind(end)
    } else {
      self = .mayRun
    }
  }

  /// Why the worker may not run, and what is to be done. `nil`: it may.
  ///
  /// - Parameters:
  ///   - path: of the store.
  ///   - log: the name of the log's queue.
  package func refusal(_ store: StoreMeta, at path: String, log: String) -> String? {
    switch self {
    case .mayRun: nil
    case .anotherStore(let end):
      """
      the store \(path) is not the one whose events are in \(log): that ends with store \(end.storeID), epoch \
      \(end.place.epoch), position \(end.place.position), of \(end.time); here is store \(store.storeID), epoch \
      \(store.epoch), position \(store.position)\(store.position == 0 ? ", in which nothing has ever been done" : ""). \
      Nothing was consumed or published. If that store is the right one, set store.path to it, or bring it back with \
      'ostler restore FILE'. If this store is of another fleet, give it another amqp.namespace. Only if that fleet is \
      given up for good and this store takes its place: delete the log with 'rabbitmqctl delete_queue \(log)' \
      (--vhost where it is not /), start again, and have subscribers forget what they know of store \(end.storeID)
      """
    case .behind(let end):
      """
      the store \(path) is behind its own events: \(Self.missing(store, end)). It is an earlier copy of the store that \
      wrote them (store \(store.storeID)). Nothing was consumed or published; on this copy servers would be given to a \
      second client. If the right store is elsewhere, set store.path to it. If it is lost, have this copy restored: \
      'ostler restore \(path)' says what happened since and keeps those servers from being given away (any backup may be \
      named instead). Only if what happened since is given up knowingly: 'ostler restore --no-log \(path)'
      """
    }
  }

  private static func missing(_ store: StoreMeta, _ end: LogEnd) -> String {
    guard end.place.epoch == store.epoch else {
      return "it is at epoch \(store.epoch), position \(store.position), and they go on to epoch \(end.place.epoch), "
        + "position \(end.place.position), of \(end.time)"
    }
    let count = end.place.position - store.position
    let range =
      count == 1 ? "position \(end.place.position)" : "positions \(store.position + 1) to \(end.place.position)"
    return
      "\(count) event\(count == 1 ? " is" : "s are") missing, \(range) of epoch \(store.epoch), the last of \(end.time)"
  }
}
