import Synchronization

/// What counts or measures in one series of a metric: a ``Counter``, a ``Gauge`` or a ``Histogram``.
public protocol MetricInstrument: AnyObject, Sendable {
    /// The metric's type.
    static var kind: MetricFamily.Kind { get }

    /// Its lines, with the labels that they have beyond the series' own.
    func samples() -> [MetricFamily.Sample]
}

/// A number that only grows.
public final class Counter: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.counter

    private let count = Atomic<UInt64>(0)

    /// Adds one, or more.
    public func increment(by amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The count.
    public func samples() -> [MetricFamily.Sample] {
        [MetricFamily.Sample(value: Double(count.load(ordering: .relaxed)))]
    }
}

/// A number that goes up and down.
public final class Gauge: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.gauge

    private let value = Atomic<UInt64>(Double.zero.bitPattern)

    /// Takes a new value.
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

    /// Adds one.
    public func increment() { add(1) }

    /// Takes one away.
    public func decrement() { add(-1) }

    /// The value.
    public func samples() -> [MetricFamily.Sample] {
        [MetricFamily.Sample(value: Double(bitPattern: value.load(ordering: .relaxed)))]
    }
}

/// How observations spread over buckets, with their sum and count.
///
/// One lock a series keeps buckets, sum and count of one scrape true to one another.
public final class Histogram: MetricInstrument {
    /// The metric's type in the exposition.
    public static let kind = MetricFamily.Kind.histogram

    private struct State {
        /// Observations in each bucket alone; the last is beyond all bounds.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    init(buckets: [Double]) {
        bounds = buckets
        state = Mutex(State(counts: Array(repeating: 0, count: buckets.count + 1)))
    }

    /// Counts one observation; one that is not a number is left out, since it would spoil the sum for good.
    public func observe(_ value: Double) {
        if value.isNaN { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    /// Counts one time, in seconds.
    public func observe(_ duration: Duration) { observe(duration.inSeconds) }

    /// The buckets, each with all below it, then sum and count.
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

extension Duration {
    /// Units: seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
