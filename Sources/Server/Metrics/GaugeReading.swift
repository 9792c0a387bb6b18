/// A gauge that is asked for its value at each scrape.
struct GaugeReading: MetricCollector {
    let name: String
    let help: String
    let read: @Sendable () -> Double?

    var names: [String] { [name] }

    func collect() -> [MetricFamily] {
        [
            MetricFamily(
                name: name, help: help, kind: .gauge, samples: read().map { [MetricFamily.Sample(value: $0)] } ?? [])
        ]
    }
}
