extension Duration {
    /// Units: seconds.
    var timeInterval: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// For logs, to the microsecond. Units: milliseconds.
    var milliseconds: Double { (timeInterval * 1_000_000).rounded() / 1000 }
}
