import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM as a wish to stop: the first is noted, the second ends the process at once.
final class Interruption: Sendable {
    /// As shells have it: 128 and SIGINT's number.
    static let exitCode: Int32 = 130

    private let wishes = Atomic(0)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Listens from now on.
    init() {
        let queue = DispatchQueue(label: "interruption")
        sources.withLock { sources in
            for number in [SIGINT, SIGTERM] {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { [weak self] in self?.note() }
                source.resume()
                sources.append(source)
            }
        }
    }

    private func note() {
        guard wishes.wrappingAdd(1, ordering: .relaxed).oldValue == 0 else { exit(Self.exitCode) }
        OutputStream.error.writeIfPossible("\nStopping after this step; Ctrl-C once more stops at once.\n")
    }

    /// Was the wish expressed?
    var isRequested: Bool { wishes.load(ordering: .relaxed) > 0 }
}
