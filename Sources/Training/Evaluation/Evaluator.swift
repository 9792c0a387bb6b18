import Foundation
import Inference
import Synchronization
import Threads

/// Evaluates a model on labelled images. Images are read and preprocessed in parallel, and each batch is one forward
/// pass.
public struct Evaluator: Sendable {
    /// Makes the network's inputs for an image: one, or several whose probabilities are averaged (test-time
    /// augmentation).
    ///
    /// Shape: each is the model's `preprocessing.tensorShape`.
    public typealias Views = @Sendable (PixelImage) -> [Tensor]

    private let model: Model
    private let workers: WorkerPool
    private let batchSize: Int
    private let worstCount: Int
    private let views: Views

    /// The result of an evaluation.
    public struct Result: Sendable {
        /// The metrics over all images that could be read.
        public fileprivate(set) var evaluation: Evaluation
        /// The mistakes with the largest loss.
        public fileprivate(set) var worst: WorstMistakes
        /// One error for each image that could not be read, in the order of the images.
        public fileprivate(set) var skipped: [DatasetError] = []
    }

    /// An evaluator of one model.
    ///
    /// - Parameters:
    ///   - batchSize: the most images in one forward pass.
    ///   - worstCount: the number of worst mistakes to keep.
    ///   - views: makes the inputs of an image; nil for the model's own preprocessing, as in serving.
    public init(
        model: Model, workers: WorkerPool, batchSize: Int = 64, worstCount: Int = 0, views: Views? = nil
    ) {
        precondition(batchSize > 0, "a batch holds at least one image, not \(batchSize)")
        self.model = model
        self.workers = workers
        self.batchSize = batchSize
        self.worstCount = worstCount
        let preprocessing = model.preprocessing
        self.views = views ?? { [preprocessing($0)] }
    }

    /// Evaluates a data set, or an evenly spaced sample of it.
    ///
    /// - Parameters:
    ///   - limit: the most images. A sample is evenly spaced, so that each class of a sorted data set has its share.
    ///   - progress: called with the number of images since the last call.
    /// - Throws: ``EvaluationError`` if the classes of data and model do not match, or if no image can be read.
    public func run(
        on data: any Dataset, limit: Int = .max, progress: (_ count: Int) -> Void = { _ in }
    ) throws(EvaluationError) -> Result {
        let mapping = try LabelMapping(dataClasses: data.classNames, modelClasses: model.classes.names)
        let count = min(limit, data.count)
        var result = Result(
            evaluation: Evaluation(classCount: mapping.classCount), worst: WorstMistakes(limit: worstCount))
        for start in stride(from: 0, to: count, by: batchSize) {
            let batch = (start..<min(start + batchSize, count)).map { $0 * data.count / count }
            add(batch, of: data, mapping, to: &result)
            progress(batch.count)
        }
        guard result.evaluation.count > 0 else { throw .noImages(skippedCount: result.skipped.count) }
        return result
    }

    private func add(_ batch: [Int], of data: any Dataset, _ mapping: LabelMapping, to result: inout Result) {
        let slots = Mutex<[Swift.Result<[Tensor], DatasetError>?]>(Array(repeating: nil, count: batch.count))
        workers.parallelFor(batch.count) { [views] index, _ in
            let inputs: Swift.Result<[Tensor], DatasetError>
            do throws(DatasetError) {
                inputs = .success(views(try data.image(at: batch[index])))
            } catch {
                inputs = .failure(error)
            }
            slots.withLock { $0[index] = inputs }
        }
        let inputs = slots.withLock { $0.compactMap(\.self) }
        var logits = model.logits(inputs.flatMap { (try? $0.get()) ?? [] })[...]
        for (index, input) in zip(batch, inputs) {
            switch input {
            case .success(let views):
                let label = mapping.indices[data.label(at: index)]
                let own = logits.prefix(views.count)
                logits = logits.dropFirst(views.count)
                let outcome = result.evaluation.add(
                    logits: own.count == 1 ? own[own.startIndex] : AveragedViews.logits(of: Array(own)), label: label)
                result.worst.add(outcome, label: label, name: data.name(at: index))
            case .failure(let error):
                result.skipped.append(error)
            }
        }
    }
}

/// Averages the predictions over several views of an image (test-time augmentation).
///
/// - Source: Krizhevsky et al. 2012, §4.1: "averaging the predictions made by the network's softmax layer on the ten
///   patches"
public enum AveragedViews {
    /// The logarithms of the mean of the views' probabilities. They are logits: their softmax is that mean.
    ///
    /// Shape: input `[K]` for each view, output `[K]`.
    public static func logits(of views: [[Float]]) -> [Float] {
        guard let first = views.first else { return [] }
        var sums = [Double](repeating: 0, count: first.count)
        for view in views {
            for (index, probability) in Softmax.probabilities(of: view).enumerated() {
                sums[index] += Double(probability)
            }
        }
        // A probability of zero is replaced by the smallest positive number, so that its loss is finite.
        return sums.map { Float(log(max($0 / Double(views.count), Double(Float.leastNonzeroMagnitude)))) }
    }
}
