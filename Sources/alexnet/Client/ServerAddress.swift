import ArgumentParser
import Foundation
import Server

/// Where a running server listens.
enum ServerAddress: Equatable, CustomStringConvertible {
    case network(host: String, port: Int)
    case socketFile(String)

    /// Parses `http://host:port`, `host:port`, a port, or `unix:/path`; nil for anything else.
    init?(_ text: String) {
        if text.hasPrefix("unix:") {
            guard text.count > "unix:".count else { return nil }
            self = .socketFile(String(text.dropFirst("unix:".count)))
            return
        }
        var rest = text[...]
        if rest.lowercased().hasPrefix("http://") { rest = rest.dropFirst("http://".count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let match = rest.wholeMatch(of: /(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.\-]+))?:?([0-9]{1,5})?/),
            !rest.isEmpty
        else {
            return nil
        }
        let host = (match.1 ?? match.2).map(String.init)
        let port = match.3.flatMap { Int($0) }
        switch (host, port) {
        case (nil, let port?) where port <= 65535: self = .network(host: Self.local, port: port)
        case (let host?, nil) where rest.contains(":") == false && Int(host) != nil:
            guard let port = Int(host), port <= 65535 else { return nil }
            self = .network(host: Self.local, port: port)
        case (let host?, let port) where port ?? 0 <= 65535:
            self = .network(host: host, port: port ?? Self.usualPort)
        default: return nil
        }
    }

    /// The address that the settings name, as a client of the same machine reaches it.
    init(_ settings: Settings) {
        let host = settings.server.host
        if host.hasPrefix("unix:") {
            self = .socketFile(String(host.dropFirst("unix:".count)))
        } else {
            // The addresses of all interfaces.
            let local = host == "0.0.0.0" ? Self.local : host == "::" ? "::1" : host
            self = .network(host: local, port: settings.server.port)
        }
    }

    private static let local = "127.0.0.1"
    private static let usualPort = 8080

    /// As a URL, or `unix:` and a path.
    var description: String {
        switch self {
        case .network(let host, let port): host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
        case .socketFile(let path): "unix:" + path
        }
    }
}

/// The options that name a running server.
struct ServerOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server: http://HOST:PORT, a port, or unix:/path (default: where the configuration says).",
            valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("The configuration (default: config/alexnet.yaml, if it exists).", valueName: "file"))
    var config: String?

    func validate() throws {
        if let url, ServerAddress(url) == nil {
            throw ValidationError("--url takes http://HOST:PORT, a port, or unix:/path, not \"\(url)\".")
        }
    }

    /// The settings of a server that is started here.
    func settings() throws -> Settings {
        do {
            return try Settings.load(file: config, environment: ProcessInfo.processInfo.environment, flags: [:])
        } catch {
            throw Failure.usage(error)
        }
    }

    /// The server's address.
    func address() throws -> ServerAddress {
        if let address = url.flatMap(ServerAddress.init) { return address }
        return ServerAddress(try settings())
    }
}
