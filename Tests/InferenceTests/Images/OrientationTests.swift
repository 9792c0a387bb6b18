import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct OrientationTests {
    /// a b c
    /// d e f
    private let image = PixelImage(
        width: 3, height: 2, channelCount: 3, pixels: [1, 2, 3, 4, 5, 6].flatMap { [$0, $0, $0] as [UInt8] })

    @Test func `Each orientation puts the corners where EXIF says`() {
        let expected: [Orientation: [UInt8]] = [
            .upright: [1, 2, 3, 4, 5, 6], .flipHorizontal: [3, 2, 1, 6, 5, 4], .rotate180: [6, 5, 4, 3, 2, 1],
            .flipVertical: [4, 5, 6, 1, 2, 3], .transpose: [1, 4, 2, 5, 3, 6], .rotateClockwise: [4, 1, 5, 2, 6, 3],
            .transverse: [6, 3, 5, 2, 4, 1], .rotateCounterclockwise: [3, 6, 2, 5, 1, 4],
        ]
        for orientation in Orientation.allCases {
            let result = orientation.applied(to: image)
            #expect(result.width == (orientation.swapsSides ? 2 : 3))
            #expect(result.pixels == expected[orientation]?.flatMap { [$0, $0, $0] })
        }
    }

    @Test func `A truncated EXIF block never gives another orientation`() {
        let block = [UInt8]("Exif\0\0MM\0*\0\0\0\u{8}\0\u{1}\u{1}\u{12}\0\u{3}\0\0\0\u{1}\0\u{6}\0\0".utf8)
        #expect(ExifOrientation(in: block[...]) == .value(6))
        for count in 0..<block.count {
            let found = ExifOrientation(in: block[..<count])
            #expect(found == .absent || found == .damaged)
        }
    }

    @Test func `Offsets and counts past the end of the block give no orientation`() {
        #expect(ExifOrientation(in: [UInt8]("II*\0".utf8)[...] + [255, 255, 255, 255]) == .absent)
        let entry: [UInt8] = [0x12, 1, 12, 0, 255, 255, 255, 255, 255, 255, 255, 255]
        #expect(ExifOrientation(in: [UInt8]("II*\0".utf8)[...] + [8, 0, 0, 0, 1, 0] + entry) == .absent)
        #expect(ExifOrientation(in: [1, 2, 3]) == .damaged)
        #expect(ExifOrientation(in: []) == .absent)
    }
}
