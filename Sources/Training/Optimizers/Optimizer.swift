import Inference
import Threads

/// Moves parameters against their gradients, as the class of that name in `torch.optim` does.
///
/// What it remembers of each parameter begins at zero, and a step reads and writes it in one pass with the parameter. The result
/// does not depend on the number of threads.
public protocol Optimizer: AnyObject, Sendable {
    /// How many steps were taken; set only to resume.
    var stepCount: Int { get set }

    /// What is remembered of each parameter: with ``stepCount``, all that a training needs to be resumed bit for bit.
    var state: [StateBuffer] { get }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - ranges: which parameters move; the others stay as they are. See ``Parameters/ranges(where:)``.
    ///   - gradientScale: what gradients are multiplied by first; see ``GradientClipping``.
    func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool)
}

extension Optimizer {
    /// Takes one step by the gradients as they are.
    public func step(_ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, workers: WorkerPool) {
        step(parameters, ranges: ranges, learningRate: learningRate, gradientScale: 1, workers: workers)
    }
}
