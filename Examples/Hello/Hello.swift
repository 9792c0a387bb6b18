import Dispatch
import Foundation
import HTTPServer
import Logging

/// Greets whoever asks: `Hello 8080`, then `curl localhost:8080/hello/Ada`.
@main
struct Hello: ServerObserver {
    static func main() throws {
        var options = ServerOptions()
        options.port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
        var router = Router()
        router.on(.get, "/hello/{name}") { .text("Good day, \($0.pathParameters["name"] ?? "stranger").\n") }
        let server = SocketServer(options: options, router: router, observer: Hello(), logger: Logger(label: "hello"))
        FileHandle.standardOutput.write(Data("ready http://\(try server.start())\n".utf8))
        withExtendedLifetime(server) { dispatchMain() }
    }

    func connectionOpened() {}
    func connectionClosed() {}
    func requestCompleted(_ record: RequestRecord) {}
}
