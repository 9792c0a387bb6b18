import ArgumentParser
import Foundation

/// `alexnet health`: asks a running server whether it is ready, for containers without curl.
struct Health: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running server whether it is ready.",
        discussion: """
            Exits with 0 if it is, and with 1 if it is not or does not answer. Without --url the server is looked for where \
            the configuration says, so that a container needs no argument:

              HEALTHCHECK CMD ["alexnet", "health"]
            """
    )

    @OptionGroup var server: ServerOptionGroup

    @Flag(help: "Ask only whether the process lives (/healthz), not whether it can predict (/readyz).")
    var live = false

    @Option(help: ArgumentHelp("How long to wait for the answer.", valueName: "seconds"))
    var timeout = 5

    func validate() throws {
        guard 1...3600 ~= timeout else { throw ValidationError("--timeout takes 1 to 3600 seconds, not \(timeout).") }
    }

    func run() throws {
        let client = ServerClient(address: try server.address(), timeout: .seconds(timeout))
        do {
            let answer = try client.send("GET", live ? "/healthz" : "/readyz")
            guard answer.status == 200 else {
                throw ServerNotReady(reason: answer.detail ?? "it answered \(answer.status)")
            }
            try OutputStream.output.write(live ? "alive\n" : "ready\n")
        } catch {
            throw Failure.work(error)
        }
    }
}

/// A server answered that it is not ready.
struct ServerNotReady: Error, CustomStringConvertible {
    let reason: String
    var description: String { "The server is not ready: \(reason)" }
}
