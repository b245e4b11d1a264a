/// Why the store could not do what it was asked to.
package struct StoreError: Error, Sendable {
  package enum Code: String, CaseIterable, Hashable, Sendable {
    /// The file cannot be opened or created: path, permissions, missing directory.
    case cannotOpen
    /// Another connection holds the lock for longer than the busy time-out.
    case busy
    /// No space is left. Nothing of the transaction was written.
    case diskFull
    /// The disk, or memory for it, failed.
    case ioError
    /// The file or its file system may not be written.
    case readOnly
    /// The content is damaged.
    case corrupt
    /// A later release has written this store.
    case newerSchema
    /// The file is something else.
    case notOstler
    /// Opened for reading only, and an earlier release has written this store: a worker migrates it when it starts.
    case migrationNeeded
    /// Another worker has taken the store over.
    case fenced
    /// What was asked for would do harm: a file is in the way, or somebody has the store open.
    case refused
    /// Whoever asked wants it no more.
    case cancelled
    /// A constraint failed or SQLite was misused: a bug of ours.
    case defect
  }

  package let code: Code
  /// What happened, to which file, and what to do.
  package let message: String
  /// What SQLite or the operating system said, where one of them did.
  package let cause: (any Error)?

  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// Nobody's fault, and over some time: pause, and go on later. Everything else needs a person.
  package var isTrouble: Bool {
    switch code {
    case .cannotOpen, .busy, .diskFull, .ioError, .readOnly: true
    case .corrupt, .newerSchema, .notOstler, .migrationNeeded, .fenced, .refused, .cancelled, .defect: false
    }
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String { message }
}
