/// The server cannot start or go on.
public enum ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    case noModelLoaded(names: [String])
    case drainTimedOut

    public var description: String {
        switch self {
        case .noModelLoaded(let names):
            names.count == 1
                ? "Model \(names[0]) could not be loaded; the log says why."
                : "None of the models \(names.joined(separator: ", ")) could be loaded; the log says why."
        case .drainTimedOut:
            "Not every request was answered within server.drain_timeout; the connections that were left have been cut."
        }
    }
}
