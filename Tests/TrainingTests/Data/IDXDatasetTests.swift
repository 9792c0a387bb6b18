import Inference
import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct IDXDatasetTests {
    private static let images = TestScene.idx([3, 2, 2], Array(1...12))
    private static let labels = TestScene.idx([3], [9, 0, 4])

    private func folder(
        images: [UInt8] = images, labels: [UInt8] = labels, suffix: String = "", at place: String = ""
    ) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(images, to: "\(place)train-images-idx3-ubyte\(suffix)")
        try folder.write(labels, to: "\(place)train-labels-idx1-ubyte\(suffix)")
        return folder
    }

    private func error(_ folder: TemporaryFolder) -> DatasetError? {
        do throws(DatasetError) {
            _ = try IDXDataset(.mnist, folder: folder.path(""), part: .training)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["", "raw/", "MNIST/raw/"], ["", ".gz"])
    func `images, labels and names are those of the files, plain or in gzip, wherever torchvision puts them`(
        place: String, suffix: String
    ) throws {
        let isPlain = suffix.isEmpty
        let folder = try folder(
            images: isPlain ? Self.images : TestScene.gzip(Self.images),
            labels: isPlain ? Self.labels : TestScene.gzip(Self.labels), suffix: suffix, at: place)
        let data = try IDXDataset(.mnist, folder: folder.path(""), part: .training)
        #expect(data.count == 3)
        #expect(data.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
        #expect((0..<3).map(data.label) == [9, 0, 4])
        #expect(try data.image(at: 1) == PixelImage(width: 2, height: 2, channelCount: 1, pixels: [5, 6, 7, 8]))
        #expect(data.name(at: 2) == "\(folder.path(""))/\(place)train-images-idx3-ubyte\(suffix)#2")
    }

    @Test func `Fashion-MNIST's classes are those of its paper, and its test part has files of its own`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Self.images, to: "t10k-images-idx3-ubyte")
        try folder.write(Self.labels, to: "t10k-labels-idx1-ubyte")
        let data = try IDXDataset(.fashionMNIST, folder: folder.path(""), part: .test)
        #expect(
            data.classNames == [
                "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                "Ankle boot",
            ])
        #expect(data.count == 3)
    }

    @Test func `a folder or a file that is missing is named`() throws {
        let folder = try TemporaryFolder()
        #expect(
            error(folder)
                == .missingFile(
                    path: folder.path(""), expected: "train-images-idx3-ubyte or train-images-idx3-ubyte.gz"))
        #expect(throws: DatasetError.noFolder(path: "/nowhere")) {
            try IDXDataset(.mnist, folder: "/nowhere", part: .test)
        }
    }

    @Test func `a wrong magic number is refused, that of the other file too`() throws {
        let folder = try folder(images: Self.labels)
        let file = folder.path("train-images-idx3-ubyte")
        #expect(error(folder) == .truncated(file: file, found: 11, expected: 16))
        try folder.write(TestScene.idx([3, 2, 2], Array(1...12), magic: 0x801), to: "train-images-idx3-ubyte")
        #expect(error(folder) == .wrongMagic(file: file, found: 0x801, expected: 0x803))
    }

    @Test(arguments: [false, true])
    func `one byte too few or too many is refused, plain and in gzip`(isCompressed: Bool) throws {
        let suffix = isCompressed ? ".gz" : ""
        func wrap(_ bytes: [UInt8]) -> [UInt8] { isCompressed ? TestScene.gzip(bytes) : bytes }
        let short = try folder(images: wrap(Self.images.dropLast()), labels: wrap(Self.labels), suffix: suffix)
        let name = "train-images-idx3-ubyte" + suffix
        #expect(error(short) == .truncated(file: "\(short.path(""))/\(name)", found: 27, expected: 28))
        let long = try folder(images: wrap(Self.images + [0]), labels: wrap(Self.labels), suffix: suffix)
        #expect(error(long) == .trailingBytes(file: "\(long.path(""))/\(name)", byteCount: 1))
        let cut = try folder(images: wrap(Array(Self.images.prefix(15))), labels: wrap(Self.labels), suffix: suffix)
        #expect(error(cut) == .truncated(file: "\(cut.path(""))/\(name)", found: 15, expected: 16))
    }

    @Test func `extents of zero and beyond the limits are refused, whatever they multiply to`() throws {
        let limits = IDXFile.limits
        for (extents, field, found, limit) in [
            ([0, 2, 2], "images", 0, limits.count),
            ([limits.count + 1, 2, 2], "images", limits.count + 1, limits.count),
            ([3, 0, 2], "rows", 0, limits.side), ([3, 2, limits.side + 1], "columns", limits.side + 1, limits.side),
            ([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], "images", 0xFFFF_FFFF, limits.count),
        ] {
            let folder = try folder(images: TestScene.idx(extents, []))
            #expect(
                error(folder)
                    == .extentOutOfRange(
                        file: folder.path("train-images-idx3-ubyte"), field: field, found: found, limit: limit))
        }
        let large = try folder(images: TestScene.idx([limits.count, limits.side, limits.side], []))
        #expect(
            error(large)
                == .tooLarge(
                    file: large.path("train-images-idx3-ubyte"), byteCount: 16 + limits.count << 20,
                    limit: DataFile.maxByteCount))
    }

    @Test
    func `a gzip file takes no more memory than it declares, and cannot declare more than deflate can make of it`()
        throws
    {
        let zeros = [UInt8](repeating: 0, count: 4_000_000)
        let bomb = try folder(images: TestScene.gzip(TestScene.idx([3, 2, 2], zeros)), suffix: ".gz")
        #expect(
            error(bomb) == .trailingBytes(file: bomb.path("train-images-idx3-ubyte.gz"), byteCount: 1))
        let small = TestScene.gzip(TestScene.idx([1000, 1000, 1000], []))
        let claim = try folder(images: small, suffix: ".gz")
        #expect(
            error(claim)
                == .cannotInflate(
                    file: claim.path("train-images-idx3-ubyte.gz"), byteCount: small.count,
                    expected: 1_000_000_016))
    }

    @Test func `Gzip that is damaged, cut short, or followed by something is refused`() throws {
        let pixels = (0..<1200).map { UInt8(truncatingIfNeeded: $0 * $0 * 31 >> 3) }
        let whole = TestScene.gzip(TestScene.idx([3, 20, 20], pixels))
        var flipped = whole
        flipped[whole.count - 6] ^= 1  // the checksum
        for bytes in [flipped, whole + [0], whole + whole, Array(whole.dropLast(2))] {
            let folder = try folder(images: bytes, labels: TestScene.gzip(Self.labels), suffix: ".gz")
            #expect(error(folder) == .corruptCompression(file: folder.path("train-images-idx3-ubyte.gz")))
        }
    }

    @Test func `as many labels as images are expected, and none of ten or above`() throws {
        let fewer = try folder(labels: TestScene.idx([2], [1, 2]))
        #expect(
            error(fewer)
                == .countMismatch(
                    images: fewer.path("train-images-idx3-ubyte"), imageCount: 3,
                    labels: fewer.path("train-labels-idx1-ubyte"), labelCount: 2))
        let ten = try folder(labels: TestScene.idx([3], [1, 10, 2]))
        #expect(
            error(ten)
                == .labelOutOfRange(
                    file: ten.path("train-labels-idx1-ubyte"), index: 1, found: 10, classCount: 10))
    }
}
