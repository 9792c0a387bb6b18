import Files

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The `process_*` metrics that every Prometheus client library provides, read from `/proc` at each scrape.
///
/// A value that the kernel does not provide is left out.
///
/// - Source: Prometheus documentation, "Writing client libraries", §Process metrics; Linux proc(5)
struct ProcessMetrics: MetricCollector {
    /// Reads a file; nil if there is none.
    var file: @Sendable (String) -> String? = BoundedFile.text
    /// Counts the descriptors that the process has open.
    var openDescriptors: @Sendable () -> Int? = countDescriptors
    /// The kernel's clock ticks a second.
    var ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
    /// The size of a memory page. Units: bytes.
    var pageByteCount = Double(sysconf(Int32(_SC_PAGESIZE)))

    private static let metrics: [(name: String, kind: MetricFamily.Kind, help: String)] = [
        ("process_cpu_seconds_total", .counter, "Processor time spent in user and system mode, in seconds."),
        ("process_max_fds", .gauge, "Most file descriptors that may be open."),
        ("process_open_fds", .gauge, "File descriptors that are open."),
        ("process_resident_memory_bytes", .gauge, "Memory that is resident, in bytes, weights included."),
        ("process_start_time_seconds", .gauge, "When the process started, in seconds since 1970."),
        ("process_threads", .gauge, "Threads of the process."),
        ("process_virtual_memory_bytes", .gauge, "Address space in use, in bytes."),
    ]

    var names: [String] { Self.metrics.map(\.name) }

    func collect() -> [MetricFamily] {
        let values = values()
        return Self.metrics.map { name, kind, help in
            let samples = values[name].map { [MetricFamily.Sample(value: $0)] } ?? []
            return MetricFamily(name: name, help: help, kind: kind, samples: samples)
        }
    }

    private func values() -> [String: Double] {
        var values: [String: Double] = [:]
        values["process_open_fds"] = openDescriptors().map(Double.init)
        values["process_max_fds"] = descriptorLimit()
        guard let fields = statusFields() else { return values }
        // Numbered as in proc(5), from 1.
        func field(_ number: Int) -> Double? { fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil }
        if let user = field(14), let system = field(15) {
            values["process_cpu_seconds_total"] = (user + system) / ticksPerSecond
        }
        values["process_threads"] = field(20)
        if let start = field(22), let boot = bootTime() {
            values["process_start_time_seconds"] = boot + start / ticksPerSecond
        }
        values["process_virtual_memory_bytes"] = field(23)
        values["process_resident_memory_bytes"] = field(24).map { $0 * pageByteCount }
        return values
    }

    /// The fields of `/proc/self/stat` from the third on. The second is the program's name, which may hold anything.
    private func statusFields() -> [Substring]? {
        guard let text = file("/proc/self/stat"), let nameEnd = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: nameEnd)...].split(whereSeparator: \.isWhitespace)
    }

    /// When the machine started. Units: seconds since 1970.
    private func bootTime() -> Double? {
        let line = file("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Double($0.dropFirst("btime ".count)) }
    }

    private func descriptorLimit() -> Double? {
        let field = "Max open files"
        let line = file("/proc/self/limits")?.split(separator: "\n").first { $0.hasPrefix(field) }
        guard let soft = line?.dropFirst(field.count).split(separator: " ").first else { return nil }
        return soft == "unlimited" ? .infinity : Double(soft)
    }

    private static func countDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not the entries . and .., nor the descriptor that reads the folder.
        return count - 3
    }
}
