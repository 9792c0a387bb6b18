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

    /// The next batch in which a picture can be read, prepared by this thread as far as it is not yet; nil at the end.
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
