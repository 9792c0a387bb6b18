import Dispatch
import Foundation
import Synchronization

/// Ctrl-C, SIGTERM and a terminal that is closed as a wish to stop: the first is noted, the second ends the process at once.
///
/// Where the process was started with SIGINT or SIGHUP ignored, as shells and nohup start what shall go on in the
/// background, they stay ignored.
final class Interruption: Sendable {
    /// The first signal's number; 0 before.
    private let wish = Atomic<Int32>(0)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Listens from now on.
    init() {
        let queue = DispatchQueue(label: "interruption")
        sources.withLock { sources in
            for number in [SIGINT, SIGTERM, SIGHUP] {
                let before = unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
                if number != SIGTERM, before == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { [weak self] in self?.note(number) }
                source.resume()
                sources.append(source)
            }
        }
    }

    private func note(_ number: Int32) {
        guard wish.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged else {
            // Others are at work and hold whatever they hold: nothing is tidied up.
            _exit(exitCode)
        }
        // The next signal comes to this queue too: nobody may hold it up.
        OutputStream.error.writeIfPossible(
            "\nStopping after this step; Ctrl-C once more stops at once.\n", within: .milliseconds(100))
    }

    /// Was the wish expressed?
    var isRequested: Bool { wish.load(ordering: .relaxed) != 0 }

    /// As shells have it: 128 and the signal's number, 130 for Ctrl-C.
    var exitCode: Int32 { 128 + wish.load(ordering: .relaxed) }
}
