import Inference
import Synchronization
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct BatchLoaderTests {
    /// Flat images of one pixel, each of its index's level; some cannot be read.
    private struct Levels: Dataset {
        let count: Int
        var corrupt: Set<Int> = []
        var classNames: [String] { ["even", "odd"] }
        func label(at index: Int) -> Int { index % 2 }
        func name(at index: Int) -> String { "image \(index)" }
        func image(at index: Int) throws(DatasetError) -> PixelImage {
            if corrupt.contains(index) { throw .image(name: name(at: index), .empty) }
            return TestScene.flat(height: 1, width: 1, [UInt8(index)])
        }
    }

    /// What a callback was told.
    private final class Reports: Sendable {
        private let names = Mutex<[String]>([])
        func add(_ error: DatasetError) { names.withLock { $0.append(error.description) } }
        var sorted: [String] { names.withLock { $0.sorted() } }
    }

    private static func preprocessing(side: Int = 1) throws -> Preprocessing {
        try Preprocessing(
            colour: .grey, resize: .stretch(height: side, width: side), crop: (side, side), scale: .byte, mean: [0],
            deviation: [1])
    }

    @Test(
        arguments: [1, 2, 5],
        [0, 1, 2, 7])
    func `batches come in order, with images and labels as ordered, whatever the threads`(
        threadCount: Int, aheadCount: Int
    ) throws {
        let loader = BatchLoader(
            Levels(count: 100), batchSize: 8, preprocessing: try Self.preprocessing(), seed: 1,
            pool: WorkerPool(threadCount: threadCount), aheadCount: aheadCount
        ) { _ in }
        let order = EpochSampler(count: 100, seed: 3).order(epoch: 0)
        let batches = Array(loader.batches(order: order, epoch: 0))
        #expect(batches.map(\.number) == Array(0..<13))
        #expect(batches.map(\.count) == Array(repeating: 8, count: 12) + [4])
        #expect(batches.flatMap(\.indices) == order)
        #expect(batches.flatMap(\.labels) == order.map { $0 % 2 })
        #expect(batches.flatMap(\.tensor.scalars) == order.map { Float($0) })
        #expect(batches[12].shape == [4, 1, 1, 1])
    }

    @Test func `an epoch goes on at any batch, and leaves out a part of one where told`() throws {
        let loader = BatchLoader(
            Levels(count: 10), batchSize: 3, preprocessing: try Self.preprocessing(), seed: 1,
            pool: WorkerPool(threadCount: 2)
        ) { _ in }
        let order = Array(0..<10)
        #expect(loader.batchCount(of: 10) == 4)
        #expect(loader.batches(order: order, epoch: 0, from: 2).map(\.indices) == [[6, 7, 8], [9]])
        #expect(loader.batches(order: order, epoch: 0, dropsLast: true).map(\.number) == [0, 1, 2])
        #expect(loader.batches(order: order, epoch: 0, from: 4).next() == nil)
        #expect(loader.batches(order: order, epoch: 0, from: 9).next() == nil)
        #expect(loader.batches(order: [], epoch: 0).next() == nil)
    }

    @Test func `a consumer on the pool's only thread prepares its batches itself`() async throws {
        let pool = WorkerPool(threadCount: 1)
        let loader = BatchLoader(
            Levels(count: 50), batchSize: 4, preprocessing: try Self.preprocessing(), seed: 1, pool: pool
        ) { _ in }
        let indices = await pool.perform { loader.batches(order: Array(0..<50), epoch: 0).flatMap(\.indices) }
        #expect(indices == Array(0..<50))
    }

    @Test func `images that cannot be read are named once and left out, wherever they stand`() throws {
        let reports = Reports()
        let loader = BatchLoader(
            Levels(count: 12, corrupt: [0, 5, 6, 7, 11]), batchSize: 3, preprocessing: try Self.preprocessing(),
            seed: 1,
            pool: WorkerPool(threadCount: 2)
        ) { reports.add($0) }
        for epoch in 0..<3 {
            let batches = Array(loader.batches(order: Array(0..<12), epoch: epoch))
            #expect(batches.map(\.indices) == [[1, 2], [3, 4], [8], [9, 10]])
            #expect(batches.map(\.tensor.scalars) == [[1, 2], [3, 4], [8], [9, 10]])
        }
        #expect(
            reports.sorted
                == [0, 11, 5, 6, 7].map {
                    "image \($0): The image is empty; send the bytes of a JPEG, PNG or WebP file."
                })
    }

    @Test func `a batch of which no image can be read is passed over`() throws {
        let loader = BatchLoader(
            Levels(count: 9, corrupt: [3, 4, 5]), batchSize: 3, preprocessing: try Self.preprocessing(), seed: 1,
            pool: WorkerPool(threadCount: 2)
        ) { _ in }
        #expect(loader.batches(order: Array(0..<9), epoch: 0).map(\.number) == [0, 2])
        #expect(loader.batches(order: [3, 4, 5], epoch: 0).next() == nil)
    }

    @Test func `augmented batches depend on seed, epoch and image alone`() throws {
        func scalars(threadCount: Int, seed: UInt64 = 1, epoch: Int = 0, order: [Int] = Array(0..<20)) throws
            -> [[Float]]
        {
            let loader = BatchLoader(
                Levels(count: 20), batchSize: 6, augmentation: Augmentation(inversionProbability: 0.5),
                preprocessing: try Self.preprocessing(), seed: seed, pool: WorkerPool(threadCount: threadCount)
            ) { _ in }
            return loader.batches(order: order, epoch: epoch).map(\.tensor.scalars)
        }
        let one = try scalars(threadCount: 1)
        #expect(try scalars(threadCount: 4) == one)
        #expect(try scalars(threadCount: 1, seed: 2) != one)
        #expect(try scalars(threadCount: 1, epoch: 1) != one)
        #expect(try scalars(threadCount: 1, order: (0..<20).reversed()).joined().sorted() == one.joined().sorted())
    }

    @Test func `the memory of batches is used again, from epoch to epoch`() throws {
        let loader = BatchLoader(
            Levels(count: 40), batchSize: 4, preprocessing: try Self.preprocessing(side: 16), seed: 1,
            pool: WorkerPool(threadCount: 2)
        ) { _ in }
        var addresses: Set<UnsafeMutableRawPointer> = []
        for epoch in 0..<5 {
            for batch in loader.batches(order: Array(0..<40), epoch: epoch) {
                if let address = batch.images.bytes.baseAddress { addresses.insert(address) }
            }
        }
        #expect(addresses.count <= 4)
    }

    @Test func `a sequence that is given up lets the pool end`() async throws {
        let pool = WorkerPool(threadCount: 2)
        let loader = BatchLoader(
            Levels(count: 200), batchSize: 50, preprocessing: try Self.preprocessing(side: 64), seed: 1, pool: pool
        ) { _ in }
        for epoch in 0..<50 { #expect(loader.batches(order: Array(0..<200), epoch: epoch).next()?.number == 0) }
        #expect(await pool.perform { true })
    }
}
