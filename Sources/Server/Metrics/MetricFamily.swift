/// What one metric says at the moment of a scrape.
public struct MetricFamily: Sendable, Equatable {
    /// The types of Prometheus that are used here; summaries cannot be aggregated, so there are none.
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// One line of the exposition.
    public struct Sample: Sendable, Equatable {
        /// What follows the family's name, such as `_bucket`.
        var suffix = ""
        var labels: [Label] = []
        var value: Double
    }

    /// A label's name and value.
    struct Label: Sendable, Equatable {
        let name: String
        let value: String
    }

    let name: String
    let help: String
    let kind: Kind
    let samples: [Sample]
}
