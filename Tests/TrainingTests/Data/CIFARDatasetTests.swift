import Inference
import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct CIFARDatasetTests {
    private static let tenNames = (0..<10).map { "class\($0)" }.joined(separator: "\n") + "\n\n"
    private static let hundredNames = (0..<100).map { "class\($0)" }.joined(separator: "\n") + "\n"

    /// Planes of one level each.
    private func record(_ labels: [UInt8], _ levels: [UInt8] = [1, 2, 3]) -> [UInt8] {
        labels + levels.flatMap { [UInt8](repeating: $0, count: 1024) }
    }

    private func ten(at place: String = "") throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write(Array(Self.tenNames.utf8), to: "\(place)batches.meta.txt")
        for file in 1...5 {
            let label = UInt8(file)
            try folder.write(record([label]) + record([0], [label, 7, 8]), to: "\(place)data_batch_\(file).bin")
        }
        try folder.write(record([9]), to: "\(place)test_batch.bin")
        return folder
    }

    @Test(arguments: ["", "cifar-10-batches-bin/"])
    func `CIFAR-10's records are labels and planes, five files one after the other`(place: String) throws {
        let folder = try ten(at: place)
        let data = try CIFARDataset(.cifar10, folder: folder.path(""), part: .training)
        #expect(data.count == 10)
        #expect((0..<10).map(data.label) == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
        #expect(data.classNames[3] == "class3")
        #expect(data.name(at: 7) == "\(folder.path(""))/\(place)data_batch_4.bin#1")
        let image = try data.image(at: 5)
        #expect([image.height, image.width, image.channelCount] == [32, 32, 3])
        #expect(image.pixels == (0..<1024).flatMap { _ in [3, 7, 8] as [UInt8] })
        #expect(try CIFARDataset(.cifar10, folder: folder.path(""), part: .test).label(at: 0) == 9)
    }

    @Test func `planes become interleaved pixels in reading order`() throws {
        let folder = try ten()
        let pixels = (0..<3072).map { UInt8(truncatingIfNeeded: $0 % 251) }
        try folder.write([4] + pixels, to: "test_batch.bin")
        let image = try CIFARDataset(.cifar10, folder: folder.path(""), part: .test).image(at: 0)
        let interleaved: [UInt8] = (0..<1024).flatMap { [pixels[$0], pixels[1024 + $0], pixels[2048 + $0]] }
        #expect(image.pixels == interleaved)
    }

    @Test func `CIFAR-100 is read with its fine labels`() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(Self.hundredNames.utf8), to: "fine_label_names.txt")
        try folder.write(record([19, 99]) + record([0, 42]), to: "train.bin")
        try folder.write(record([3, 7]), to: "test.bin")
        let data = try CIFARDataset(.cifar100, folder: folder.path(""), part: .training)
        #expect((0..<2).map(data.label) == [99, 42])
        #expect(try CIFARDataset(.cifar100, folder: folder.path(""), part: .test).label(at: 0) == 7)
        for (labels, place, found, classCount) in [([20, 0], 0, 20, 20), ([0, 100], 0, 100, 100)] {
            try folder.write(record(labels.map { UInt8($0) }), to: "test.bin")
            #expect(
                throws: DatasetError.labelOutOfRange(
                    file: folder.path("test.bin"), index: place, found: found, classCount: classCount)
            ) { try CIFARDataset(.cifar100, folder: folder.path(""), part: .test) }
        }
    }

    @Test(arguments: [0, 1, 3072, 3074])
    func `files of other than whole records are refused`(byteCount: Int) throws {
        let folder = try ten()
        try folder.write([UInt8](repeating: 0, count: byteCount), to: "data_batch_2.bin")
        #expect(
            throws: DatasetError.partialRecord(
                file: folder.path("data_batch_2.bin"), byteCount: byteCount, recordByteCount: 3073)
        ) { try CIFARDataset(.cifar10, folder: folder.path(""), part: .training) }
    }

    @Test func `what is missing or of the Python version is named`() throws {
        let folder = try ten()
        try folder.write(Array("a\nb\n".utf8), to: "batches.meta.txt")
        #expect(
            throws: DatasetError.classNameCount(file: folder.path("batches.meta.txt"), found: 2, expected: 10)
        ) { try CIFARDataset(.cifar10, folder: folder.path(""), part: .test) }
        try folder.write([0xFF, 0xFE], to: "batches.meta.txt")
        #expect(throws: DatasetError.notText(file: folder.path("batches.meta.txt"))) {
            try CIFARDataset(.cifar10, folder: folder.path(""), part: .test)
        }
        #expect(throws: DatasetError.missingFile(path: folder.path(""), expected: "fine_label_names.txt")) {
            try CIFARDataset(.cifar100, folder: folder.path(""), part: .test)
        }
        let python = try TemporaryFolder()
        try python.makeFolder("cifar-10-batches-py")
        #expect(throws: DatasetError.onlyPythonVersion(path: python.path("cifar-10-batches-py"))) {
            try CIFARDataset(.cifar10, folder: python.path(""), part: .test)
        }
    }
}
