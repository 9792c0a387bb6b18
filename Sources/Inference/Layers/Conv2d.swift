import CKernels

/// A two-dimensional convolution; mathematically a cross-correlation, as in every framework.
///
/// Shape: input `[N, C, H, W]`, weight `[O, C / groups, KH, KW]`, bias `[O]`, output `[N, O, H', W']`,
/// H' = (H + 2·padding − kernel) / stride + 1, rounded down.
/// - Source: PyTorch, `torch.nn.Conv2d`; groups: Krizhevsky et al. 2012, §3.2.
public struct Conv2d: UnaryLayer {
    /// The kernels, shape `[O, C / groups, KH, KW]`.
    public let weight: Tensor
    /// One value for each output channel, shape `[O]`; zeros if ``hasBias`` is false.
    public let bias: Tensor
    /// Whether the bias is a parameter of the layer.
    public let hasBias: Bool
    /// Size, stride and padding of the kernels.
    public let window: Window
    /// The number of independent groups that the channels are divided into.
    public let groups: Int
    /// How the input is quantized, for a convolution that is computed in 8-bit integers; nil for float32.
    public let inputQuantization: InputQuantization?
    /// How a sum that is fused into this convolution quantizes its second input; nil for float32. See ``SummedConv2d``.
    public let addendQuantization: InputQuantization?

    /// Makes a convolution of its parameters.
    ///
    /// - Parameters:
    ///   - bias: nil for a layer without a bias.
    ///   - groups: divides the input channels and the output channels.
    ///   - inputQuantization: nil to compute in float32. Quantized kernels are derived from the weight; see
    ///     ``ByteMatrix``.
    ///   - addendQuantization: see ``addendQuantization``.
    public init(
        weight: Tensor, bias: Tensor?, stride: Size2d = 1, padding: Size2d = 0, groups: Int = 1,
        inputQuantization: InputQuantization? = nil, addendQuantization: InputQuantization? = nil
    ) {
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
        self.inputQuantization = inputQuantization
        self.addendQuantization = addendQuantization
        window = Window(
            kernelSize: Size2d(height: weight.shape[2], width: weight.shape[3]), stride: stride, padding: padding)
    }

    /// The input's channels, all groups together.
    public var inputChannels: Int { weight.shape[1] * groups }
    /// The output's channels, all groups together.
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
        if let inputQuantization {
            return quantizedAlgorithms(inputQuantization, geometry: geometry, activation: activation)
        }
        let direct = Im2rowConvolution.Product.allCases.map { product in
            // OpenBLAS packs its operands at every call, which costs about a fifth more.
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
            + (inputQuantization == nil ? "" : ", int8")
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        let (count, height, width) = (input.shape[0], input.shape[2], input.shape[3])
        guard let size = window.outputSize(for: Size2d(height: height, width: width)) else {
            preconditionFailure("a kernel of \(window.kernelSize) does not fit \(input.shape)")
        }
        let (x, w) = factors(of: input.scalars)
        let (b, kernels) = (bias.scalars, inputQuantization.map(byteKernels))
        let inputsPerGroup = weight.shape[1]
        let outputsPerGroup = outputChannels / groups
        var output: [Float] = []
        for n in 0..<count {
            for o in 0..<outputChannels {
                let firstInput = (o / outputsPerGroup) * inputsPerGroup
                for y in 0..<size.height {
                    for column in 0..<size.width {
                        var sum = 0.0
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
                        if let kernels {
                            let group = o / outputsPerGroup
                            output.append(kernels[group].rescaled(Int(sum), output: o % outputsPerGroup))
                        } else {
                            output.append(Float(Double(b[o]) + sum))
                        }
                    }
                }
            }
        }
        return Tensor([count, outputChannels, size.height, size.width], scalars: output)
    }
}

// MARK: Quantization

extension Conv2d {
    /// This convolution, computed in 8-bit integers.
    func quantizing(_ quantization: LayerQuantization) -> Conv2d {
        Conv2d(
            weight: weight, bias: hasBias ? bias : nil, stride: window.stride, padding: window.padding, groups: groups,
            inputQuantization: quantization.input, addendQuantization: quantization.addend)
    }

    /// The quantized kernels of each group, with channels innermost: `[O, KH, KW, C / groups]`.
    func byteKernels(input: InputQuantization) -> [ByteMatrix] {
        let outputs = outputChannels / groups
        let depth = weight.shape.elementCount / outputChannels
        let rows = Im2rowConvolution.channelsInnermost(weight, memory: nil)
        return rows.withUnsafeScalars { values in
            bias.withUnsafeScalars { bias in
                guard let values = values.baseAddress else { return [] }
                return (0..<groups).map {
                    ByteMatrix(
                        values + $0 * outputs * depth, outputs: outputs, depth: depth,
                        bias: UnsafeBufferPointer(rebasing: bias[$0 * outputs..<($0 + 1) * outputs]), input: input)
                }
            }
        }
    }

