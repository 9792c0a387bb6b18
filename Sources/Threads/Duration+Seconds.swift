extension Duration {
    /// Units: seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// Units: nanoseconds, rounded towards zero; clamped to what an `Int` holds.
    package var nanoseconds: Int {
        let (seconds, attoseconds) = components
        let (whole, overflow) = Int(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        return whole + Int(attoseconds / 1_000_000_000)
    }

    /// Units: milliseconds, rounded to the microsecond for logs.
    package var milliseconds: Double { (seconds * 1_000_000).rounded() / 1000 }
}
