import ArgumentParser
import Foundation

/// `alexnet stop`: stops servers of this machine as SIGTERM does: what they have accepted is answered.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop a running server; what it has accepted is answered.",
        discussion: """
            Without an argument the only server of this machine is stopped; of several one has to be named, by process number \
            or port. Waits until it has ended.

              alexnet stop
              alexnet stop 8081
              alexnet stop --all
            """
    )

    @Argument(help: ArgumentHelp("A process number or a port, as alexnet ps shows them.", valueName: "number"))
    var number: Int?

    @Flag(help: "Stop all servers of this machine that you may stop.")
    var all = false

    @Option(help: ArgumentHelp("How long to wait for the end.", valueName: "seconds"))
    var timeout = 60

    func validate() throws {
        if all, number != nil { throw ValidationError("--all stops every server; leave the number out.") }
        guard 1...3600 ~= timeout else { throw ValidationError("--timeout takes 1 to 3600 seconds, not \(timeout).") }
    }

    func run() throws {
        let chosen: [ServerProcess]
        do {
            chosen = try Self.choose(from: ServerProcess.all(), number: number, all: all)
        } catch {
            throw Failure.work(error)
        }
        for process in chosen { kill(process.pid, SIGTERM) }
        let deadline = Date() + TimeInterval(timeout)
        for process in chosen {
            while kill(process.pid, 0) == 0, ServerProcess.all().contains(where: { $0.pid == process.pid }) {
                guard Date() < deadline else {
                    throw Failure.work(Mistake.stillRunning(process.pid, seconds: timeout))
                }
                usleep(20_000)
            }
            OutputStream.output.writeIfPossible("stopped \(process.pid)\n")
        }
    }

    /// The servers to stop.
    static func choose(from processes: [ServerProcess], number: Int?, all: Bool) throws(Mistake) -> [ServerProcess] {
        guard !processes.isEmpty else { throw .none }
        if all { return processes }
        if let number {
            let named = processes.filter { process in
                Int(process.pid) == number
                    || process.addresses.contains { if case .network(_, number) = $0 { true } else { false } }
            }
            guard !named.isEmpty else { throw .unknown(number, there: processes) }
            return named
        }
        guard processes.count == 1 else { throw .several(processes) }
        return processes
    }

    /// Why nothing, or not everything, was stopped.
    enum Mistake: Error, Equatable, CustomStringConvertible {
        case none
        case unknown(Int, there: [ServerProcess])
        case several([ServerProcess])
        case stillRunning(Int32, seconds: Int)

        var description: String {
            switch self {
            case .none: "No server runs here."
            case .unknown(let number, let processes):
                "No server has the process number or port \(number); there are \(Self.list(processes))."
            case .several(let processes):
                "Several servers run here: \(Self.list(processes)). Name one by its number or port, or stop them with --all."
            case .stillRunning(let pid, let seconds): "The server \(pid) still runs after \(seconds) s."
            }
        }

        private static func list(_ processes: [ServerProcess]) -> String {
            processes.map { "\($0.pid) at \($0.addresses.first?.description ?? "no address yet")" }.joined(
                separator: ", ")
        }
    }
}
