import Testing

@testable import Host

@Suite("AvailableMemory")
struct AvailableMemoryTests {
    private func bytes(_ files: [String: String]) -> Int? { AvailableMemory(file: { files[$0] }).byteCount }

    private let machine = ["/proc/meminfo": "MemTotal: 900 kB\nMemFree: 1 kB\nMemAvailable:     500 kB\n"]

    private func bytes(_ files: [String: String], onMachine: Bool) -> Int? {
        bytes(onMachine ? files.merging(machine) { $1 } : files)
    }

    @Test("Without a group it is what the kernel says is available, and nothing where it says nothing")
    func machineOnly() {
        #expect(bytes(machine) == 512_000)
        #expect(bytes([:]) == nil)
        #expect(bytes(["/proc/meminfo": "MemAvailable: 9223372036854775807 kB"]) == nil)
        #expect(bytes(["/proc/meminfo": "MemAvailable: -5 kB"]) == nil)
    }

    @Test("A group leaves its limit less what it uses, but for pages of files that nobody needs")
    func version2() {
        var files = [
            "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/memory.max": "10000\n", "/sys/fs/cgroup/a/memory.current": "7000\n",
            "/sys/fs/cgroup/a/memory.stat": "anon 1\ninactive_file 2000\nactive_file 3\n",
        ]
        #expect(bytes(files, onMachine: true) == 5000)
        #expect(bytes(files, onMachine: false) == 5000)
        files["/sys/fs/cgroup/a/memory.stat"] = nil
        #expect(bytes(files, onMachine: true) == 3000)
        files["/sys/fs/cgroup/a/memory.current"] = "10001"
        #expect(bytes(files, onMachine: true) == 0)
        files["/sys/fs/cgroup/a/memory.max"] = "99999999"
        #expect(bytes(files, onMachine: true) == 512_000)
    }

    @Test("Version 1 has names of its own")
    func version1() {
        let files = [
            "/proc/self/cgroup": "4:cpu,cpuacct:/x\n3:memory:/x\n",
            "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "10000",
            "/sys/fs/cgroup/memory/x/memory.usage_in_bytes": "4000",
            "/sys/fs/cgroup/memory/x/memory.stat": "inactive_file 9\ntotal_inactive_file 1000\n",
        ]
        #expect(bytes(files, onMachine: true) == 7000)
    }

    @Test("Here it is told")
    func here() { #expect((AvailableMemory.current ?? 0) > 0) }
}
