/// What counts or measures in one series of a metric: a ``Counter``, a ``Gauge`` or a ``Histogram``.
public protocol MetricInstrument: AnyObject, Sendable {
    /// The metric's type.
    static var kind: MetricFamily.Kind { get }

    /// Its lines, with the labels that they have beyond the series' own.
    func samples() -> [MetricFamily.Sample]
}
