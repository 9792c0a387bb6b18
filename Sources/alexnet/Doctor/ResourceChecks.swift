import Host
import Inference
import Server

/// Checks that there are no more threads than cores available to this process.
struct ThreadsCheck: Check {
    /// The setting `threads.total`; nil for automatic.
    let total: Int?
    /// The number of online cores of the machine.
    let online: Int
    /// The number of cores in the affinity mask.
    let allowed: Int
    /// The CPU quota of the control group, rounded to cores; nil without a quota.
    let granted: Int?

    static func here(_ settings: Settings) -> Self {
        let quota = CPUQuota.ofThisProcess
        return Self(
            total: settings.threads.total, online: quota.fallback, allowed: quota.allowed, granted: quota.granted)
    }

    var finding: Finding {
        let usable = max(1, min(allowed, granted ?? allowed))
        let quota = granted.map { ", quota \($0)" } ?? ""
        let found = "\(total ?? usable) (cores \(online), affinity mask \(allowed)\(quota))"
        if let total, total > usable {
            return .warning(
                "threads", found,
                advice: "Set threads.total to auto or \(usable): more threads than cores slow each other down.")
        }
        return .ok("threads", found)
    }
}

/// Checks that the limit of open files is enough for all connections.
struct OpenFilesCheck: Check {
    /// The limit of open files, after the server has raised it as far as it may.
    let limit: Int
    /// The setting `server.max_connections`.
    let maxConnections: Int

    /// The number of files that the program opens besides connections.
    static let reserve = DescriptorLimit.reserve

    static func here(_ settings: Settings) -> Self {
        // The server raises the soft limit as far as it may.
        let limit = DescriptorLimit.current?.raised(for: settings.server.maxConnections).soft
        return Self(limit: limit ?? .max, maxConnections: settings.server.maxConnections)
    }

    var finding: Finding {
        let wanted = maxConnections + Self.reserve
        let found = "\(limit == .max ? "unlimited" : "\(limit)"), for \(maxConnections) connections"
        if limit >= wanted { return .ok("open files", found) }
        let advice =
            "Raise the hard limit to \(wanted) (ulimit -Hn \(wanted); LimitNOFILE=\(wanted) in a systemd unit), or lower "
            + "server.max_connections."
        return limit <= Self.reserve
            ? .failed("open files", found, advice: advice) : .warning("open files", found, advice: advice)
    }
}

/// Checks that models and requests fit into memory.
struct MemoryCheck: Check {
    /// The memory available on the machine and in the control group; nil where it is unknown. Units: bytes.
    let available: Int?
    /// The total size of all models' checkpoints. Units: bytes.
    let checkpoints: Int
    /// The most memory for requests in flight: bodies, queues and decoding. Units: bytes.
    let requests: Int

    static func here(_ settings: Settings, models: [ModelFiles]) -> Self {
        Self(
            available: AvailableMemory.current,
            checkpoints: models.reduce(0) { $0 + ($1.checkpointByteCount ?? 0) },
            requests: settings.server.maxBufferedBytes + settings.batching.queueBytes + settings.images.decodeBytes)
    }

    /// The memory that models need: 1.5 times the size of their files, which includes all prepared forms of the
    /// weights. Units: bytes.
    static func need(of checkpoints: Int) -> Int { checkpoints + checkpoints / 2 }

    var finding: Finding {
        let need = Self.need(of: checkpoints)
        let wants = "models need \(Self.text(need)), requests up to \(Self.text(requests))"
        guard let available else {
            return .warning(
                "memory", "unknown, \(wants)", advice: "Make sure that this much memory is available.")
        }
        let found = "\(Self.text(available)) available, \(wants)"
        if available < need {
            return .failed(
                "memory", found, advice: "Provide at least \(Self.text(need)), or serve fewer or smaller models.")
        }
        if available - need < requests {
            return .warning(
                "memory", found,
                advice:
                    "Provide \(Self.text(need + requests)), or lower server.max_buffered_bytes, batching.queue_bytes and "
                    + "images.decode_bytes."
            )
        }
        return .ok("memory", found)
    }

    /// A size in MiB, rounded up.
    private static func text(_ byteCount: Int) -> String { "\((byteCount + (1 << 20) - 1) >> 20) MiB" }
}

/// Checks that the server can listen on its port.
struct PortCheck: Check {
    /// The settings `server.host` and `server.port` as one text.
    let wanted: String
    /// Why the server cannot listen; nil if it can.
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
