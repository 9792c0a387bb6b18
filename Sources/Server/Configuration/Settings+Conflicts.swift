extension Settings {
    /// Refuses values that are fine alone but not together.
    func refuseConflicts(origins: [String: SettingOrigin]) throws(SettingsError) {
        try require(
            "server.max_body_bytes", \.server.maxBodyBytes, "must not exceed", <=,
            "server.max_buffered_bytes", \.server.maxBufferedBytes, origins)
        try require(
            "server.max_body_bytes", \.server.maxBodyBytes, "must not exceed", <=,
            "server.max_buffered_bytes_per_address", \.server.bodyShare, origins)
        // A worker that waits as long as a request may live would answer every lone one too late.
        try require(
            "batching.max_queue_delay", \.batching.maxQueueDelay, "must be less than", <,
            "batching.request_deadline", \.batching.requestDeadline, origins)
        try require(
            "server.drain_delay", \.server.drainDelay, "must not exceed", <=,
            "server.drain_timeout", \.server.drainTimeout, origins)
    }

    private func require<Value>(
        _ key: String, _ path: KeyPath<Settings, Value>, _ requirement: String, _ holds: (Value, Value) -> Bool,
        _ otherKey: String, _ otherPath: KeyPath<Settings, Value>, _ origins: [String: SettingOrigin]
    ) throws(SettingsError) {
        if holds(self[keyPath: path], self[keyPath: otherPath]) { return }
        throw .conflict(
            key: key, found: SettingKey.byName[key]?.text(self) ?? "", origin: origins[key] ?? .byDefault,
            requirement: requirement,
            otherKey: otherKey, otherFound: SettingKey.byName[otherKey]?.text(self) ?? "",
            otherOrigin: origins[otherKey] ?? .byDefault)
    }
}

extension Settings.HTTP {
    /// The share of an address, where one is written.
    fileprivate var bodyShare: Int { maxBufferedBytesPerAddress ?? .max }
}
