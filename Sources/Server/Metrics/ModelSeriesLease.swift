/// Keeps the metric series of a model: they are removed when its last lease ends.
///
/// A model's slot holds a lease, and so does each version as long as a request uses it. So a late request of a removed
/// model is still counted, and does not leave new series behind.
final class ModelSeriesLease: Sendable {
    /// Who holds a lease.
    enum Holder: Sendable { case slot, version }

    /// The leases of one model.
    struct Count: Sendable {
        fileprivate var slots = 0
        fileprivate var versions = 0
    }

    private let model: String
    private let holder: Holder
    private let metrics: ServingMetrics

    fileprivate init(of model: String, by holder: Holder, in metrics: ServingMetrics) {
        self.model = model
        self.holder = holder
        self.metrics = metrics
    }

    deinit { metrics.endLease(of: model, by: holder) }
}

extension ServingMetrics {
    /// Keeps the series of a model until the lease is released.
    func lease(of model: String, by holder: ModelSeriesLease.Holder) -> ModelSeriesLease {
        leases.withLock { $0[model, default: ModelSeriesLease.Count()].change(holder, by: 1) }
        return ModelSeriesLease(of: model, by: holder, in: self)
    }

    fileprivate func endLease(of model: String, by holder: ModelSeriesLease.Holder) {
        // Under the lock, so that a lease that begins meanwhile finds all series or none.
        leases.withLock { leases in
            leases[model]?.change(holder, by: -1)
            let count = leases[model] ?? ModelSeriesLease.Count()
            if count.versions == 0, holder == .version { modelUnloaded(model: model) }
            guard count.slots == 0, count.versions == 0 else { return }
            leases[model] = nil
            modelRemoved(model: model)
        }
    }
}

extension ModelSeriesLease.Count {
    fileprivate mutating func change(_ holder: ModelSeriesLease.Holder, by difference: Int) {
        switch holder {
        case .slot: slots += difference
        case .version: versions += difference
        }
    }
}
