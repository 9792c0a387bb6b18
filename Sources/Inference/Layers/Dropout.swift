/// Zeroes values at random while a network learns, and scales up the others; where it predicts, nothing happens.
///
/// Shape: any; the output's is the input's.
/// - Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"; `torch.nn.Dropout`.
public struct Dropout: UnaryLayer {
    /// How likely a value is zeroed: from 0, never, to less than 1.
    public let probability: Float

    /// A layer that zeroes values with this probability.
    public init(probability: Float = 0.5) {
        precondition((0..<1).contains(probability), "a probability of \(probability) leaves nothing")
        self.probability = probability
    }

    public func isView(of inputs: [Shape]) -> Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape { input }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] { [] }

    public func callAsFunction(_ input: Tensor) -> Tensor { input }
}
