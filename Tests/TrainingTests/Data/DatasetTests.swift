import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct InvertedImagesTests {
    private struct One: Dataset {
        let classNames = ["a", "b"]
        let count = 1
        func label(at index: Int) -> Int { 1 }
        func name(at index: Int) -> String { "one" }
        func image(at index: Int) throws(DatasetError) -> PixelImage {
            PixelImage(width: 3, height: 1, channelCount: 1, pixels: [0, 100, 255])
        }
    }

    @Test func `each byte is taken from 255; labels and names stay`() throws {
        let inverted = InvertedImages(One())
        #expect(try inverted.image(at: 0).pixels == [255, 155, 0])
        #expect(inverted.label(at: 0) == 1 && inverted.name(at: 0) == "one")
        #expect(inverted.classNames == ["a", "b"] && inverted.count == 1)
        #expect(try InvertedImages(inverted).image(at: 0) == One().image(at: 0))
    }
}
