/// A model does not fit beside those that are loaded. Units: bytes.
struct MemoryBudgetError: Error, Equatable, CustomStringConvertible {
    let needed: Int
    let held: Int
    let limit: Int

    var description: String {
        func text(_ byteCount: Int) -> String { "\((byteCount + (1 << 20) - 1) >> 20) MiB" }
        return
            "it takes \(text(needed)) of memory and the versions that are loaded hold \(text(held)), together more than "
            + "models.memory_limit, \(text(limit)); raise that, or take a model away"
    }
}
