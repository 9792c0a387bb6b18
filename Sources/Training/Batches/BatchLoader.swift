import Dispatch
import Files
import Inference
import Synchronization
import Threads

/// Prefetches batches of a data set: reads, augments and normalises images on the pool's threads while the network
/// trains.
///
/// A batch's content depends only on order, seed and epoch, never on threads. The batches' memory is recycled across
/// epochs.
public final class BatchLoader: Sendable {
    /// The images and their labels.
    public let dataset: any Dataset
    /// The most images in a batch. Units: images.
    public let batchSize: Int
    /// The preprocessing of each image.
    public let preprocessing: Preprocessing
    let augmentation: Augmentation
    let seed: UInt64
    /// The number of batches that are prefetched while one is in use.
    let aheadCount: Int
    let pool: WorkerPool
    let memory: BufferPool
    private let onUnreadable: @Sendable (DatasetError) -> Void
    private let reported = Mutex<Set<Int>>([])

    /// - Parameters:
    ///   - seed: determines the augmentation, together with the epoch and the image's index.
    ///   - aheadCount: the number of batches that are prefetched while one is in use.
    ///   - memory: recycles the batches' memory; loaders with the same batch size may share it.
    ///   - onUnreadable: called once for each image that cannot be read, on any thread. The image is left out.
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

    /// The number of batches for this many images. The last batch may be smaller.
    public func batchCount(of count: Int) -> Int { (count + batchSize - 1) / batchSize }

    /// The batches of an epoch, starting with batch `first`.
    ///
    /// - Parameters:
    ///   - order: the indices of the images, as ``EpochSampler`` gives them.
    ///   - first: the number of the first batch, from 0.
    ///   - dropsLast: whether to leave out a last batch that is not full.
    public func batches(
        order: [Int], epoch: Int, from first: Int = 0, dropsLast: Bool = false
    ) -> BatchSequence {
        let count = dropsLast ? order.count / batchSize : batchCount(of: order.count)
        return BatchSequence(self, order: order, epoch: epoch, numbers: min(first, count)..<count)
    }

    /// Reads, augments and normalises one image; returns false if it cannot be read.
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

/// The network's inputs for some images, and their labels.
public struct Batch: Sendable {
    /// The batch's number in the epoch, from 0. Batches without a readable image count too.
    public let number: Int
    /// The images' indices in the data set, without those that could not be read.
    public let indices: [Int]
    /// The label of each image.
    public let labels: [Int]
    /// The contiguous inputs; unused memory may follow. The memory is recycled once nobody holds the batch.
    public let images: AlignedBuffer
    /// The shape of the inputs, `[N, H, W, C]`.
    public let shape: Shape

    /// The number of images, at least one. Units: images.
    public var count: Int { indices.count }

    /// The inputs as a view of ``images``.
    public var tensor: Tensor { Tensor(shape, viewing: images, byteOffset: 0) }

    /// The inputs as a pointer to ``images``.
    public var scalars: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(rebasing: images.bytes.bindMemory(to: Float.self)[..<shape.elementCount])
    }
}

/// The batches of one epoch, in order. It has one consumer, on any thread, including the pool's threads.
public final class BatchSequence: Sequence, IteratorProtocol {
    private let loader: BatchLoader
    private let order: [Int]
    private let epoch: Int
    /// The numbers of the batches whose preparation has not begun.
    private var numbers: Range<Int>
    private var pending: [PendingBatch] = []

    init(_ loader: BatchLoader, order: [Int], epoch: Int, numbers: Range<Int>) {
        (self.loader, self.order, self.epoch, self.numbers) = (loader, order, epoch, numbers)
        for _ in 0..<loader.aheadCount { begin() }
    }

    /// Cancels the prefetched batches.
    deinit { pending.forEach { $0.cancel() } }

    /// The next batch with a readable image; nil at the end. The calling thread helps to prepare it.
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

/// A batch in preparation. Any number of threads take its images, one at a time.
///
/// The thread that takes an index from `next` writes the slots of that index in `isReadable` and `images`. Slots are
/// read only after `finishedCount` has counted all of them.
final class PendingBatch: @unchecked Sendable {  // guard: each slot has one writer, and is read after all are written
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

    /// Prepares one image; returns false if none is left.
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

    /// Cancels the images that no thread has begun.
    func cancel() { next.store(indices.count, ordering: .relaxed) }

    /// Helps to prepare the batch and waits until it is complete; nil if none of its images can be read.
    ///
    /// It cannot deadlock: once no image is left, each of the other threads has at most one image in progress and waits
    /// for nothing.
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

/// Shuffles the images of each epoch. The order depends only on seed and epoch, so that training can resume at any
/// step.
public struct EpochSampler: Sendable, Equatable {
    /// The number of images.
    public let count: Int
    /// Determines the permutations.
    public let seed: UInt64

    /// A sampler of the indices 0..<count.
    public init(count: Int, seed: UInt64) {
        self.count = count
        self.seed = seed
    }

    /// A permutation of 0..<count.
    public func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(seed: seed, purpose: .order, epoch)
        return generator.shuffled(Array(0..<count))
    }
}
