import Testing

@testable import Host

@Suite("CPUQuota")
struct CPUQuotaTests {
    private func count(_ files: [String: String], fallback: Int = 64) -> Int {
        CPUQuota(fallback: fallback, file: { files[$0] }).count
    }

    @Test(
        "Version 2 quotas are rounded up, and max is no limit",
        arguments: [
            ("200000 100000\n", 2), ("150000 100000\n", 2), ("100001 100000\n", 2), ("100000 100000\n", 1),
            ("1000 100000\n", 1), ("max 100000\n", 64), ("100000000 100000\n", 64), ("", 64), ("0 100000\n", 64),
            ("100000 0\n", 64), ("-1 100000", 64), ("99999999999999999999 1", 64), ("9223372036854775807 2", 64),
        ])
    func version2(content: String, expected: Int) {
        #expect(count(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": content]) == expected)
    }

    @Test("The tightest group on the way up counts")
    func ancestors() {
        var files = [
            "/proc/self/cgroup": "0::/a/b/c\n",
            "/sys/fs/cgroup/a/b/c/cpu.max": "800000 100000",
            "/sys/fs/cgroup/a/b/cpu.max": "300000 100000",
            "/sys/fs/cgroup/a/cpu.max": "max 100000",
        ]
        #expect(count(files) == 3)
        files["/sys/fs/cgroup/cpu.max"] = "200000 100000"
        #expect(count(files) == 2)
    }

    @Test("Inside a container whose group path is the host's, the mount is the group")
    func hostPath() {
        #expect(count(["/proc/self/cgroup": "0::/docker/3f2a\n", "/sys/fs/cgroup/cpu.max": "400000 100000"]) == 4)
        #expect(count(["/proc/self/cgroup": "0::/../other\n", "/sys/fs/cgroup/cpu.max": "400000 100000"]) == 4)
    }

    @Test("Version 1 quotas are read from the CPU controller, and -1 is no limit")
    func version1() {
        let groups = "12:memory:/x\n4:cpu,cpuacct:/pod\n1:name=systemd:/\n"
        var files = [
            "/proc/self/cgroup": groups,
            "/sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us": "100000\n",
        ]
        #expect(count(files) == 3)
        files["/sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us"] = "-1\n"
        #expect(count(files) == 64)
        #expect(
            count([
                "/proc/self/cgroup": groups, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            ]) == 1)
    }

    @Test("The affinity mask counts, but only CPUs that are switched on")
    func affinity() {
        let status = "Name:\talexnet\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\n"
        #expect(count(["/proc/self/status": status]) == 5)
        #expect(count(["/proc/self/status": status, "/sys/devices/system/cpu/online": "0-1,8-15\n"]) == 3)
        #expect(
            count([
                "/proc/self/status": status, "/proc/self/cgroup": "0::/\n",
                "/sys/fs/cgroup/cpu.max": "200000 100000",
            ]) == 2)
        #expect(count(["/proc/self/status": "Cpus_allowed_list:\t3-1,x,0-99999999999\n"]) == 64)
    }

    @Test("Where nothing is known the fallback counts, and never less than one")
    func fallback() {
        #expect(count([:], fallback: 6) == 6)
        #expect(count([:], fallback: -1) == 1)
        #expect(count(["/proc/self/cgroup": "nonsense\n:\n0::\n"], fallback: 6) == 6)
    }

    @Test("This machine has at least one CPU")
    func current() {
        #expect(CPUQuota.current >= 1)
    }
}
