import Foundation
import HTTPServer
import Logging

/// Answers `GET /` with a fixed text until it is killed: `FixedAnswer epoll` or `FixedAnswer dispatch`.
@main struct FixedAnswer {
    /// Ignores every event, so that only the server itself is measured.
    struct Nobody: ServerObserver {
        func connectionOpened() {}
        func connectionClosed() {}
        func requestCompleted(_ record: RequestRecord) {}
    }

    static func main() async throws {
        guard let poller = CommandLine.arguments.dropFirst().first.flatMap(PollerKind.init) else {
            print("usage: FixedAnswer auto|dispatch|epoll")
            return
        }
        var options = ServerOptions()
        options.port = 0
        options.maxConnectionsPerAddress = options.maxConnections
        options.poller = poller
        var router = Router()
        router.on(.get, "/") { _ in .text("hello") }
        let server = SocketServer(
            options: options, router: router, observer: Nobody(), logger: Logger(label: "fixed answer"))
        let address = try server.start()
        FileHandle.standardOutput.write(Data("ready http://\(address)\n".utf8))
        try await Task.sleep(for: .seconds(86_400))
    }
}
