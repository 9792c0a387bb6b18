import Files

/// How much memory this process may still take: the lesser of what the machine has free and what its control groups
/// leave.
///
/// Cached files that are not in use count as available, as in the kernel's own `MemAvailable`.
///
/// - Source: Linux, Documentation/admin-guide/cgroup-v2.rst (`memory.max`), cgroup-v1/memory.rst, proc(5)
public struct AvailableMemory: Sendable {
    /// A file's text, or nil if there is none.
    package let file: @Sendable (String) -> String?

    /// The memory that this process may take now; nil if the kernel does not report it. Units: bytes.
    public static var current: Int? { AvailableMemory(file: BoundedFile.text).byteCount }

    var byteCount: Int? {
        let machine = number(after: "MemAvailable:", in: "/proc/meminfo").flatMap { kibibytes in
            let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1024)
            return overflow ? nil : bytes
        }
        let groups = ControlGroup.all(of: "memory", file: file).compactMap(rest(of:))
        return ([machine].compactMap(\.self) + groups).min()
    }

    /// What a group leaves; nil if it sets no limit. Units: bytes.
    private func rest(of group: ControlGroup) -> Int? {
        let isNew = group.version == 2
        let limit = number(group.folder + (isNew ? "/memory.max" : "/memory.limit_in_bytes"))
        let usage = number(group.folder + (isNew ? "/memory.current" : "/memory.usage_in_bytes"))
        guard let limit, let usage else { return nil }
        let cache = number(
            after: isNew ? "inactive_file" : "total_inactive_file", in: group.folder + "/memory.stat")
        return max(0, limit - max(0, usage - (cache ?? 0)))
    }

    private func number(_ path: String) -> Int? {
        file(path).flatMap { whole($0.split(whereSeparator: \.isWhitespace)) }
    }

    /// The number in the line that begins with a name.
    private func number(after name: String, in path: String) -> Int? {
        (file(path) ?? "").split(separator: "\n").lazy
            .map { $0.split(whereSeparator: \.isWhitespace) }
            .first { $0.first == name[...] }
            .flatMap { whole($0.dropFirst()) }
    }

    /// The first field as a number. "max" is not one, and means no limit.
    private func whole(_ fields: some Collection<Substring>) -> Int? {
        fields.first.flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }
}
