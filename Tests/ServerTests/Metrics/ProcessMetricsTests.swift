import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ProcessMetricsTests {
    private static let files = [
        "/proc/self/stat":
            "4321 (a) R (b) c) S 1 4321 4321 0 -1 4194304 900 0 7 0 150 25 0 0 20 0 9 0 30050 104857600 2560 "
            + "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n",
        "/proc/stat": "cpu  1 2 3\nintr 5 6\nctxt 7\nbtime 1795242000\nprocesses 8\n",
        "/proc/self/limits":
            "Limit                     Soft Limit           Hard Limit           Units     \n"
            + "Max processes             63000                63000                processes \n"
            + "Max open files            1024                 1048576              files     \n",
    ]

    private func exposition(_ files: [String: String], openDescriptors: Int? = 12) -> String {
        let registry = MetricsRegistry()
        registry.add(
            ProcessMetrics(
                file: { files[$0] }, openDescriptors: { openDescriptors }, ticksPerSecond: 100, pageByteCount: 4096))
        return registry.exposition()
    }

    @Test func `The kernel's numbers become seconds and bytes, whatever the program is called`() {
        #expect(
            exposition(Self.files) == """
                # HELP process_cpu_seconds_total Processor time spent in user and system mode, in seconds.
                # TYPE process_cpu_seconds_total counter
                process_cpu_seconds_total 1.75
                # HELP process_max_fds Most file descriptors that may be open.
                # TYPE process_max_fds gauge
                process_max_fds 1024
                # HELP process_open_fds File descriptors that are open.
                # TYPE process_open_fds gauge
                process_open_fds 12
                # HELP process_resident_memory_bytes Memory that is resident, in bytes, weights included.
                # TYPE process_resident_memory_bytes gauge
                process_resident_memory_bytes 10485760
                # HELP process_start_time_seconds When the process started, in seconds since 1970.
                # TYPE process_start_time_seconds gauge
                process_start_time_seconds 1795242300.5
                # HELP process_threads Threads of the process.
                # TYPE process_threads gauge
                process_threads 9
                # HELP process_virtual_memory_bytes Address space in use, in bytes.
                # TYPE process_virtual_memory_bytes gauge
                process_virtual_memory_bytes 104857600

                """)
    }

    @Test func `What the kernel does not tell is left out`() {
        #expect(exposition([:], openDescriptors: nil).isEmpty)
        let odd = [
            "/proc/self/stat": "1 (a) S 1 2", "/proc/stat": "btime x", "/proc/self/limits": "Max open files  unlimited",
        ]
        #expect(
            exposition(odd, openDescriptors: nil) == """
                # HELP process_max_fds Most file descriptors that may be open.
                # TYPE process_max_fds gauge
                process_max_fds +Inf

                """)
    }

    @Test func `This process has all of them`() {
        let metrics = ProcessMetrics()
        let families = metrics.collect()
        #expect(families.map(\.name) == metrics.names)
        #expect(families.allSatisfy { $0.samples.count == 1 && $0.samples[0].value > 0 })
    }
}
