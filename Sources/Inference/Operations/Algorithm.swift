import Files
import Threads

/// One way to compute a layer on inputs of a known shape, before it is made ready: making it costs time and memory for
/// weights, so only what is chosen is made.
public struct Algorithm: Sendable {
    /// As in measurements and in overrides: `im2row`, `winograd-4x4`.
    public let name: String
    /// What one image takes, as far as it can be told without measuring; to compare the algorithms of one layer with.
    /// Units: about one multiply-add.
    package let cost: Double
    /// Measures, on the layer's own weights, how far the results are from those of float64, relative to the largest of them;
    /// nil where the algorithm only adds up the products of the layer's definition.
    let relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)?
    private let prepare: @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation

    init(
        name: String, cost: Double = 0,
        relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)? = nil,
        prepare: @escaping @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation
    ) {
        self.name = name
        self.cost = cost
        self.relativeError = relativeError
        self.prepare = prepare
    }

    /// The only way there is.
    init(_ operation: any Operation) { self.init(name: operation.name) { _, _ in operation } }

    /// Prepares the weights as they are now, on these threads.
    ///
    /// - Parameter memory: lends the prepared weights their memory where they are prepared again and again, as in training.
    package func make(_ workers: WorkerPool, memory: BufferPool? = nil) -> any Operation { prepare(workers, memory) }
}
