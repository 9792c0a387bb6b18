import Synchronization

/// The names under which there are models now, for those who must not hold the store.
final class SlotNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }

    func update(_ names: Set<String>) { self.names.withLock { $0 = names } }
}
