import ArgumentParser
import Foundation

/// `alexnet ps`: the servers that run on this machine.
struct Processes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the servers that run on this machine.",
        discussion: "Prints process number, address, memory, running time and models of each server that you may stop."
    )

    func run() throws {
        let processes = ServerProcess.all()
        guard !processes.isEmpty else {
            OutputStream.error.writeIfPossible("alexnet: no server runs here; start one with alexnet serve\n")
            return
        }
        let rows = processes.map { process in
            let address = process.addresses.first
            let client = address.map { ServerClient(address: $0, timeout: .seconds(2)) }
            let models = client.flatMap { try? ServedModels(of: $0) }?.models.map(\.name).joined(separator: ", ")
            return [
                "\(process.pid)", address?.description ?? "starting", "\(process.residentByteCount >> 20) MiB",
                Self.text(Date().timeIntervalSince(process.startedAt)), models ?? "does not answer",
            ]
        }
        do {
            try OutputStream.output.write(TextTable.lines([["PID", "ADDRESS", "MEMORY", "RUNS FOR", "MODELS"]] + rows))
        } catch {
            throw Failure.work(error)
        }
    }

    /// A duration in its two largest units: `3 d 4 h`.
    static func text(_ seconds: Double) -> String {
        let seconds = max(0, Int(seconds))
        let units = [
            ("d", seconds / 86400), ("h", seconds / 3600 % 24), ("min", seconds / 60 % 60), ("s", seconds % 60),
        ]
        let first = units.firstIndex { $0.1 > 0 } ?? units.count - 1
        return units[first..<min(first + 2, units.count)].map { "\($0.1) \($0.0)" }.joined(separator: " ")
    }
}
