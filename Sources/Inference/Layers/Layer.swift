/// One kind of layer, with its parameters: what it computes, not how.
///
/// Adding a network means describing it with layers; adding a layer means one file here, and one operation that
/// computes it fast. Shapes are those of one image, without the batch axis, unless a tensor is meant.
public protocol Layer: Sendable {
    /// The shape of one image's output.
    ///
    /// - Throws: ``ShapeError`` when the layer cannot take such inputs.
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape

    /// The layer by its textbook loop: the reference that the fast ways are tested against.
    ///
    /// Shape: inputs `[N, …]`, output `[N, …]`.
    func callAsFunction(_ inputs: [Tensor]) -> Tensor

    /// The ways to compute this layer on inputs that ``outputShape(for:)`` accepts.
    ///
    /// - Parameter activation: applied to the output before it is written; given only where ``fusesActivation``.
    func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm]

    /// Names what the time of an algorithm depends on, where there is a choice: equal for equal shapes, whatever the weights.
    func workload(for inputs: [Shape]) -> String

    /// Whether an activation that follows can be computed in the same pass.
    var fusesActivation: Bool { get }

    /// Whether the output is the input's memory: nothing moves, and nothing is computed.
    func isView(of inputs: [Shape]) -> Bool

    /// This layer's parameters in float32; copies where they are held otherwise.
    var parameters: [Tensor] { get }

    /// How many numbers were learned.
    var parameterCount: Int { get }

    /// What its parameters take in memory. Units: bytes.
    var parameterByteCount: Int { get }

    /// The products of a weight and an input that one image takes by the layer's definition, whatever the algorithm.
    func multiplyAddCount(for inputs: [Shape]) -> Int
}

extension Layer {
    public func workload(for inputs: [Shape]) -> String { "\(Self.self)" }
    public var fusesActivation: Bool { false }
    public func isView(of inputs: [Shape]) -> Bool { false }
    public var parameters: [Tensor] { [] }
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elementCount } }
    public var parameterByteCount: Int { parameterCount * MemoryLayout<Float>.stride }
    public func multiplyAddCount(for inputs: [Shape]) -> Int { 0 }
}

/// A layer with one input: all but those that join branches.
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

/// An element-wise function that can ride on the layer before it.
public enum Activation: Sendable, Equatable {
    case relu
}

/// A layer was given inputs that it cannot take.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The layer, as in `Conv2d(64, 192, kernelSize: 5)`.
    public let layer: String
    /// The shapes it was given, without the batch axis.
    public let found: [Shape]
    /// What it can take.
    public let expected: String

    public var description: String {
        "\(layer) was given \(found.map(\.description).joined(separator: " and ")); it takes \(expected)."
    }
}