    fileprivate func quantizedAlgorithms(
        _ input: InputQuantization, geometry: ConvolutionGeometry, activation: Activation?,
        addsSecondInput: Bool = false
    ) -> [Algorithm] {
        @Sendable func windows() -> ByteWindows {
            ByteWindows(
                layer: self, input: input, geometry: geometry, activation: activation,
                addsSecondInput: addsSecondInput)
        }
        let direct = Algorithm(name: "int8", cost: Double(geometry.multiplyAddCount)) { _, _ in
            QuantizedConvolution(windows: windows())
        }
        // Where it is certain to be slower, it is not worth a measurement.
        guard let winograd = QuantizedWinogradConvolution.algorithm(layer: self, geometry: geometry, windows: windows),
            winograd.cost < 1.5 * direct.cost
        else { return [direct] }
        return [winograd, direct]
    }

    /// An upper bound of the magnitude of a sum of bytes times quantized weights; infinite if a weight is not finite.
    var largestByteSum: Double {
        let depth = weight.shape.elementCount / outputChannels
        return weight.withUnsafeScalars { values in
            (0..<outputChannels).reduce(0) { bound, output in
                let row = UnsafeBufferPointer(rebasing: values[output * depth..<(output + 1) * depth])
                let (sum, magnitudes, largest) = Self.sums(of: row)
                guard magnitudes.isFinite else { return .infinity }
                guard largest > 0 else { return bound }
                // Inputs are not negative, so the sum is largest where those of the weights of one sign are 255. Each number
                // is rounded by at most a half.
                let ofOneSign = (magnitudes + abs(sum)) / 2
                return max(bound, 255 * (ofOneSign / Double(largest) * 127 + Double(depth) / 2))
            }
        }
    }

    /// The sum of some values, the sum of their magnitudes, and the largest magnitude.
    private static func sums(of values: UnsafeBufferPointer<Float>) -> (Double, Double, Float) {
        let bytes = UnsafeRawBufferPointer(values)
        var (sums, magnitudeSums, largest) = (SIMD8<Double>(), SIMD8<Double>(), SIMD8<Float>())
        let whole = values.count / 8 * 8
        for index in stride(from: 0, to: whole, by: 8) {
            let lanes = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Float>.stride, as: SIMD8<Float>.self)
            let magnitudes = lanes.replacing(with: -lanes, where: lanes .< 0)
            sums += SIMD8<Double>(lanes)
            magnitudeSums += SIMD8<Double>(magnitudes)
            largest.replace(with: magnitudes, where: magnitudes .> largest)
        }
        var (sum, magnitudeSum, maximum) = (sums.sum(), magnitudeSums.sum(), largest.max())
        for value in values[whole...] {
            sum += Double(value)
            magnitudeSum += Double(abs(value))
            maximum = max(maximum, abs(value))
        }
        return (sum, magnitudeSum, maximum)
    }

    /// The numbers that the naive loop multiplies: values and weights, or the integers that they are quantized to.
    private func factors(of values: [Float]) -> (inputs: [Float], weights: [Float]) {
        guard let inputQuantization else { return (values, weight.scalars) }
        let kernels = byteKernels(input: inputQuantization)
        let (channels, places) = (weight.shape[1], weight.shape[2] * weight.shape[3])
        let outputsPerGroup = outputChannels / groups
        var numbers: [Float] = []
        for output in 0..<outputChannels {
            let matrix = kernels[output / outputsPerGroup]
            for channel in 0..<channels {
                for place in 0..<places {
                    numbers.append(
                        Float(matrix.number(output: output % outputsPerGroup, input: place * channels + channel)))
                }
            }
        }
        let zero = Int(inputQuantization.zeroPoint)
        return (values.map { Float(Int(inputQuantization.byte(of: $0)) - zero) }, numbers)
    }
}

extension Conv2d {
    /// This convolution with a following batch normalisation folded into it.
    ///
    /// Both are linear, so the kernels of each output channel are multiplied by γ / √(variance + epsilon). The products
    /// are computed in float64 and rounded once, at the end.
    /// - Source: Jacob et al. 2017, arXiv:1712.05877, §3.2.
    func folding(_ normalization: BatchNorm2d) -> Conv2d {
        let factors = normalization.factors
        precondition(
            factors.count == outputChannels, "\(factors.count) channels are normalised of \(outputChannels)")
        let kernelSize = weight.shape.elementCount / max(outputChannels, 1)
        let folded = Tensor(weight.shape) { folded in
            weight.withUnsafeScalars { kernels in
                for (channel, factor) in factors.enumerated() {
                    for index in channel * kernelSize..<(channel + 1) * kernelSize {
                        folded.initializeElement(at: index, to: Float(Double(kernels[index]) * factor.scale))
                    }
                }
            }
        }
        return Conv2d(
            weight: folded,
            bias: Tensor(
                bias.shape,
                scalars: zip(bias.scalars, factors).map { Float(Double($0) * $1.scale + $1.shift) }),
            stride: window.stride, padding: window.padding, groups: groups, inputQuantization: inputQuantization,
            addendQuantization: addendQuantization)
    }
}

