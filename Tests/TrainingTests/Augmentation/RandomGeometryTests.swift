import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct RandomResizedCropTests {
    @Test func `areas and proportions are those asked for, everywhere in the image`() {
        let crop = RandomResizedCrop()
        var generator = SplitMix64(seed: 1)
        var (areas, tops): ([Double], [Int]) = ([], [])
        for _ in 0..<2000 {
            let (rows, columns) = crop(height: 300, width: 400, using: &generator)
            #expect(rows.lowerBound >= 0 && rows.upperBound <= 300)
            #expect(columns.lowerBound >= 0 && columns.upperBound <= 400)
            areas.append(Double(rows.count * columns.count) / (300 * 400))
            tops.append(rows.lowerBound)
            let ratio = Double(columns.count) / Double(rows.count)
            #expect((0.74...1.35).contains(ratio))
        }
        #expect(areas.allSatisfy { (0.079...1.001).contains($0) })
        #expect((areas.min() ?? 1) < 0.1)
        #expect((areas.max() ?? 0) > 0.95)
        #expect(tops.contains(0) && tops.contains { $0 > 150 })
    }

    @Test func `where no part fits, the largest in proportion is taken from the middle, as by torchvision`() {
        let crop = RandomResizedCrop(area: 1...1)
        var generator = SplitMix64(seed: 1)
        let parts = [
            crop(height: 10, width: 100, using: &generator), crop(height: 100, width: 10, using: &generator),
            crop.centre(height: 10, width: 10), crop.centre(height: 50, width: 1),
        ]
        #expect(parts.map(\.rows) == [0..<10, 43..<56, 0..<10, 24..<25])
        #expect(parts.map(\.columns) == [43..<56, 0..<10, 0..<10, 0..<1])
    }
}
