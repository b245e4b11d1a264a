import Foundation
import Lifecycle
import Store

/// A directory that goes when the test does, and the store in it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: "ostler-store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var storePath: String { path + "/ostler.sqlite" }
}

/// Opens a new store, runs `body`, closes it.
func withStore<Result>(
  options: StoreOptions = StoreOptions(busyTimeout: .milliseconds(50)),
  _ body: (Store, TemporaryDirectory) async throws -> Result
) async throws -> Result {
  let directory = try TemporaryDirectory()
  let store = try Store.open(at: directory.storePath, options: options)
  do {
    let result = try await body(store, directory)
    await store.close()
    return result
  } catch {
    await store.close()
    throw error
  }
}
