import Synchronization

/// The series of one metric: one for each combination of label values.
///
/// Ask for a series with its label values in the order of the names: `requests("/predict", "POST", "200").increment()`.
/// A metric without labels has its one series from the start, so that it reads 0 instead of being absent.
public final class MetricSeries<Instrument: MetricInstrument>: MetricCollector {
    /// The metric's name.
    public let name: String

    private let help: String
    private let labelNames: [String]
    private let limit: Int
    private let make: @Sendable () -> Instrument
    private let series: Mutex<[[String]: Instrument]>

    init(
        name: String, help: String, labelNames: [String], limit: Int, make: @escaping @Sendable () -> Instrument
    ) {
        precondition(labelNames.allSatisfy(Exposition.isLabelName), "\(name) has labels \(labelNames)")
        precondition(Set(labelNames).count == labelNames.count, "\(name) has a label twice: \(labelNames)")
        precondition(limit > 0, "\(name) may have \(limit) series, but needs one")
        self.name = name
        self.help = help
        self.labelNames = labelNames
        self.limit = limit
        self.make = make
        series = Mutex(labelNames.isEmpty ? [[]: make()] : [:])
    }

    /// The series with these label values; created on first use.
    ///
    /// Limits: once there are as many series as the metric may have, unknown values share the overflow series.
    public func callAsFunction(_ values: String...) -> Instrument {
        check(values)
        return series.withLock { find(values, in: &$0) }
    }

    /// Removes series and creates another atomically, so that no scrape sees both or neither.
    ///
    /// - Parameters:
    ///   - isReplaced: is given the label values of each series.
    ///   - values: the label values of the new one.
    ///   - prepare: sets the new one before a scrape can see it.
    func replace(
        where isReplaced: ([String]) -> Bool, with values: [String], prepare: (Instrument) -> Void = { _ in }
    ) {
        check(values)
        series.withLock { series in
            series = series.filter { !isReplaced($0.key) }
            prepare(find(values, in: &series))
        }
    }

    /// Removes the series whose label values meet a condition.
    func remove(where isRemoved: ([String]) -> Bool) {
        series.withLock { series in series = series.filter { !isRemoved($0.key) } }
    }

    var names: [String] { [name] }

    func collect() -> [MetricFamily] {
        let series = series.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let samples = series.flatMap { values, instrument in
            let own = zip(labelNames, values).map { MetricFamily.Label(name: $0, value: $1) }
            return instrument.samples().map { sample in
                MetricFamily.Sample(suffix: sample.suffix, labels: own + sample.labels, value: sample.value)
            }
        }
        return [MetricFamily(name: name, help: help, kind: Instrument.kind, samples: samples)]
    }

    private func check(_ values: [String]) {
        precondition(
            values.count == labelNames.count, "\(name) has labels \(labelNames), but was given values \(values)")
    }

    private func find(_ values: [String], in series: inout [[String]: Instrument]) -> Instrument {
        if let known = series[values] { return known }
        let overflow = labelNames.map { _ in MetricsRegistry.overflowLabel }
        // The overflow series has one of the places.
        let isFull = series.count >= (series[overflow] == nil ? limit - 1 : limit)
        let key = isFull ? overflow : values
        if let known = series[key] { return known }
        let instrument = make()
        series[key] = instrument
        return instrument
    }
}

/// A source of metrics for a scrape: one family, or several that are measured together.
protocol MetricCollector: Sendable {
    /// The names of its families; no two collectors share one.
    var names: [String] { get }

    /// The families with their current values.
    func collect() -> [MetricFamily]
}

/// A metric without labels whose value is read at each scrape.
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
