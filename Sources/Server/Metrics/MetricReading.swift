/// A metric that is asked for its value at each scrape.
struct MetricReading: MetricCollector {
    let name: String
    let help: String
    let kind: MetricFamily.Kind
    let read: @Sendable () -> Double?

    var names: [String] { [name] }

    func collect() -> [MetricFamily] {
        [
            MetricFamily(
                name: name, help: help, kind: kind, samples: read().map { [MetricFamily.Sample(value: $0)] } ?? [])
        ]
    }
}
