import Glibc

/// How many descriptors the process may have open, and how many of them connections may take.
public struct DescriptorLimit: Sendable, Equatable {
    /// What is enforced.
    public var soft: Int
    /// How far it may be raised.
    public var hard: Int

    /// What the program opens beside connections: models and their folders, event loops, the kernel's own files, libraries, and clients that
    /// are turned away.
    public static let reserve = 192

    /// Programs that close "all" descriptors before they start another count up to the limit; and nobody here needs more than this
    /// without asking for it by `server.max_connections`.
    static let usualMost = 65536

    public init(soft: Int, hard: Int) {
        self.soft = soft
        self.hard = hard
    }

    /// This process's; nil where the system does not tell.
    public static var current: Self? {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return nil }
        return Self(soft: Int(clamping: limits.rlim_cur), hard: Int(clamping: limits.rlim_max))
    }

    /// With the soft limit raised as far as the hard one and `usualMost` allow, or as so many connections want.
    public func raised(for connectionCount: Int) -> Self {
        Self(soft: max(soft, min(hard, max(Self.usualMost, connectionCount + Self.reserve))), hard: hard)
    }

    /// Raises this process's soft limit.
    ///
    /// - Returns: what holds now; nil where the system does not tell.
    public static func raise(for connectionCount: Int) -> Self? {
        guard let current else { return nil }
        let wanted = current.raised(for: connectionCount)
        guard wanted != current else { return current }
        var limits = rlimit(rlim_cur: rlim_t(wanted.soft), rlim_max: rlim_t(wanted.hard))
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return current }
        return wanted
    }

    /// How many connections have a descriptor each, with the reserve beside them, or half of what there is where that is less.
    public var connectionCapacity: Int { max(1, soft - min(Self.reserve, soft / 2)) }
}
