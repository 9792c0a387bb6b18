import Glibc

/// Why the server cannot listen, and what to do about it.
public enum SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `start()` was called twice.
    case alreadyStarted
    /// No such port.
    case port(Int)
    /// The host has no address.
    case unknownHost(String, reason: String)
    /// Another program listens there.
    case addressInUse(SocketAddress)
    /// The port is privileged.
    case permissionDenied(SocketAddress)
    /// The address belongs to another machine.
    case addressNotAvailable(SocketAddress)
    /// Any other refusal, with its error number.
    case system(operation: String, code: Int32)

    /// One sentence that says what was wrong and what would be right.
    public var description: String {
        switch self {
        case .alreadyStarted:
            "The server has been started already; make a new one."
        case .port(let port):
            "The port \(port) does not exist; choose one of 1…65535, or 0 for a free one."
        case .unknownHost(let host, let reason):
            "The host '\(host)' is unknown (\(reason)); use an address of this machine, 127.0.0.1 or 0.0.0.0 for instance."
        case .addressInUse(let address):
            "The address \(address) is in use by another program; stop it or choose another port (0 takes a free one)."
        case .permissionDenied(let address):
            "Listening on \(address) is not permitted; choose a port from 1024 on, or give the program the right "
                + "to use lower ones (CAP_NET_BIND_SERVICE)."
        case .addressNotAvailable(let address):
            "The address \(address.host) is none of this machine's; use 127.0.0.1 for this machine only, or 0.0.0.0 for "
                + "all its interfaces."
        case .system(let operation, let code):
            "The system refused '\(operation)': \(Self.message(code))."
        }
    }

    static func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}
