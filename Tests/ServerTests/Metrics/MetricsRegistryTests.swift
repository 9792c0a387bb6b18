import Dispatch
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct MetricsRegistryTests {
    @Test func `The exposition holds every kind, families by name and series by label values`() {
        let registry = MetricsRegistry()
        let seconds = registry.histogram("b_seconds", help: "Time.", labels: ["route"], buckets: [0.0005, 0.1, 2.5])
        seconds("/predict").observe(0.1)
        seconds("/predict").observe(.milliseconds(100))
        seconds("/predict").observe(0.0001)
        seconds("/predict").observe(3)
        seconds("/a").observe(.zero)
        let total = registry.counter("c_total", help: "Requests.", labels: ["method", "status"])
        total("POST", "200").increment()
        total("GET", "404").increment(by: 3)
        total("POST", "200").increment()
        let depth = registry.gauge("a_depth", help: "Depth.")
        depth().set(2.25)
        depth().increment()
        depth().decrement()
        depth().add(-4)
        registry.gauge("d_read", help: "Read at each scrape.") { 1e300 }
        registry.gauge("e_absent", help: "Unknown now.") { nil }
        _ = registry.counter("f_unused_total", help: "Never counted.", labels: ["reason"])
        _ = registry.counter("g_zero_total", help: "Counts from the start.")
        #expect(
            registry.exposition() == """
                # HELP a_depth Depth.
                # TYPE a_depth gauge
                a_depth -1.75
                # HELP b_seconds Time.
                # TYPE b_seconds histogram
                b_seconds_bucket{route="/a",le="0.0005"} 1
                b_seconds_bucket{route="/a",le="0.1"} 1
                b_seconds_bucket{route="/a",le="2.5"} 1
                b_seconds_bucket{route="/a",le="+Inf"} 1
                b_seconds_sum{route="/a"} 0
                b_seconds_count{route="/a"} 1
                b_seconds_bucket{route="/predict",le="0.0005"} 1
                b_seconds_bucket{route="/predict",le="0.1"} 3
                b_seconds_bucket{route="/predict",le="2.5"} 3
                b_seconds_bucket{route="/predict",le="+Inf"} 4
                b_seconds_sum{route="/predict"} 3.2001
                b_seconds_count{route="/predict"} 4
                # HELP c_total Requests.
                # TYPE c_total counter
                c_total{method="GET",status="404"} 3
                c_total{method="POST",status="200"} 2
                # HELP d_read Read at each scrape.
                # TYPE d_read gauge
                d_read 1e+300
                # HELP g_zero_total Counts from the start.
                # TYPE g_zero_total counter
                g_zero_total 0

                """)
        #expect(
            registry.names == [
                "a_depth", "b_seconds", "c_total", "d_read", "e_absent", "f_unused_total", "g_zero_total",
            ])
    }

    @Test func `An empty registry is an empty page`() {
        #expect(MetricsRegistry().exposition().isEmpty)
    }

    @Test func `Help texts and label values are escaped, and cannot end their line or label`() {
        let registry = MetricsRegistry()
        let total = registry.counter("x_total", help: "A \\ and a\r\nnewline, \"quoted\".", labels: ["class"])
        total("a\"} 1\nforged_total 2\r\n\\é🐱").increment()
        #expect(
            registry.exposition()
                == "# HELP x_total A \\\\ and a\r\\nnewline, \"quoted\".\n# TYPE x_total counter\n"
                + "x_total{class=\"a\\\"} 1\\nforged_total 2\r\\n\\\\é🐱\"} 1\n")
    }

    @Test func `Beyond its limit a metric counts in one overflow series, and known series go on`() {
        let registry = MetricsRegistry()
        let total = registry.counter("x_total", help: "X.", labels: ["a", "b"], seriesLimit: 3)
        for index in 0..<1000 { total("\(index)", "b").increment() }
        total("1", "b").increment()
        #expect(
            registry.exposition() == """
                # HELP x_total X.
                # TYPE x_total counter
                x_total{a="0",b="b"} 1
                x_total{a="1",b="b"} 2
                x_total{a="_overflow",b="_overflow"} 998

                """)
    }

    @Test func `A series is replaced by another in one step`() {
        let registry = MetricsRegistry()
        let info = registry.gauge("info", help: "I.", labels: ["model", "version"])
        info("a", "1").set(1)
        info("b", "1").set(1)
        info.replace(where: { $0[0] == "a" }, with: ["a", "2"]) { $0.set(5) }
        info.remove { $0[0] == "b" }
        #expect(registry.exposition() == "# HELP info I.\n# TYPE info gauge\ninfo{model=\"a\",version=\"2\"} 5\n")
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1, "1"), (-3, "-3"), (0.5, "0.5"), (0.0005, "0.0005"), (1e-7, "1e-07"),
        (9_007_199_254_740_992, "9007199254740992"), (1e16, "1e+16"), (1_795_242_660.123, "1795242660.123"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        (.leastNonzeroMagnitude, "5e-324"),
    ])
    func `Numbers are written as Prometheus reads them`(value: Double, text: String) {
        #expect(Exposition.number(value) == text)
    }

    @Test func `Names follow the data model`() {
        for name in ["a", "_a", "process_open_fds", "a:b", "A9"] { #expect(Exposition.isMetricName(name)) }
        for name in ["", "9a", "a-b", "a b", "é", "a\n"] { #expect(!Exposition.isMetricName(name)) }
        for name in ["a", "_a", "model"] { #expect(Exposition.isLabelName(name)) }
        for name in ["", "9a", "a:b", "__a"] { #expect(!Exposition.isLabelName(name)) }
    }

    @Test func `A bucket takes its own bound, and what is not a number is left out`() {
        let registry = MetricsRegistry()
        let size = registry.histogram("size", help: "S.", buckets: [1, 2])
        for value in [1, 1.0.nextUp, 2, 2.0.nextUp, .nan] { size().observe(value) }
        #expect(
            registry.exposition() == """
                # HELP size S.
                # TYPE size histogram
                size_bucket{le="1"} 1
                size_bucket{le="2"} 3
                size_bucket{le="+Inf"} 4
                size_sum 6
                size_count 4

                """)
    }

    @Test func `No count is lost between threads, and every scrape's histogram agrees with itself`() {
        let registry = MetricsRegistry()
        let total = registry.counter("t_total", help: "T.", labels: ["k"])
        let level = registry.gauge("t_level", help: "L.")
        let size = registry.histogram("t_size", help: "S.", buckets: [1])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<1000 {
                total("\(round % 2)").increment()
                level().increment()
                size().observe(1)
                if round % 250 == 0 {
                    let lines = registry.exposition().split(separator: "\n").filter { $0.hasPrefix("t_size_") }
                    #expect(Set(lines.map { $0.split(separator: " ")[1] }).count == 1)
                }
            }
        }
        #expect(
            registry.exposition() == """
                # HELP t_level L.
                # TYPE t_level gauge
                t_level 8000
                # HELP t_size S.
                # TYPE t_size histogram
                t_size_bucket{le="1"} 8000
                t_size_bucket{le="+Inf"} 8000
                t_size_sum 8000
                t_size_count 8000
                # HELP t_total T.
                # TYPE t_total counter
                t_total{k="0"} 4000
                t_total{k="1"} 4000

                """)
    }
}
