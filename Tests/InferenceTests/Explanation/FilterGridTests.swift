import Inference
import Testing

@Suite(.timeLimit(.minutes(2))) struct FilterGridTests {
    private func error(_ shape: Shape) -> String? {
        do throws(FilterGrid.Unsuitable) {
            _ = try FilterGrid(Tensor(shape) { $0.initialize(repeating: 0) }, isBGR: false)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `each filter is stretched from black to white and enlarged, and white lines set them apart`() throws {
        let filters = Tensor([3, 1, 1, 2], scalars: [-1, 1, 0, 10, 5, 5])
        let image = try FilterGrid(filters, isBGR: false).image
        // Two columns of 2 filters at 32 times their size, two rows, lines of 2 pixels.
        #expect(image.width == 2 + 2 * (64 + 2))
        #expect(image.height == 2 + 2 * (32 + 2))
        #expect(image.channelCount == 1)
        func pixel(_ x: Int, _ y: Int) -> UInt8 { image.pixels[y * image.width + x] }
        #expect(pixel(0, 0) == 255 && pixel(1, 1) == 255 && pixel(66, 10) == 255)
        #expect(pixel(2, 2) == 0 && pixel(33, 33) == 0)
        #expect(pixel(34, 2) == 255 && pixel(65, 33) == 255)
        #expect(pixel(68, 2) == 0 && pixel(100, 2) == 255)
        #expect(pixel(2, 36) == 128 && pixel(65, 67) == 128)
        #expect(pixel(68, 36) == 255)
    }

    @Test func `colours are those of the channels, in either order`() throws {
        let filters = Tensor([1, 3, 1, 1], scalars: [0, 1, 2])
        for (isBGR, expected) in [(false, [0, 128, 255]), (true, [255, 128, 0])] {
            let image = try FilterGrid(filters, isBGR: isBGR).image
            let start = (2 * image.width + 2) * 3
            #expect(Array(image.pixels[start..<start + 3]).map(Int.init) == expected)
        }
    }

    @Test func `shapes that are no image, or too large for one, are refused; limits themselves are not`() {
        #expect(
            error([4, 2, 3, 3])
                == "The first layer's filters cannot be drawn: their shape is [4, 2, 3, 3], but [O, 1 or 3, KH, KW] is "
                + "expected.")
        #expect(error([4, 3]) != nil)
        #expect(error([0, 3, 3, 3]) != nil)
        #expect(error([1025, 1, 1, 1]) != nil)
        #expect(error([1024, 1, 1, 1]) == nil)
        #expect(error([1, 1, 257, 1]) != nil)
        #expect(error([1, 1, 256, 256]) == nil)
        #expect(error([1, 1, 1, 257]) != nil)
    }
}
