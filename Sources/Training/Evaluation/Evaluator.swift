import Inference
import Synchronization
import Threads

/// Runs a model over labelled pictures: read and preprocessed side by side, then one forward pass for each batch.
public struct Evaluator: Sendable {
    /// How one picture becomes what the network sees: one input, or several whose probabilities are averaged.
    ///
    /// Shape: the model's `preprocessing.tensorShape` each.
    public typealias Views = @Sendable (PixelImage) -> [Tensor]

    private let model: Model
    private let workers: WorkerPool
    private let batchSize: Int
    private let worstCount: Int
    private let views: Views

    /// What came of it.
    public struct Result: Sendable {
        /// Of all pictures that could be read.
        public fileprivate(set) var evaluation: Evaluation
        /// Those that are worth looking at.
        public fileprivate(set) var worst: WorstMistakes
        /// Why pictures could not be read, in their order.
        public fileprivate(set) var skipped: [DatasetError] = []
    }

    /// An evaluator of one model.
    ///
    /// - Parameters:
    ///   - batchSize: the most pictures in one forward pass.
    ///   - worstCount: how many of the worst mistakes are kept.
    ///   - views: nil takes the model's own preprocessing, as in serving.
    public init(
        model: Model, workers: WorkerPool, batchSize: Int = 64, worstCount: Int = 0, views: Views? = nil
    ) {
        precondition(batchSize > 0, "a batch holds at least one picture, not \(batchSize)")
        self.model = model
        self.workers = workers
        self.batchSize = batchSize
        self.worstCount = worstCount
        let preprocessing = model.preprocessing
        self.views = views ?? { [preprocessing($0)] }
    }

    /// Evaluates a data set, or an even selection of it.
    ///
    /// - Parameters:
    ///   - limit: how many pictures at most: every n-th then, so that all classes of a sorted data set have their share.
    ///   - progress: called with the number of pictures done since the last call.
    /// - Throws: ``EvaluationError`` where data and model do not fit, or no picture can be read.
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
        guard result.evaluation.count > 0 else { throw .noPicture(skippedCount: result.skipped.count) }
        return result
    }

    private func add(_ batch: [Int], of data: any Dataset, _ mapping: LabelMapping, to result: inout Result) {
        let slots = Mutex<[Swift.Result<[Tensor], DatasetError>?]>(Array(repeating: nil, count: batch.count))
        workers.parallelFor(batch.count) { [views] index, _ in
            let inputs: Swift.Result<[Tensor], DatasetError>
            do throws(DatasetError) {
                inputs = .success(views(try data.picture(at: batch[index])))
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
