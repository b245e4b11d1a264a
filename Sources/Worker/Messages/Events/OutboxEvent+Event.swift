package import Lifecycle
package import Store

extension OutboxEvent {
  /// The event as it waits to be published.
  package init(_ event: Event, at place: EventPlace) {
    let content: Content =
      switch event {
      case .state(let event):
        .change(
          PublishedChange(event: event.event, serverID: event.serverID, version: event.version, data: event.data))
      case .snapshot, .snapshotCompleted, .command, .quota: .bytes(EventEncoder.encode(event, at: place).bytes)
      }
    self.init(
      position: place.position, epoch: place.epoch, at: place.time, routingKey: EventEncoder.routingKey(of: event),
      traceparent: TraceParent.validated(place.traceparent), content: content)
  }

  /// The event as it is published: the same bytes every time.
  package func encoded(for storeID: UUID128) -> EncodedEvent {
    let place = EventPlace(storeID: storeID, epoch: epoch, position: position, time: at, traceparent: traceparent)
    let bytes =
      switch content {
      case .bytes(let bytes): bytes
      case .change(let change): EventEncoder.encode(change, at: place)
      }
    return EncodedEvent(id: place.id, routingKey: routingKey, bytes: bytes)
  }
}
