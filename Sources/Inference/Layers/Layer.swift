/// One kind of layer with its parameters. It says what is computed, not how.
///
/// A new kind of layer is a type that conforms to this protocol, with an ``Operation`` beside it that computes it fast.
/// Shapes are those of one image, without the batch axis; only the shapes of tensors have it.
///
/// Axes: N images, C channels (I in, O out), H rows, W columns, F features.
public protocol Layer: Sendable {
    /// The shape of one image's output.
    ///
    /// - Throws: ``ShapeError`` if the layer cannot take inputs of these shapes.
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape

    /// Computes the layer by its naive loop: the reference that operations are tested against.
    ///
    /// Shape: inputs `[N, …]`, output `[N, …]`.
    func callAsFunction(_ inputs: [Tensor]) -> Tensor

    /// The algorithms that compute this layer on inputs that ``outputShape(for:)`` accepts.
    ///
    /// - Parameter activation: the fused activation, which is applied to the output before it is written; nil if there
    ///   is none, and always nil unless ``fusesActivation``.
    func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm]

    /// The key under which measured times are kept. It is equal for layers of equal shapes, whatever their weights.
    func workload(for inputs: [Shape]) -> String

    /// Whether a following activation can be fused into this layer, that is, computed in the same pass.
    var fusesActivation: Bool { get }

    /// Whether the output is a view of the input's memory, so that nothing has to be computed.
    func isView(of inputs: [Shape]) -> Bool

    /// How the layer quantizes its first input; nil if it computes in float32. All algorithms of a layer that quantizes take
    /// its inputs, and write its output, in either ``ValueFormat``.
    var inputQuantization: InputQuantization? { get }

    /// How a layer that quantizes its first input quantizes the second, which it adds to its output; nil for float32.
    var addendQuantization: InputQuantization? { get }

    /// Whether the layer only moves values or picks the largest, so that it is the same on bytes. Its only algorithm then
    /// computes either ``ValueFormat``, if all inputs have the same.
    var passesBytes: Bool { get }

    /// The layer's parameters in float32; copies if they are stored in another form.
    var parameters: [Tensor] { get }

    /// The number of learned scalars.
    var parameterCount: Int { get }

    /// The memory that the parameters take. Units: bytes.
    var parameterByteCount: Int { get }

    /// The number of multiply-adds for one image by the layer's definition, whatever the algorithm performs.
    func multiplyAddCount(for inputs: [Shape]) -> Int
}

extension Layer {
    public func workload(for inputs: [Shape]) -> String { "\(Self.self)" }
    public var fusesActivation: Bool { false }
    public func isView(of inputs: [Shape]) -> Bool { false }
    public var inputQuantization: InputQuantization? { nil }
    public var addendQuantization: InputQuantization? { nil }
    public var passesBytes: Bool { false }
    public var parameters: [Tensor] { [] }
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elementCount } }
    public var parameterByteCount: Int { parameterCount * MemoryLayout<Float>.stride }
    public func multiplyAddCount(for inputs: [Shape]) -> Int { 0 }
}

/// A layer with one input: every layer except those that join branches.
public protocol UnaryLayer: Layer {
    /// See ``Layer/outputShape(for:)``.
    func outputShape(for input: Shape) throws(ShapeError) -> Shape
    /// See ``Layer/callAsFunction(_:)``.
    func callAsFunction(_ input: Tensor) -> Tensor
    /// See ``Layer/algorithms(for:activation:)``; `output` is the layer's own ``outputShape(for:)``.
    func algorithms(for input: Shape, output: Shape, activation: Activation?) -> [Algorithm]
}

extension UnaryLayer {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else {
            throw ShapeError(layer: "\(Self.self)", found: inputs, expected: "one input")
        }
        return try outputShape(for: inputs[0])
    }

    public func callAsFunction(_ inputs: [Tensor]) -> Tensor { self(inputs[0]) }

    public func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
        guard let output = try? outputShape(for: inputs) else { return [] }
        return algorithms(for: inputs[0], output: output, activation: activation)
    }
}

/// An element-wise activation function that can be fused into the layer before it.
public enum Activation: Sendable, Equatable {
    /// ReLU, max(x, 0).
    case relu
}

/// A layer was given inputs whose shapes it cannot take.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The layer, such as `Conv2d(64, 192, kernelSize: 5)`.
    public let layer: String
    /// The shapes of the inputs, without the batch axis.
    public let found: [Shape]
    /// The shapes that the layer takes, as text.
    public let expected: String

    public var description: String {
        "\(layer) was given \(found.map(\.description).joined(separator: " and ")); it takes \(expected)."
    }
}
