import CoreMetrics
import Metrics
import Testing
import Worker

@Suite struct PrometheusRegistryTests {
  @Test("Counters, gauges and summaries in the text format: one TYPE line a name, dots as underscores, sorted")
  func exposition() {
    let registry = PrometheusRegistry()
    Counter(label: "b.total", dimensions: [("code", "x"), ("command", "allocate")], factory: registry).increment(by: 3)
    Counter(label: "b.total", dimensions: [("code", "a"), ("command", "allocate")], factory: registry).increment()
    Gauge(label: "a.depth", dimensions: [], factory: registry).record(7)
    Recorder(label: "c.size", dimensions: [], aggregate: true, factory: registry).record(2)
    Recorder(label: "c.size", dimensions: [], aggregate: true, factory: registry).record(5)
    #expect(
      registry.exposition() == """
        # TYPE a_depth gauge
        a_depth 7.0
        # TYPE b_total counter
        b_total{code="a",command="allocate"} 1
        b_total{code="x",command="allocate"} 3
        # TYPE c_size summary
        c_size_count 2
        c_size_sum 7.0

        """)
  }

  @Test("The same label and dimensions are the same series, whoever asks")
  func sameSeries() {
    let registry = PrometheusRegistry()
    for _ in 0..<3 { Counter(label: "n", dimensions: [("a", "b")], factory: registry).increment() }
    #expect(registry.exposition() == "# TYPE n counter\nn{a=\"b\"} 3\n")
  }

  @Test("Timers are in seconds")
  func timers() {
    let registry = PrometheusRegistry()
    Timer(label: "t.seconds", dimensions: [], factory: registry).recordMilliseconds(1500)
    #expect(registry.exposition() == "# TYPE t_seconds summary\nt_seconds_count 1\nt_seconds_sum 1.5\n")
  }

  @Test("Label values are escaped: backslash, quote and line feed (text format 0.0.4)")
  func escaping() {
    let registry = PrometheusRegistry()
    Counter(label: "n", dimensions: [("a", "x\\y\"z\nw")], factory: registry).increment()
    #expect(registry.exposition() == "# TYPE n counter\nn{a=\"x\\\\y\\\"z\\nw\"} 1\n")
  }

  @Test("Counted from many threads, nothing is lost")
  func threads() async {
    let registry = PrometheusRegistry()
    let counter = Counter(label: "n", dimensions: [], factory: registry)
    let recorder = Recorder(label: "r", dimensions: [], aggregate: true, factory: registry)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<500 {
            counter.increment()
            recorder.record(1)
          }
        }
      }
    }
    #expect(
      registry.exposition().contains("\nn 4000\n") || registry.exposition().hasPrefix("# TYPE n counter\nn 4000\n"))
    #expect(registry.exposition().contains("r_count 4000\n"))
  }

  @Test("Every metric of the worker has a name that Prometheus takes, and none twice")
  func names() {
    let names = MetricName.allCases.map { $0.rawValue.replacing(".", with: "_") }
    #expect(Set(names).count == names.count)
    for name in names { #expect(name.wholeMatch(of: /[a-z_:][a-z0-9_:]*/) != nil, "\(name)") }
  }
}
