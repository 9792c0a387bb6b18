/// The sum of its inputs, element by element: where a residual meets what it goes around.
///
/// Shape: two or more inputs of one shape; the output's is theirs.
/// - Source: He et al. 2015, arXiv:1512.03385, §3.1.
public struct Add: Layer {
    /// The sum, which has no parameters.
    public init() {}

    public var fusesActivation: Bool { true }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count > 1, inputs.allSatisfy({ $0 == inputs[0] }) else {
            throw ShapeError(layer: "Add", found: inputs, expected: "two or more inputs of one shape")
        }
        return inputs[0]
    }

    public func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        [
            Algorithm(
                ElementwiseSum(inputCount: inputs.count, elementCount: inputs[0].elementCount, activation: activation))
        ]
    }

    public func callAsFunction(_ inputs: [Tensor]) -> Tensor {
        var sums = inputs[0].scalars
        for input in inputs.dropFirst() {
            for (index, value) in input.scalars.enumerated() { sums[index] += value }
        }
        return Tensor(inputs[0].shape, scalars: sums)
    }
}
