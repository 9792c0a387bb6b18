import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ColourPCATests {
    /// Images of the test's own.
    private struct Images: Dataset {
        let images: [PixelImage]
        var classNames: [String] { ["a", "b"] }
        var count: Int { images.count }
        func label(at index: Int) -> Int { index % 2 }
        func name(at index: Int) -> String { "\(index)" }
        func image(at index: Int) throws(DatasetError) -> PixelImage { images[index] }
    }

    @Test func `two colours vary along the line between them`() {
        let data = Images(images: [
            TestScene.flat(height: 2, width: 2, [255, 0, 51]), TestScene.flat(height: 2, width: 2, [0, 0, 51]),
            TestScene.flat(height: 1, width: 4, [255, 204, 51]), TestScene.flat(height: 4, width: 1, [0, 204, 51]),
        ])
        let components = ColourPCA(of: data, seed: 1)
        // Red is 0 or 1: variance 1/4; green 0 or 0.8: 0.16; blue stays.
        #expect(zip(components.variances, [0.25, 0.16, 0]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(components.directions.map { $0.map { abs($0) } } == [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    }

    @Test func `eigenvectors of a known matrix are found`() {
        // Eigenvalues 6, 3 and 1 for (1, 1, 1)/√3 and so on would be hand-made; this one is checked by its definition.
        let matrix = [[4.0, 1, 2], [1, 3, 0.5], [2, 0.5, 5]]
        let components = ColourPCA(covariance: matrix)
        #expect(abs(components.variances.reduce(0, +) - 12) < 1e-12)
        for (direction, variance) in zip(components.directions, components.variances) {
            for row in 0..<3 {
                let product = (0..<3).reduce(0.0) { $0 + matrix[row][$1] * direction[$1] }
                #expect(abs(product - variance * direction[row]) < 1e-12)
            }
            #expect(abs(direction.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
        }
        #expect(components.variances == components.variances.sorted(by: >))
    }

    @Test func `grey images vary along grey, and shift as one`() {
        let data = Images(images: [
            TestScene.flat(height: 1, width: 1, [0]), TestScene.flat(height: 1, width: 1, [255]),
        ])
        let components = ColourPCA(of: data, seed: 1)
        #expect(abs(components.variances[0] - 0.75) < 1e-12)
        #expect(components.directions[0].allSatisfy { abs(abs($0) - 0.5773502692) < 1e-9 })
        var generator = SplitMix64(seed: 4)
        let shift = components.shift(deviation: 0.1, using: &generator)
        #expect(abs(shift[0] - shift[1]) < 1e-12 && abs(shift[1] - shift[2]) < 1e-12 && shift[0] != 0)
        var raster = Raster(TestScene.flat(height: 1, width: 2, [250]))
        raster.shift(by: [0.01, 0.02, 0.03])
        #expect(raster.bytes == [255, 255])
        var coloured = Raster(TestScene.flat(height: 1, width: 1, [100, 250, 1]))
        coloured.shift(by: [0.02, 0.1, -0.02])
        #expect(coloured.bytes == [105, 255, 0])
    }
}
