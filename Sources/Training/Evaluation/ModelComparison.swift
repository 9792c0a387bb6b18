import Inference
import Synchronization
import Threads

/// How far the predictions of two models of the same classes differ on the same images.
public struct ModelComparison: Sendable {
    /// The number of images that could be read.
    public private(set) var imageCount = 0
    /// The number of images for which both predict the same class.
    public private(set) var agreedCount = 0
    /// The largest difference of two probabilities.
    public private(set) var largestDifference = 0.0
    private var differenceSum = 0.0
    private var differenceCount = 0
    private var correctCounts: (original: Int, other: Int)?

    /// The share of images for which both predict the same class, 0…1; NaN without images.
    public var agreement: Double { Double(agreedCount) / Double(imageCount) }
    /// The mean of the absolute differences of all probabilities.
    public var meanDifference: Double { differenceSum / Double(max(differenceCount, 1)) }

    /// The top-1 accuracy of both models, 0…1; nil if the data's classes are not the models'.
    public var accuracies: (original: Double, other: Double)? {
        correctCounts.map { (Double($0.original) / Double(imageCount), Double($0.other) / Double(imageCount)) }
    }

    private static let batchSize = 64

    /// Compares two models on a data set, or on an evenly spaced sample of it. Images that cannot be read are left out.
    ///
    /// - Parameters:
    ///   - mapping: the indices of the data's classes; nil if they are not the models'.
    ///   - limit: the most images.
    ///   - progress: called with the number of images since the last call.
    public init(
        _ original: Model, _ other: Model, on data: any Dataset, mapping: LabelMapping?, limit: Int = .max,
        workers: WorkerPool, progress: (_ count: Int) -> Void = { _ in }
    ) {
        precondition(
            original.classes.names == other.classes.names
                && original.preprocessing.tensorShape
                    == other.preprocessing.tensorShape,
            "the models differ in their classes or inputs")
        if mapping != nil { correctCounts = (0, 0) }
        let count = min(limit, data.count)
        for start in stride(from: 0, to: count, by: Self.batchSize) {
            let batch = (start..<min(start + Self.batchSize, count)).map { $0 * data.count / count }
            let slots = Mutex<[Tensor?]>(Array(repeating: nil, count: batch.count))
            workers.parallelFor(batch.count) { index, _ in
                let input = (try? data.image(at: batch[index])).map { original.preprocessing($0) }
                slots.withLock { $0[index] = input }
            }
            let read = zip(batch, slots.withLock(\.self)).compactMap { index, input in input.map { (index, $0) } }
            let logits = (original.logits(read.map(\.1)), other.logits(read.map(\.1)))
            for (place, (index, _)) in read.enumerated() {
                add(logits.0[place], logits.1[place], label: mapping.map { $0.indices[data.label(at: index)] })
            }
            progress(batch.count)
        }
    }

    private mutating func add(_ original: [Float], _ other: [Float], label: Int?) {
        imageCount += 1
        let classes = (Self.largest(original), Self.largest(other))
        if classes.0 == classes.1 { agreedCount += 1 }
        if let label {
            correctCounts?.original += classes.0 == label ? 1 : 0
            correctCounts?.other += classes.1 == label ? 1 : 0
        }
        for (p, q) in zip(Softmax.probabilities(of: original), Softmax.probabilities(of: other)) {
            let difference = Double(abs(p - q))
            largestDifference = max(largestDifference, difference)
            differenceSum += difference
            differenceCount += 1
        }
    }

    /// The index of the largest value; of equal ones, the first.
    private static func largest(_ values: [Float]) -> Int {
        values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }
}
