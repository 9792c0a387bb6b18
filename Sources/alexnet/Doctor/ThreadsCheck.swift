import Host
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
