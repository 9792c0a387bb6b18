import Dispatch

/// Runs jobs one after the other, away from the threads that serve requests: they may block on a slow disk.
///
/// A queue of Dispatch is one. The simulation has its own (Tests/Simulation).
protocol SerialQueue: Sendable {
    /// Runs a job after all those that were submitted before.
    func submit(_ job: @escaping @Sendable () -> Void)

    /// Runs a job after all those that were submitted before, and waits for its end.
    func run<Result>(_ job: () -> Result) -> Result
}

extension DispatchQueue: SerialQueue {
    func submit(_ job: @escaping @Sendable () -> Void) { async(execute: job) }

    func run<Result>(_ job: () -> Result) -> Result { sync(execute: job) }
}

/// Makes a queue of this name.
typealias MakeQueue = @Sendable (_ label: String) -> any SerialQueue
