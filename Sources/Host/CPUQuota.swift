import Files
import Glibc

/// How many CPUs this process may use.
///
/// The least of what its affinity mask, its control group and every group above allow. A quota of one and a half CPUs
/// counts as two: threads that share a quota do better than a quota that is left unused.
///
/// - Source: Linux, Documentation/admin-guide/cgroup-v2.rst (`cpu.max`) and Documentation/scheduler/sched-bwc.rst (v1)
public struct CPUQuota: Sendable {
    /// The CPUs that are online: used if the kernel does not report the affinity mask.
    public let fallback: Int
    /// A file's text, or nil if there is none.
    package let file: @Sendable (String) -> String?

    /// CPUs that this process may use now, at least 1.
    public static var current: Int { ofThisProcess.count }

    /// What the kernel reports for this process.
    public static var ofThisProcess: CPUQuota {
        CPUQuota(fallback: sysconf(Int32(_SC_NPROCESSORS_ONLN)), file: BoundedFile.text)
    }

    /// CPUs, at least 1.
    public var count: Int { max(1, min(allowed, granted ?? allowed)) }

    /// The CPUs that are in the affinity mask and online.
    public var allowed: Int { allowedCount() ?? fallback }

    /// What the control groups grant; nil if none sets a limit. Units: CPUs.
    public var granted: Int? { ControlGroup.all(of: "cpu", file: file).compactMap(quota(of:)).min() }

    /// The CPUs a single group grants, rounded up; nil if it sets no limit.
    private func quota(of group: ControlGroup) -> Int? {
        let fields: [Substring]
        if group.version == 2 {
            fields = (file(group.folder + "/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
        } else {
            fields = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].compactMap { name in
                file(group.folder + "/" + name)?.split(whereSeparator: \.isWhitespace).first
            }
        }
        // "max" and -1 mean no limit.
        guard fields.count == 2, let quota = Int(fields[0]), let period = Int(fields[1]), quota > 0, period > 0 else {
            return nil
        }
        return quota / period + (quota % period == 0 ? 0 : 1)
    }

    /// The CPUs that are both in the affinity mask and online.
    private func allowedCount() -> Int? {
        let status = (file("/proc/self/status") ?? "").split(separator: "\n")
        let field = "Cpus_allowed_list:"
        guard let line = status.first(where: { $0.hasPrefix(field) }) else { return nil }
        let allowed = cpus(line.dropFirst(field.count))
        let online = file("/sys/devices/system/cpu/online").map { cpus($0[...]) } ?? allowed
        let count = allowed.intersection(online).count
        return count > 0 ? count : nil
    }

    /// Reads the kernel's lists of CPUs, such as `0-3,8`.
    private func cpus(_ list: Substring) -> Set<Int> {
        let ranges = list.split { $0 == "," || $0.isWhitespace }.compactMap { part -> ClosedRange<Int>? in
            let ends = part.split(separator: "-").map { Int($0) ?? -1 }
            guard let first = ends.first, let last = ends.last, first >= 0, last >= first, last < Self.mostCPUs else {
                return nil
            }
            return first...last
        }
        return Set(ranges.joined())
    }

    /// Above the kernel's own limit. A list with a higher number is malformed.
    private static let mostCPUs = 65536
}

/// A control group that a process is in.
///
/// - Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cgroups.rst
struct ControlGroup {
    /// The folder of its files.
    let folder: String
    /// 1 or 2.
    let version: Int

    /// The groups of this process that a controller (`cpu`, `memory`) may limit, each followed by those above it.
    ///
    /// - Parameter file: a file's text, or nil if there is none.
    static func all(of controller: String, file: (String) -> String?) -> [ControlGroup] {
        let lines = (file("/proc/self/cgroup") ?? "").split(separator: "\n")
        return lines.flatMap { line -> [ControlGroup] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let controllers = parts[1]
            if controllers.isEmpty {
                // The second folder is where systems that still run version 1 mount version 2.
                return ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].flatMap { mount in
                    folders(of: parts[2], under: mount).map { ControlGroup(folder: $0, version: 2) }
                }
            }
            guard controllers.split(separator: ",").contains(controller[...]) else { return [] }
            return ["/sys/fs/cgroup/\(controllers)", "/sys/fs/cgroup/\(controller)"].flatMap { mount in
                folders(of: parts[2], under: mount).map { ControlGroup(folder: $0, version: 1) }
            }
        }
    }

    /// A group's folder and those above it up to the mount, which in a container is the container's own group.
    private static func folders(of path: Substring, under mount: String) -> [String] {
        var components = path.split(separator: "/")
        if components.contains("..") { components = [] }
        return (0...components.count).reversed().map {
            ([Substring(mount)] + components.prefix($0)).joined(separator: "/")
        }
    }
}
