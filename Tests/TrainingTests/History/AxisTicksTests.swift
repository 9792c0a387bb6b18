import Testing

@testable import Training

@Suite struct AxisTicksTests {
    @Test func `ticks are round, cover the range, and say no more digits than they need`() {
        let losses = AxisTicks(covering: 0.31...2.27, count: 5)
        #expect(losses.values == [0, 0.5, 1, 1.5, 2, 2.5])
        #expect(losses.values.map(losses.label) == ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"])
        let percents = AxisTicks(covering: 91.2...92.9, count: 5)
        #expect(percents.values.map(percents.label) == ["91.0", "91.5", "92.0", "92.5", "93.0"])
        let large = AxisTicks(covering: 0...1234, count: 5)
        #expect(large.values.map(large.label) == ["0", "500", "1000", "1500"])
    }

    @Test(arguments: [(0.0, 0.0), (3, 3), (1e-300, 1e-300), (-5, -5), (1e11, 1e11), (0.1, 0.1 + 1e-17)])
    func `values that are all alike have room around them`(_ low: Double, _ high: Double) {
        let ticks = AxisTicks(covering: low...high, count: 5)
        #expect((2...12).contains(ticks.values.count))
        #expect(ticks.values.first.map { $0 <= low } == true && ticks.values.last.map { $0 >= high } == true)
    }

    @Test func `epochs are counted in whole numbers from the first`() {
        #expect(AxisTicks(countingWithin: 1...1, count: 12).values == [1])
        #expect(AxisTicks(countingWithin: 1...5, count: 12).values == [1, 2, 3, 4, 5])
        #expect(AxisTicks(countingWithin: 1...20, count: 12).values == [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
        #expect(AxisTicks(countingWithin: 1...90, count: 12).values == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90])
        #expect(AxisTicks(countingWithin: 1...1_000_000_000, count: 12).values.count == 11)
        #expect(AxisTicks(countingWithin: 999_999_999...1_000_000_000, count: 12).values == [999_999_999, 1e9])
    }
}
