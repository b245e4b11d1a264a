import Lifecycle
import Store
import Worker

/// What a replay of a letter would do now, as a dry run and `show` tell it.
struct ReplayVerdict: Sendable {
  let would: DryRun.Would
  /// Of a rejection.
  let code: RejectionCode?
  /// `apply: server 4711 → backToBaseline`.
  let text: String

  /// - Parameter refusal: why it cannot be replayed as it is; not because of the state it is in.
  init(on letter: DeadLetter, refusal: ReplayRequest.Refusal?, _ dryRun: DryRun) throws(StoreError) {
    switch refusal {
    case .noCommand, .bodyIncomplete, .unknownLetter, .notOpen:
      self.init(would: .reject, code: letter.code, text: "not be replayed: \(refusal?.text ?? "")")
    case .failedTooOften:
      self.init(try dryRun.forecast(letter), note: " (\(refusal?.text ?? ""))")
    case nil:
      self.init(try dryRun.forecast(letter), note: "")
    }
  }

  private init(_ forecast: DryRun.Forecast, note: String) {
    let words =
      switch forecast.would {
      case .apply: "apply" + (forecast.server.map { ": server \($0.id) → \($0.state.name.rawValue)" } ?? "")
      case .unchanged:
        "change nothing" + (forecast.server.map { ": server \($0.id) is \($0.state.name.rawValue)" } ?? "")
      case .alreadyApplied: "change nothing: it has been applied already"
      case .reject: "be rejected again: " + (forecast.rejection.map { "\($0.code.rawValue): \($0.message)" } ?? "")
      }
    self.init(would: forecast.would, code: forecast.rejection?.code, text: words + note)
  }

  private init(would: DryRun.Would, code: RejectionCode?, text: String) {
    self.would = would
    self.code = code
    self.text = text
  }

  /// The fields that a dry run adds to a letter.
  func write(to json: inout JSONWriter) {
    json.key("would")
    json.value(would.rawValue)
    if let code {
      json.key("wouldCode")
      json.value(code.rawValue)
    }
  }
}
