import Files
import Inference
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// File descriptors that are held in reserve, so that models can be checked and loaded when connections have taken all
/// others.
///
/// The server's limit of connections is kept below the process's limit of descriptors (``DescriptorLimit``). The
/// reserve is for the case that other code takes descriptors, too.
final class DescriptorReserve: Sendable {
    /// Enough for two threads that check files at the same time: a folder's listing and a file each.
    static let usualCount = 4

    private struct State {
        var held: [Int32] = []
        /// Calls of ``lend(_:)`` that run now.
        var borrowerCount = 0
    }

    private let count: Int
    private let state = Mutex(State())

    /// Takes the descriptors, or as many of them as there are.
    init(count: Int = usualCount) {
        self.count = count
        state.withLock { $0.held = Self.take(count) }
    }

    deinit { state.withLock { Self.giveBack(&$0.held) } }

    /// How many descriptors are held now.
    var heldCount: Int { state.withLock { $0.held.count } }

    /// Runs `body` while the descriptors are free; they are taken again when the last such call ends.
    func lend<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        state.withLock { state in
            state.borrowerCount += 1
            Self.giveBack(&state.held)
        }
        defer {
            state.withLock { state in
                state.borrowerCount -= 1
                if state.borrowerCount == 0 { state.held = Self.take(count) }
            }
        }
        return try body()
    }

    /// Checks files. If there was no descriptor for that, tries again with the reserve.
    func look<Result>(_ body: () throws(FileSystemError) -> Result) throws(FileSystemError) -> Result {
        do throws(FileSystemError) {
            return try body()
        } catch {
            guard error.isShortOfDescriptors else { throw error }
            return try lend(body)
        }
    }

    private static func take(_ count: Int) -> [Int32] {
        (0..<count).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }.filter { $0 >= 0 }
    }

    private static func giveBack(_ descriptors: inout [Int32]) {
        for descriptor in descriptors { close(descriptor) }
        descriptors = []
    }
}
