import Glibc

/// How many descriptors the process may have open, and how many of them connections may take.
public struct DescriptorLimit: Sendable, Equatable {
    /// The limit that is enforced. Units: descriptors.
    public var soft: Int
    /// The limit up to which ``soft`` may be raised. Units: descriptors.
    public var hard: Int

    /// The descriptors that connections leave to others: models and their folders, event loops, the kernel's own files,
    /// libraries, and clients that are refused.
    public static let reserve = 192

    /// The soft limit is not raised further, unless `server.max_connections` asks for it: programs that close "all"
    /// descriptors before they start another program count up to the limit.
    static let usualMost = 65536

    public init(soft: Int, hard: Int) {
        self.soft = soft
        self.hard = hard
    }

    /// The limits of this process; nil if the system does not report them.
    public static var current: Self? {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return nil }
        return Self(soft: Int(clamping: limits.rlim_cur), hard: Int(clamping: limits.rlim_max))
    }

    /// These limits, with the soft one raised to `usualMost` or to what the connections need, if the hard one allows
    /// it.
    public func raised(for connectionCount: Int) -> Self {
        Self(soft: max(soft, min(hard, max(Self.usualMost, connectionCount + Self.reserve))), hard: hard)
    }

    /// Raises this process's soft limit.
    ///
    /// - Returns: the limits that hold now; nil if the system does not report them.
    public static func raise(for connectionCount: Int) -> Self? {
        guard let current else { return nil }
        let wanted = current.raised(for: connectionCount)
        guard wanted != current else { return current }
        var limits = rlimit(rlim_cur: rlim_t(wanted.soft), rlim_max: rlim_t(wanted.hard))
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return current }
        return wanted
    }

    /// How many connections can have a descriptor each. The reserve is kept for others, or half of all descriptors if
    /// that is less.
    public var connectionCapacity: Int { max(1, soft - min(Self.reserve, soft / 2)) }
}
