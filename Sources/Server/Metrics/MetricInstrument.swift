import Synchronization
import Threads

/// What counts or measures in one series of a metric: a ``Counter``, a ``Gauge`` or a ``Histogram``.
public protocol MetricInstrument: AnyObject, Sendable {
    /// The metric's type.
    static var kind: MetricFamily.Kind { get }

    /// Its samples, with the labels that they have beyond the series' own.
    func samples() -> [MetricFamily.Sample]
}

/// A number that only grows.
public final class Counter: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.counter

    private let count = Atomic<UInt64>(0)

    /// Adds an amount.
    public func increment(by amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    public func samples() -> [MetricFamily.Sample] {
        [MetricFamily.Sample(value: Double(count.load(ordering: .relaxed)))]
    }
}

/// A number that goes up and down.
public final class Gauge: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.gauge

    private let value = Atomic<UInt64>(Double.zero.bitPattern)

    /// Replaces the value.
    public func set(_ value: Double) {
        self.value.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds an amount, which may be negative.
    public func add(_ amount: Double) {
        var old = value.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let result = value.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if result.exchanged { return }
            old = result.original
        }
    }

    /// Adds 1.
    public func increment() { add(1) }

    /// Subtracts 1.
    public func decrement() { add(-1) }

    public func samples() -> [MetricFamily.Sample] {
        [MetricFamily.Sample(value: Double(bitPattern: value.load(ordering: .relaxed)))]
    }
}

/// The distribution of observations over buckets, with their sum and count.
///
/// One lock a series keeps buckets, sum and count of a scrape consistent.
public final class Histogram: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.histogram

    private struct State {
        /// Observations of each bucket, not cumulative; the last one is beyond all bounds.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(buckets: [Double]) {
        bounds = buckets
        state = Mutex(State(counts: Array(repeating: 0, count: buckets.count + 1)))
    }

    /// Counts one observation; NaN is ignored, since it would spoil the sum for good.
    public func observe(_ value: Double) {
        if value.isNaN { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    /// Counts a duration, in seconds.
    public func observe(_ duration: Duration) { observe(duration.seconds) }

    /// The cumulative buckets, then sum and count.
    public func samples() -> [MetricFamily.Sample] {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var total: UInt64 = 0
        var samples: [MetricFamily.Sample] = []
        for (bound, count) in zip(bounds + [.infinity], counts) {
            total += count
            let label = MetricFamily.Label(name: "le", value: Exposition.number(bound))
            samples.append(MetricFamily.Sample(suffix: "_bucket", labels: [label], value: Double(total)))
        }
        samples.append(MetricFamily.Sample(suffix: "_sum", value: sum))
        samples.append(MetricFamily.Sample(suffix: "_count", value: Double(total)))
        return samples
    }
}
