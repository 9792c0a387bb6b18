import Inference
import Server

/// Whether there are as many threads as cores that this process may use.
struct ThreadsCheck: Check {
    /// `threads.total`; nil for auto.
    let total: Int?
    /// CPUs that are switched on.
    let online: Int
    /// Those in the affinity mask.
    let allowed: Int
    /// What the control group's quota comes to; nil without one.
    let granted: Int?

    static func here(_ settings: Settings) -> Self {
        let quota = CPUQuota.ofThisProcess
        return Self(
            total: settings.threads.total, online: quota.fallback, allowed: quota.allowed, granted: quota.granted)
    }

    var finding: Finding {
        let usable = max(1, min(allowed, granted ?? allowed))
        let quota = granted.map { ", \($0) by the quota" } ?? ""
        let found = "\(total ?? usable), of \(online) cores \(allowed) by the affinity mask\(quota)"
        if let total, total > usable {
            return .warning(
                "threads", found,
                advice: "Set threads.total to auto or \(usable): more threads than cores wait for each other.")
        }
        return .ok("threads", found)
    }
}

/// Whether every connection can have a descriptor.
struct OpenFilesCheck: Check {
    /// The limit of open files, as far as the server may raise it.
    let limit: Int
    /// `server.max_connections`.
    let maxConnections: Int

    /// What the program opens besides.
    static let reserve = DescriptorLimit.reserve

    static func here(_ settings: Settings) -> Self {
        // The server raises its own limit as far as it may.
        let limit = DescriptorLimit.current?.raised(for: settings.server.maxConnections).soft
        return Self(limit: limit ?? .max, maxConnections: settings.server.maxConnections)
    }

    var finding: Finding {
        let wanted = maxConnections + Self.reserve
        let found = "\(limit == .max ? "any number" : "\(limit)"), for \(maxConnections) connections"
        if limit >= wanted { return .ok("open files", found) }
        let advice =
            "Raise the hard limit to \(wanted) (ulimit -Hn \(wanted); LimitNOFILE=\(wanted) in a systemd unit), or lower "
            + "server.max_connections."
        return limit <= Self.reserve
            ? .failed("open files", found, advice: advice) : .warning("open files", found, advice: advice)
    }
}

/// Whether the models fit into memory, and the requests beside them.
struct MemoryCheck: Check {
    /// What the machine and the control group leave; nil where the kernel does not tell. Units: bytes.
    let available: Int?
    /// All models' checkpoints. Units: bytes.
    let checkpoints: Int
    /// The bodies and images that may be under way. Units: bytes.
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

/// Whether the server could listen.
struct PortCheck: Check {
    /// `server.host` and `server.port`.
    let wanted: String
    /// Why not; nil where it could.
    let refusal: String?

    var finding: Finding {
        guard let refusal else { return .ok("port", "\(wanted) is free") }
        return .failed("port", wanted, advice: refusal)
    }
}

extension PortCheck {
    init(_ settings: Settings) {
        do {
            wanted = try settings.server.tryListening()
            refusal = nil
        } catch {
            wanted = "\(settings.server.host) \(settings.server.port)"
            refusal = "\(error)"
        }
    }
}
