import Dispatch
import Inference
import Synchronization

/// Prepares batches of a data set: reads, augments and normalises images on the pool's threads, beside the network.
///
/// What is in a batch depends on order, seed and epoch alone, never on threads. The batches' memory is used again and
/// again, from epoch to epoch.
public final class BatchLoader: Sendable {
    /// The images.
    public let dataset: any Dataset
    /// The most images of a batch.
    public let batchSize: Int
    /// What an image becomes.
    public let preprocessing: Preprocessing
    let augmentation: Augmentation
    let seed: UInt64
    /// How many batches are prepared while one is used.
    let aheadCount: Int
    let pool: WorkerPool
    let memory: BufferPool
    private let onUnreadable: @Sendable (DatasetError) -> Void
    private let reported = Mutex<Set<Int>>([])

    /// - Parameters:
    ///   - seed: with the epoch and an image's index determines how the image is augmented.
    ///   - aheadCount: how many batches are prepared while one is used.
    ///   - memory: where batches' memory lies in between; loaders of equal batches may share it.
    ///   - onUnreadable: is told of each image that cannot be read, once, on any thread; the image is left out.
    public init(
        _ dataset: any Dataset, batchSize: Int, augmentation: Augmentation = Augmentation(),
        preprocessing: Preprocessing, seed: UInt64, pool: WorkerPool, aheadCount: Int = 2,
        memory: BufferPool? = nil, onUnreadable: @escaping @Sendable (DatasetError) -> Void
    ) {
        precondition(batchSize > 0 && aheadCount >= 0, "batches of \(batchSize) images, \(aheadCount) ahead")
        self.dataset = dataset
        self.batchSize = batchSize
        self.augmentation = augmentation
        self.preprocessing = preprocessing
        self.seed = seed
        self.pool = pool
        self.aheadCount = aheadCount
        self.memory = memory ?? BufferPool(countLimit: aheadCount + 2)
        self.onUnreadable = onUnreadable
    }

    /// How many batches that many images make; the last may be smaller.
    public func batchCount(of count: Int) -> Int { (count + batchSize - 1) / batchSize }

    /// The batches of an epoch, from any of them on.
    ///
    /// - Parameters:
    ///   - order: the images' indices, as ``EpochSampler`` gives them.
    ///   - first: the number of the first batch that is wanted.
    ///   - dropsLast: leaves out a last batch that is not full.
    public func batches(
        order: [Int], epoch: Int, from first: Int = 0, dropsLast: Bool = false
    ) -> BatchSequence {
        let count = dropsLast ? order.count / batchSize : batchCount(of: order.count)
        return BatchSequence(self, order: order, epoch: epoch, numbers: min(first, count)..<count)
    }

    /// Writes one image's input; false where the image cannot be read.
    func prepare(_ index: Int, epoch: Int, into output: UnsafeMutableBufferPointer<Float>) -> Bool {
        do throws(DatasetError) {
            let image = try dataset.image(at: index)
            var generator = SplitMix64(seed: seed, purpose: .augmentation, epoch, index)
            augmentation.write(image, for: preprocessing, using: &generator, into: output)
            return true
        } catch {
            if reported.withLock({ $0.insert(index).inserted }) { onUnreadable(error) }
            return false
        }
    }
}

/// Images as the network takes them, with their classes.
public struct Batch: Sendable {
    /// Which batch of the epoch it is, whether or not others were handed out before it.
    public let number: Int
    /// Which images of the data set it holds, without those that could not be read.
    public let indices: [Int]
    /// The classes of these.
    public let labels: [Int]
    /// The inputs one behind the other, and perhaps unused memory behind them. The memory is used again once nobody holds
    /// the batch.
    public let images: AlignedBuffer
    /// Shape: `[N, H, W, C]`
    public let shape: Shape

    /// How many images there are: at least one.
    public var count: Int { indices.count }

    /// The inputs where they lie.
    public var tensor: Tensor { Tensor(shape, viewing: images, byteOffset: 0) }

    /// The same as plain memory.
    public var scalars: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: images.bytes.bindMemory(to: Float.self)[..<shape.elementCount])
    }
}

/// The batches of one epoch, in order. For one consumer; any thread, the pool's too.
public final class BatchSequence: Sequence, IteratorProtocol {
    private let loader: BatchLoader
    private let order: [Int]
    private let epoch: Int
    /// Those that are not begun.
    private var numbers: Range<Int>
    private var pending: [PendingBatch] = []

