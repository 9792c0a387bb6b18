import Synchronization

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
