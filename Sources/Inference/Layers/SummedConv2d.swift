/// A pointwise convolution whose output is added to another value, in the pass that adds its bias: the end of a residual
/// bottleneck.
///
/// Shape: inputs `[N, C, H, W]` and `[N, O, H', W']`, output `[N, O, H', W']`.
/// - Source: He et al. 2015, arXiv:1512.03385, §3.3.
struct SummedConv2d: Layer {
    private let convolution: Conv2d

    /// - Precondition: the kernel is 1×1.
    init(_ convolution: Conv2d) {
        precondition(Self.computes(convolution), "a kernel of \(convolution.window.kernelSize) is not pointwise")
        self.convolution = convolution
    }

    /// Larger kernels have faster algorithms, which do not add.
    static func computes(_ convolution: Conv2d) -> Bool { convolution.window.kernelSize == 1 }

    var parameters: [Tensor] { convolution.parameters }
    var fusesActivation: Bool { true }

    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else {
            throw ShapeError(layer: "SummedConv2d", found: inputs, expected: "two inputs")
        }
        let output = try convolution.outputShape(for: inputs[0])
        guard output == inputs[1] else {
            throw ShapeError(layer: "SummedConv2d", found: inputs, expected: "something to add of \(output)")
        }
        return output
    }

    func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        guard let output = try? outputShape(for: inputs) else { return [] }
        let geometry = ConvolutionGeometry(layer: convolution, input: inputs[0], output: output)
        return [
            Algorithm(name: Im2rowConvolution.Product.panels.rawValue) { _, memory in
                Im2rowConvolution(
                    layer: convolution, geometry: geometry, activation: activation, addsSecondInput: true,
                    product: .panels, memory: memory)
            }
        ]
    }

    func multiplyAddCount(for inputs: [Shape]) -> Int { convolution.multiplyAddCount(for: [inputs[0]]) }

    func callAsFunction(_ inputs: [Tensor]) -> Tensor { Add()([convolution(inputs[0]), inputs[1]]) }
}
