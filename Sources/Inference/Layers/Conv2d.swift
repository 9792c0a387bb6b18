/// A two-dimensional convolution (cross-correlation, as every framework has it).
///
/// Shape: input `[N, C, H, W]`, weight `[O, C / groups, KH, KW]`, bias `[O]`, output `[N, O, H', W']`,
/// H' = (H + 2·padding − kernel) / stride + 1, rounded down.
/// - Source: PyTorch, `torch.nn.Conv2d`; groups: Krizhevsky et al. 2012, §3.2.
public struct Conv2d: UnaryLayer {
    /// The kernels, `[O, C / groups, KH, KW]`.
    public let weight: Tensor
    /// One value an output channel, `[O]`; zeros where the layer has none.
    public let bias: Tensor
    /// Whether the bias was learned.
    public let hasBias: Bool
    /// How the window walks.
    public let window: Window
    /// Into how many independent groups the channels are divided.
    public let groups: Int

    /// A convolution with its parameters; the bias may be missing. `groups` divides both the input's and the output's channels.
    public init(weight: Tensor, bias: Tensor?, stride: Size2d = 1, padding: Size2d = 0, groups: Int = 1) {
        precondition(weight.shape.rank == 4, "a convolution's weight is [O, I, KH, KW], not \(weight.shape)")
        let zeroedBias = bias ?? Tensor([weight.shape[0]]) { $0.initialize(repeating: 0) }
        precondition(
            zeroedBias.shape == [weight.shape[0]],
            "a bias of \(zeroedBias.shape) does not fit weights of \(weight.shape)")
        precondition(
            groups > 0 && weight.shape[0] % groups == 0,
            "\(weight.shape[0]) output channels cannot be divided into \(groups) groups")
        self.weight = weight
        self.bias = zeroedBias
        hasBias = bias != nil
        self.groups = groups
        window = Window(
            kernelSize: Size2d(height: weight.shape[2], width: weight.shape[3]), stride: stride, padding: padding)
    }

    /// Of the input, all groups together.
    public var inputChannels: Int { weight.shape[1] * groups }
    /// Of the output, all groups together.
    public var outputChannels: Int { weight.shape[0] }
    public var parameters: [Tensor] { hasBias ? [weight, bias] : [weight] }
    public var fusesActivation: Bool { true }

    public func outputShape(for input: Shape) throws(ShapeError) -> Shape {
        guard input.rank == 3, input[0] == inputChannels,
            let size = window.outputSize(for: Size2d(height: input[1], width: input[2]))
        else {
            throw ShapeError(
                layer: "Conv2d(\(inputChannels), \(outputChannels), kernelSize: \(window.kernelSize))",
                found: [input],
                expected: "[\(inputChannels), H, W] with room for its kernel"
            )
        }
        return [outputChannels, size.height, size.width]
    }

    public func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm] {
        let geometry = ConvolutionGeometry(layer: self, input: input, output: output)
        let direct = Im2rowConvolution.Product.allCases.map { product in
            // OpenBLAS packs its operands at every call.
            let cost = Double(geometry.multiplyAddCount) * (product == .blas ? 1.2 : 1)
            return Algorithm(name: product.rawValue, cost: cost) { _, memory in
                Im2rowConvolution(
                    layer: self, geometry: geometry, activation: activation, product: product, memory: memory)
            }
        }
        return WinogradConvolution.algorithms(layer: self, geometry: geometry, activation: activation) + direct
    }

    public func multiplyAddCount(for inputs: [Shape]) -> Int {
        guard let output = try? outputShape(for: inputs) else { return 0 }
        return ConvolutionGeometry(layer: self, input: inputs[0], output: output).multiplyAddCount
    }

    public func workload(for inputs: [Shape]) -> String {
        guard let output = try? outputShape(for: inputs) else { return "" }
        return ConvolutionGeometry(layer: self, input: inputs[0], output: output).workload
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (count, height, width) = (input.shape[0], input.shape[2], input.shape[3])
        guard let size = window.outputSize(for: Size2d(height: height, width: width)) else {
            preconditionFailure("a kernel of \(window.kernelSize) does not fit \(input.shape)")
        }
        let (x, w, b) = (input.scalars, weight.scalars, bias.scalars)
        let inputsPerGroup = weight.shape[1]
        let outputsPerGroup = outputChannels / groups
        var output: [Float] = []
        for n in 0..<count {
            for o in 0..<outputChannels {
                let firstInput = (o / outputsPerGroup) * inputsPerGroup
                for y in 0..<size.height {
                    for column in 0..<size.width {
                        var sum = Double(b[o])
                        for i in 0..<inputsPerGroup {
                            for ky in 0..<window.kernelSize.height {
                                for kx in 0..<window.kernelSize.width {
                                    let inputY = y * window.stride.height + ky - window.padding.height
                                    let inputX = column * window.stride.width + kx - window.padding.width
                                    guard 0..<height ~= inputY, 0..<width ~= inputX else { continue }
                                    let plane = (n * inputChannels + firstInput + i) * height
                                    let kernel = (o * inputsPerGroup + i) * window.kernelSize.height + ky
                                    sum +=
                                        Double(x[(plane + inputY) * width + inputX])
                                        * Double(w[kernel * window.kernelSize.width + kx])
                                }
                            }
                        }
                        output.append(Float(sum))
                    }
                }
            }
        }
        return Tensor([count, outputChannels, size.height, size.width], scalars: output)
    }
}
