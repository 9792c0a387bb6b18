/// The server cannot start or go on.
public enum ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    case noModelLoaded(default: String)
    case drainTimedOut

    public var description: String {
        switch self {
        case .noModelLoaded(let name): "Model \(name) could not be loaded; the log says why."
        case .drainTimedOut:
            "Not every request was answered within server.drain_timeout; the connections that were left have been cut."
        }
    }
}
