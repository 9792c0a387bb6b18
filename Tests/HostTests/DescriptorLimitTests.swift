import Testing

@testable import Host

@Suite("How many files may be open")
struct DescriptorLimitTests {
    @Test(
        "The soft limit is raised to the hard one, but no further than anybody needs, and never lowered",
        arguments: [
            (1024, 4096, 1024, 4096), (1024, 1_048_576, 1024, 65536), (1024, Int.max, 1024, 65536),
            (1024, Int.max, 100_000, 100_192), (1024, 1024, 100_000, 1024), (200_000, 1_048_576, 1024, 200_000),
        ])
    func raising(_ soft: Int, _ hard: Int, _ connections: Int, _ expected: Int) {
        let limit = DescriptorLimit(soft: soft, hard: hard).raised(for: connections)
        #expect(limit == DescriptorLimit(soft: expected, hard: hard))
    }

    @Test(
        "Connections leave the reserve to the models, and half where there is next to nothing",
        arguments: [(1216, 1024), (1215, 1023), (384, 192), (383, 192), (20, 10), (1, 1)])
    func capacity(_ soft: Int, _ expected: Int) {
        #expect(DescriptorLimit(soft: soft, hard: soft).connectionCapacity == expected)
    }

    @Test("This process's limit is told, and can be raised to where it is")
    func current() throws {
        let current = try #require(DescriptorLimit.current)
        #expect(current.soft > 0 && current.soft <= current.hard)
        let raised = try #require(DescriptorLimit.raise(for: 1))
        #expect(raised.soft >= current.soft)
        #expect(DescriptorLimit.current == raised)
    }
}
