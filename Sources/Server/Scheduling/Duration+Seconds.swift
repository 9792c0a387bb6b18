extension Duration {
    /// Units: seconds.
    var timeInterval: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// Units: nanoseconds, as many as an `Int` holds.
    var nanoseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }

    /// For logs, to the microsecond. Units: milliseconds.
    var milliseconds: Double { (timeInterval * 1_000_000).rounded() / 1000 }
}
