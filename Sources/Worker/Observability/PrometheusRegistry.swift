package import CoreMetrics
import Synchronization

/// A backend of swift-metrics that keeps the current values and writes them in the Prometheus text exposition format,
/// version 0.0.4. Bounded: labels come from closed sets of this program, never from messages.
package final class PrometheusRegistry: MetricsFactory {
  private let series = Mutex<[SeriesKey: any Series]>([:])

  package init() {}

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    get(label, dimensions) { CounterSeries() }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    get(label, dimensions) { MeterSeries() }
  }

  /// A recorder that does not aggregate is what swift-metrics calls a gauge.
  package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    if aggregate { get(label, dimensions) { SummarySeries() } } else { get(label, dimensions) { MeterSeries() } }
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    get(label, dimensions) { SummarySeries() }
  }

  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}

  /// The text of a scrape, sorted by name.
  package func exposition() -> String {
    let snapshot = series.withLock { $0 }
    var text = ""
    var lastName = ""
    for (key, value) in snapshot.sorted(by: { $0.key < $1.key }) {
      if key.name != lastName {
        text += "# TYPE \(key.name) \(value.kind)\n"
        lastName = key.name
      }
      for sample in value.samples {
        text += "\(key.name)\(sample.suffix)\(key.labels) \(sample.value)\n"
      }
    }
    return text
  }

  private func get<S: Series>(
    _ label: String, _ dimensions: [(String, String)], make: () -> S
  ) -> S {
    let key = SeriesKey(label: label, dimensions: dimensions)
    return series.withLock { all in
      if let known = all[key] as? S { return known }
      let new = make()
      all[key] = new
      return new
    }
  }
}

private struct SeriesKey: Hashable, Comparable {
  let name: String
  let labels: String

  init(label: String, dimensions: [(String, String)]) {
    name = String(label.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    let pairs = dimensions.map { name, value in
      let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
      return "\(name)=\"\(escaped)\""
    }
    labels = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
  }

  static func < (left: SeriesKey, right: SeriesKey) -> Bool {
    (left.name, left.labels) < (right.name, right.labels)
  }
}

private protocol Series: AnyObject, Sendable {
  var kind: String { get }
  var samples: [(suffix: String, value: String)] { get }
}

private final class CounterSeries: CounterHandler, Series {
  private let value = Atomic<Int64>(0)
  var kind: String { "counter" }
  func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
  func reset() { value.store(0, ordering: .relaxed) }
  var samples: [(suffix: String, value: String)] { [("", String(value.load(ordering: .relaxed)))] }
}

private final class MeterSeries: MeterHandler, RecorderHandler, Series {
  private let value = Mutex<Double>(0)
  var kind: String { "gauge" }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func record(_ value: Int64) { set(value) }
  func record(_ value: Double) { set(value) }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  var samples: [(suffix: String, value: String)] { [("", String(value.withLock { $0 }))] }
}

private final class SummarySeries: RecorderHandler, TimerHandler, Series {
  private let totals = Mutex<(count: Int64, sum: Double)>((0, 0))
  var kind: String { "summary" }
  func record(_ value: Int64) { record(Double(value)) }
  func record(_ value: Double) { totals.withLock { $0 = ($0.count + 1, $0.sum + value) } }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  var samples: [(suffix: String, value: String)] {
    let (count, sum) = totals.withLock { $0 }
    return [("_count", String(count)), ("_sum", String(sum))]
  }
}
