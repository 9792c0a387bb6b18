import Host
import Inference
import Server

/// Whether the models fit into memory, and the requests beside them.
struct MemoryCheck: Check {
    /// What the machine and the control group leave; nil where the kernel does not tell. Units: bytes.
    let available: Int?
    /// All models' checkpoints. Units: bytes.
    let checkpoints: Int
    /// The bodies and pictures that may be under way. Units: bytes.
    let requests: Int

    static func here(_ settings: Settings, models: [ModelFiles]) -> Self {
        Self(
            available: AvailableMemory.current,
            checkpoints: models.reduce(0) { $0 + ($1.checkpointByteCount ?? 0) },
            requests: settings.server.maxBufferedBytes + settings.batching.queueBytes + settings.images.decodeBytes)
    }

    /// What models take in memory: one and a half times their files, with every form of the weights that is kept.
    static func need(of checkpoints: Int) -> Int { checkpoints + checkpoints / 2 }

    var finding: Finding {
        let need = Self.need(of: checkpoints)
        let wants = "models want \(Self.text(need)), requests up to \(Self.text(requests))"
        guard let available else {
            return .warning(
                "memory", "not told by the kernel, \(wants)", advice: "See that there is so much.")
        }
        let found = "\(Self.text(available)) available, \(wants)"
        if available < need {
            return .failed(
                "memory", found, advice: "Grant \(Self.text(need)) or more, or serve fewer or smaller models.")
        }
        if available - need < requests {
            return .warning(
                "memory", found,
                advice:
                    "Grant \(Self.text(need + requests)), or lower server.max_buffered_bytes, batching.queue_bytes and "
                    + "images.decode_bytes."
            )
        }
        return .ok("memory", found)
    }

    /// Rounded up.
    private static func text(_ byteCount: Int) -> String { "\((byteCount + (1 << 20) - 1) >> 20) MiB" }
}
