import Lifecycle
import Store

/// The store that a backup is to replace, while it is still in its place: what it had committed and not yet published
/// happened too, and the log does not know it.
enum PresentStore {
  private static let pageCount = 500
  private static let pageMaxBytes = 4 << 20

  static func read(
    at path: String, into story: inout LostStory, facts: inout FactWriter
  ) async throws(StoreError) -> RestoreReport.Present {
    let store: Store
    do throws(StoreError) {
      guard try Store.exists(at: path) else { return .missing }
      store = try Store.openForReading(at: path)
    } catch {
      return .unreadable(error.message)
    }
    let result: Result<RestoreReport.Present, StoreError>
    do throws(StoreError) {
      result = .success(try await read(store, into: &story, facts: &facts))
    } catch {
      // Half of a story is better than none, and its gaps are noted; but only damage may cost the other half.
      result = error.code == .corrupt ? .success(.unreadable(error.message)) : .failure(error)
    }
    await store.close()
    return try result.get()
  }

  private static func read(
    _ store: Store, into story: inout LostStory, facts: inout FactWriter
  ) async throws(StoreError) -> RestoreReport.Present {
    let meta = try await store.read { snapshot throws(StoreError) in try snapshot.meta() }
    guard meta.storeID == story.storeID else {
      return .another(storeID: meta.storeID, epoch: meta.epoch, position: meta.position)
    }
    var last: Int64 = 0
    while true {
      let events = try await store.read { [last] snapshot throws(StoreError) in
        try snapshot.outbox(after: last, limit: pageCount, maxBytes: pageMaxBytes)
      }
      guard let newest = events.last else { break }
      last = newest.position
      for event in events {
        if let event = LoggedEvent(event.encoded(for: meta.storeID).bytes) { try await facts.take(story.take(event)) }
      }
    }
    story.end(at: LogPlace(epoch: meta.epoch, position: meta.position))
    return .same(epoch: meta.epoch, position: meta.position, unpublished: meta.outboxCount)
  }
}
