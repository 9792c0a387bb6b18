import Synchronization

/// All metrics of a process, and the page that Prometheus scrapes.
///
/// Metrics are registered once, at start; a name that is taken or malformed is a programming error. Each keeps at most
/// a given number of series: label values beyond them are counted in one overflow series whose label values are all
/// ``overflowLabel``, so that no client can make the process grow.
public final class MetricsRegistry: Sendable {
    /// The media type of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The value of every label of a family's overflow series.
    public static let overflowLabel = "_overflow"

    /// The limit of a family's series, unless it is registered with another one.
    public static let usualSeriesLimit = 1000

    private let collectors = Mutex<[any MetricCollector]>([])

    /// A registry without metrics.
    public init() {}

    /// A number that only grows; its name ends in `_total`.
    public func counter(
        _ name: String, help: String, labels: [String] = [], seriesLimit: Int = usualSeriesLimit
    ) -> MetricSeries<Counter> {
        add(MetricSeries(name: name, help: help, labelNames: labels, limit: seriesLimit) { Counter() })
    }

    /// A number that can go up and down.
    public func gauge(
        _ name: String, help: String, labels: [String] = [], seriesLimit: Int = usualSeriesLimit
    ) -> MetricSeries<Gauge> {
        add(MetricSeries(name: name, help: help, labelNames: labels, limit: seriesLimit) { Gauge() })
    }

    /// A gauge that is read at each scrape; nil leaves it out.
    public func gauge(_ name: String, help: String, reading read: @escaping @Sendable () -> Double?) {
        _ = add(MetricReading(name: name, help: help, kind: .gauge, read: read))
    }

    /// A counter that is read at each scrape; its name ends in `_total`.
    public func counter(_ name: String, help: String, reading read: @escaping @Sendable () -> Int) {
        _ = add(MetricReading(name: name, help: help, kind: .counter, read: { Double(read()) }))
    }

    /// A distribution of observations over buckets.
    ///
    /// - Parameter buckets: upper bounds, each inclusive, ascending and finite; `+Inf` is added.
    public func histogram(
        _ name: String, help: String, labels: [String] = [], buckets: [Double], seriesLimit: Int = usualSeriesLimit
    ) -> MetricSeries<Histogram> {
        precondition(
            buckets.allSatisfy(\.isFinite) && zip(buckets, buckets.dropFirst()).allSatisfy { $0 < $1 },
            "the buckets of \(name) must ascend, but are \(buckets)")
        precondition(!labels.contains("le"), "\(name) cannot have a label le: its buckets have it")
        return add(
            MetricSeries(name: name, help: help, labelNames: labels, limit: seriesLimit) { Histogram(buckets: buckets) }
        )
    }

    /// The names of all metrics, sorted.
    public var names: [String] { collectors.withLock { $0.flatMap(\.names) }.sorted() }

    /// All metrics in Prometheus' text format, version 0.0.4: families by name, series by label values.
    ///
    /// - Source: Prometheus documentation, "Exposition formats", §Text-based format
    public func exposition() -> String {
        let collectors = collectors.withLock { $0 }
        return collectors.flatMap { $0.collect() }.sorted { $0.name < $1.name }.map(Exposition.text).joined()
    }

    /// Registers a collector.
    @discardableResult
    func add<Collector: MetricCollector>(_ collector: Collector) -> Collector {
        collectors.withLock { collectors in
            let taken = Set(collectors.flatMap(\.names))
            for name in collector.names {
                precondition(Exposition.isMetricName(name), "\(name) is not a name for a metric")
                precondition(!taken.contains(name), "there are two metrics called \(name)")
            }
            collectors.append(collector)
        }
        return collector
    }
}
