/// A control group that a process is in.
///
/// - Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/cgroups.rst
struct ControlGroup {
    /// Where its files are.
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
