/// Something that can be scraped: one family of series, or several that are measured together.
protocol MetricCollector: Sendable {
    /// The families it will always give, so that no two collectors claim one name.
    var names: [String] { get }

    /// The families as they are now.
    func collect() -> [MetricFamily]
}
