import Files
import Inference
import Synchronization
import Threads

/// Prepares batches of a data set: reads, augments and normalises pictures on the pool's threads, beside the network.
///
/// What is in a batch depends on order, seed and epoch alone, never on threads. The batches' memory is used again and
/// again, from epoch to epoch.
public final class BatchLoader: Sendable {
    /// The pictures.
    public let dataset: any Dataset
    /// The most pictures of a batch.
    public let batchSize: Int
    /// What a picture becomes.
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
    ///   - seed: with the epoch and a picture's index determines how the picture is augmented.
    ///   - aheadCount: how many batches are prepared while one is used.
    ///   - memory: where batches' memory lies in between; loaders of equal batches may share it.
    ///   - onUnreadable: is told of each picture that cannot be read, once, on any thread; the picture is left out.
    public init(
        _ dataset: any Dataset, batchSize: Int, augmentation: Augmentation = Augmentation(),
        preprocessing: Preprocessing, seed: UInt64, pool: WorkerPool, aheadCount: Int = 2,
        memory: BufferPool? = nil, onUnreadable: @escaping @Sendable (DatasetError) -> Void
    ) {
        precondition(batchSize > 0 && aheadCount >= 0, "batches of \(batchSize) pictures, \(aheadCount) ahead")
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

    /// How many batches that many pictures make; the last may be smaller.
    public func batchCount(of count: Int) -> Int { (count + batchSize - 1) / batchSize }

    /// The batches of an epoch, from any of them on.
    ///
    /// - Parameters:
    ///   - order: the pictures' indices, as ``EpochSampler`` gives them.
    ///   - first: the number of the first batch that is wanted.
    ///   - dropsLast: leaves out a last batch that is not full.
    public func batches(
        order: [Int], epoch: Int, from first: Int = 0, dropsLast: Bool = false
    ) -> BatchSequence {
        let count = dropsLast ? order.count / batchSize : batchCount(of: order.count)
        return BatchSequence(self, order: order, epoch: epoch, numbers: min(first, count)..<count)
    }

    /// Writes one picture's input; false where the picture cannot be read.
    func prepare(_ index: Int, epoch: Int, into output: UnsafeMutableBufferPointer<Float>) -> Bool {
        do throws(DatasetError) {
            let picture = try dataset.picture(at: index)
            var generator = SplitMix64(seed: seed, purpose: .augmentation, epoch, index)
            augmentation.write(picture, for: preprocessing, using: &generator, into: output)
            return true
        } catch {
            if reported.withLock({ $0.insert(index).inserted }) { onUnreadable(error) }
            return false
        }
    }
}
