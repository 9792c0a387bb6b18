import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct DataLeakageTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func shared(limit: Int = DataLeakage.maxByteCount) throws -> DataLeakage {
        DataLeakage(
            training: try ImageFolder(folder.path("train")), validation: try ImageFolder(folder.path("val")),
            maxByteCount: limit)
    }

    @Test func `files that are the same byte for byte are counted, whatever they are called`() throws {
        for (place, tail) in [("train/a/1", 1), ("train/b/1", 2), ("val/a/9", 3), ("val/b/9", 4)] {
            // Of the same size.
            try folder.write(TestPicture.png + [UInt8(tail)], to: place + ".png")
        }
        #expect(try shared() == DataLeakage(count: 0, example: nil))
        try folder.write(TestPicture.png + [1], to: "val/b/copy.png")
        #expect(
            try shared()
                == DataLeakage(
                    count: 1, example: "\(folder.path("val"))/b/copy.png is \(folder.path("train"))/a/1.png"))
        try folder.write(TestPicture.png + [2], to: "val/a/9.png")
        #expect(try shared().count == 2)
        // No more is read than that.
        let byteCount = 5 * (TestPicture.png.count + 1)
        #expect(try shared(limit: byteCount).count == 2)
        #expect(try shared(limit: byteCount - 1).count == 0)
    }
}
