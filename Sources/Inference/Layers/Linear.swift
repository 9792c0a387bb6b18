/// A fully connected layer, y = x·Wᵀ + b.
///
/// Shape: input `[N, I]`, weight `[O, I]`, bias `[O]`, output `[N, O]`.
/// - Source: PyTorch, `torch.nn.Linear`.
public struct Linear: UnaryLayer {
    /// One row an output, `[O, I]`.
    public let weight: Tensor
    /// One value an output, `[O]`.
    public let bias: Tensor

    /// A layer with its parameters.
    public init(weight: Tensor, bias: Tensor) {
        precondition(weight.shape.rank == 2, "a linear layer's weight is [O, I], not \(weight.shape)")
        precondition(
            bias.shape == [weight.shape[0]], "a bias of \(bias.shape) does not fit weights of \(weight.shape)")
        self.weight = weight
        self.bias = bias
    }

    /// Of one image's input.
    public var inputFeatures: Int { weight.shape[1] }
    /// Of one image's output.
    public var outputFeatures: Int { weight.shape[0] }
    public var parameters: [Tensor] { [weight, bias] }
    public var fusesActivation: Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input == [inputFeatures] else {
            throw ShapeError(
                layer: "Linear(\(inputFeatures), \(outputFeatures))", found: [input], expected: "[\(inputFeatures)]")
        }
        return [outputFeatures]
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        [Algorithm(MatrixLinear(layer: self, activation: activation))]
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (x, w, b) = (input.scalars, weight.scalars, bias.scalars)
        var output: [Float] = []
        for n in 0..<input.shape[0] {
            for o in 0..<outputFeatures {
                var sum = Double(b[o])
                for i in 0..<inputFeatures {
                    sum += Double(x[n * inputFeatures + i]) * Double(w[o * inputFeatures + i])
                }
                output.append(Float(sum))
            }
        }
        return Tensor([input.shape[0], outputFeatures], scalars: output)
    }
}