/// A convolution with a fused sum: a second input is added to its output in the same pass as the bias. It ends a
/// residual block.
///
/// Shape: inputs `[N, C, H, W]` and `[N, O, H', W']`, output `[N, O, H', W']`.
/// - Source: He et al. 2015, arXiv:1512.03385, §3.3.
struct SummedConv2d: Layer {
    let convolution: Conv2d

    init(_ convolution: Conv2d) { self.convolution = convolution }

    /// Whether a convolution is as fast with a sum as without. Larger kernels in float32 have faster algorithms, which
    /// cannot add a second input.
    static func isFast(_ convolution: Conv2d) -> Bool {
        convolution.window.kernelSize == 1 || convolution.inputQuantization != nil
    }

    var parameters: [Tensor] { convolution.parameters }
    var inputQuantization: InputQuantization? { convolution.inputQuantization }
    var addendQuantization: InputQuantization? { inputQuantization == nil ? nil : convolution.addendQuantization }
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
        if let quantization = convolution.inputQuantization {
            return convolution.quantizedAlgorithms(
                quantization, geometry: geometry, activation: activation, addsSecondInput: true)
        }
        return [
            Algorithm(name: Im2rowConvolution.Product.panels.rawValue) { _, memory in
                Im2rowConvolution(
                    layer: convolution, geometry: geometry, activation: activation, addsSecondInput: true,
                    product: .panels, memory: memory)
            }
        ]
    }

    func multiplyAddCount(for inputs: [Shape]) -> Int { convolution.multiplyAddCount(for: [inputs[0]]) }

    func workload(for inputs: [Shape]) -> String { convolution.workload(for: [inputs[0]]) + ", summed" }

    func callAsFunction(_ inputs: [Tensor]) -> Tensor {
        let addend = addendQuantization.map { quantization in
            Tensor(
                inputs[1].shape,
                scalars: inputs[1].scalars.map { quantization.value(of: quantization.byte(of: $0)) })
        }
        return Add()([convolution(inputs[0]), addend ?? inputs[1]])
    }
}

/// The extents of a convolution, in terms of the matrix product that computes it.
struct ConvolutionGeometry: Hashable, Sendable {
    let inputChannels: Int
    let height: Int
    let width: Int
    let outputChannels: Int
    let outputHeight: Int
    let outputWidth: Int
    let groups: Int
    let window: Window

    init(layer: Conv2d, input: Shape, output: Shape) {
        inputChannels = input[0]
        height = input[1]
        width = input[2]
        outputChannels = output[0]
        outputHeight = output[1]
        outputWidth = output[2]
        groups = layer.groups
        window = layer.window
    }

    var inputsPerGroup: Int { inputChannels / groups }
    var outputsPerGroup: Int { outputChannels / groups }

    /// The number of products summed for one output value: (C / groups)·KH·KW.
    var depth: Int { inputsPerGroup * window.kernelSize.height * window.kernelSize.width }

    /// The number of output pixels of one channel of one image: H'·W'.
    var positions: Int { outputHeight * outputWidth }

    var multiplyAddCount: Int { outputChannels * depth * positions }

    /// Whether each window is one pixel. The input then is the im2row matrix already.
    var isPointwise: Bool {
        window == Window(kernelSize: 1)
    }

    /// See ``Layer/workload(for:)``.
    var workload: String {
        "conv \(inputChannels)x\(height)x\(width) to \(outputChannels), kernel \(window.kernelSize), "
            + "stride \(window.stride), padding \(window.padding), groups \(groups)"
    }

    /// The window as the C kernels take it.
    var kernelWindow: kernel_window {
        kernel_window(window, height: height, width: width, pixelStride: inputChannels, outputWidth: outputWidth)
    }
}

extension kernel_window {
    package init(_ window: Window, height: Int, width: Int, pixelStride: Int, outputWidth: Int) {
        self.init(
            height: height, width: width, pixel_stride: pixelStride,
            kernel_height: window.kernelSize.height, kernel_width: window.kernelSize.width,
            stride_height: window.stride.height, stride_width: window.stride.width,
            padding_height: window.padding.height, padding_width: window.padding.width,
            output_width: outputWidth)
    }
}