    init(_ loader: BatchLoader, order: [Int], epoch: Int, numbers: Range<Int>) {
        (self.loader, self.order, self.epoch, self.numbers) = (loader, order, epoch, numbers)
        for _ in 0..<loader.aheadCount { begin() }
    }

    /// What nobody wants any more is not begun.
    deinit { pending.forEach { $0.cancel() } }

    /// The next batch in which an image can be read, prepared by this thread as far as it is not yet; nil at the end.
    public func next() -> Batch? {
        while true {
            if pending.isEmpty { begin() }
            guard !pending.isEmpty else { return nil }
            let batch = pending.removeFirst().finished()
            begin()
            if let batch { return batch }
        }
    }

    private func begin() {
        guard let number = numbers.popFirst() else { return }
        let start = number * loader.batchSize
        let batch = PendingBatch(
            loader, number: number, epoch: epoch,
            indices: Array(order[start..<Swift.min(start + loader.batchSize, order.count)]))
        pending.append(batch)
        guard loader.aheadCount > 0 else { return }
        for _ in 0..<loader.pool.threadCount {
            loader.pool.submit(.normal) { [weak batch] in while batch?.prepareOne() == true {} }
        }
    }
}

/// A batch in the making: whoever has time takes one image after the other.
///
/// Each place of `isReadable` and `images` is written by the one who took its index from `next`, and read after all of them
/// have counted themselves in `finishedCount`.
final class PendingBatch: @unchecked Sendable {  // guard: one writer a place, and no reader before all are done
    private let loader: BatchLoader
    private let number: Int
    private let epoch: Int
    private let indices: [Int]
    private let images: AlignedBuffer
    private let isReadable: UnsafeMutableBufferPointer<Bool>
    private let next = Atomic(0)
    private let finishedCount = Atomic(0)
    private let done = DispatchSemaphore(value: 0)

    init(_ loader: BatchLoader, number: Int, epoch: Int, indices: [Int]) {
        self.loader = loader
        self.number = number
        self.epoch = epoch
        self.indices = indices
        images = loader.memory.take(
            byteCount: loader.batchSize * loader.preprocessing.outputShape.elementCount * MemoryLayout<Float>.stride)
        isReadable = .allocate(capacity: indices.count)
        isReadable.initialize(repeating: false)
    }

    deinit { isReadable.deallocate() }

    /// Prepares one image; false when none is left.
    func prepareOne() -> Bool {
        let place = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard place < indices.count else { return false }
        let count = loader.preprocessing.outputShape.elementCount
        let scalars = images.bytes.assumingMemoryBound(to: Float.self)
        isReadable[place] = loader.prepare(
            indices[place], epoch: epoch,
            into: UnsafeMutableBufferPointer(rebasing: scalars[place * count..<(place + 1) * count]))
        if finishedCount.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue == indices.count { done.signal() }
        return true
    }

    /// Lets nobody begin another image.
    func cancel() { next.store(indices.count, ordering: .relaxed) }

    /// The batch, once it is ready: until then this thread prepares images too. Nil where none of them can be read.
    ///
    /// Others are in the middle of one image at most when none is left, and they wait for nobody.
    func finished() -> Batch? {
        while prepareOne() {}
        if !indices.isEmpty { done.wait() }
        let count = loader.preprocessing.outputShape.elementCount
        var kept: [Int] = []
        kept.reserveCapacity(indices.count)
        let scalars = images.bytes.assumingMemoryBound(to: Float.self)
        for place in indices.indices where isReadable[place] {
            if kept.count < place, let start = scalars.baseAddress {
                (start + kept.count * count).update(from: start + place * count, count: count)
            }
            kept.append(indices[place])
        }
        guard !kept.isEmpty else { return nil }
        return Batch(
            number: number, indices: kept, labels: kept.map(loader.dataset.label), images: images,
            shape: Shape([kept.count] + loader.preprocessing.tensorShape.extents))
    }
}

/// The order in which an epoch takes the images: a permutation that seed and epoch determine, so that training resumes
/// at any step.
public struct EpochSampler: Sendable, Equatable {
    /// How many images there are.
    public let count: Int
    /// Determines the permutations.
    public let seed: UInt64

    /// Permutes `0..<count`.
    public init(count: Int, seed: UInt64) {
        self.count = count
        self.seed = seed
    }

    /// Each index once.
    public func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(seed: seed, purpose: .order, epoch)
        return generator.shuffled(Array(0..<count))
    }
}
