import Dispatch
import Files
import Inference
import Synchronization

/// A batch in the making: whoever has time takes one picture after the other.
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

    /// Prepares one picture; false when none is left.
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

    /// Lets nobody begin another picture.
    func cancel() { next.store(indices.count, ordering: .relaxed) }

    /// The batch, once it is ready: until then this thread prepares pictures too. Nil where none of them can be read.
    ///
    /// Others are in the middle of one picture at most when none is left, and they wait for nobody.
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
