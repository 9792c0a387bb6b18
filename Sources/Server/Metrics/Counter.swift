import Synchronization

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
