import Foundation

@testable import Inference

/// One row of `Fixtures/Networks/layers.json`: a layer's input and what PyTorch answers in float64.
struct LayerFixture: Decodable, CustomStringConvertible, Sendable {
    struct Values: Decodable, Sendable {
        let shape: [Int]
        let values: [Float]

        var tensor: Tensor { Tensor(Shape(shape), scalars: values) }
    }

    enum Extent: Decodable, Sendable {
        case both(Int)
        case each(Int, Int)

        init(from decoder: any Decoder) throws {
            if let value = try? decoder.singleValueContainer().decode(Int.self) {
                self = .both(value)
            } else {
                let values = try decoder.singleValueContainer().decode([Int].self)
                self = .each(values[0], values[1])
            }
        }

        var size: Size2d {
            switch self {
            case .both(let value): Size2d(square: value)
            case .each(let height, let width): Size2d(height: height, width: width)
            }
        }
    }

    let operation: String
    let name: String
    let input: Values
    /// What a layer that joins branches takes beside `input`.
    let otherInputs: [Values]?
    let output: Values
    let weight: Values?
    let bias: Values?
    let stride: Extent?
    let padding: Extent?
    let groups: Int?
    let kernelSize: Extent?
    let roundsUp: Bool?
    let countsPadding: Bool?
    let runningMean: Values?
    let runningVariance: Values?
    let epsilon: Double?
    let outputSize: Extent?
    let size: Int?
    let alpha: Float?
    let beta: Float?
    let k: Float?
    let alphaDividedBySize: Bool?

    var description: String { "\(operation): \(name)" }

    /// Every layer of the file; soft-max has a test of its own.
    static let layers = all.filter { $0.operation != "softmax" }
    static let softmax = all.filter { $0.operation == "softmax" }

    private static let all = (try? FixtureFile.decode([LayerFixture].self, from: "Networks/layers.json")) ?? []

    /// All of the layer's inputs.
    var inputs: [Tensor] { [input.tensor] + (otherInputs ?? []).map(\.tensor) }

    /// The same without the batch axis.
    var inputShapes: [Shape] { inputs.map { Shape(Array($0.shape.extents.dropFirst())) } }

    /// The layer that the row describes; nil for an unknown operation.
    var layer: (any Layer)? {
        switch (operation, weight) {
        case ("conv2d", let weight?):
            Conv2d(
                weight: weight.tensor, bias: bias(for: weight), stride: stride?.size ?? 1, padding: padding?.size ?? 0,
                groups: groups ?? 1)
        case ("linear", let weight?): Linear(weight: weight.tensor, bias: bias(for: weight))
        case ("maxPool2d", _):
            MaxPool2d(
                kernelSize: kernelSize?.size ?? 1, stride: stride?.size ?? 1, padding: padding?.size ?? 0,
                roundsUp: roundsUp ?? false)
        case ("averagePool2d", _):
            AvgPool2d(
                kernelSize: kernelSize?.size ?? 1, stride: stride?.size ?? 1, padding: padding?.size ?? 0,
                roundsUp: roundsUp ?? false, countsPadding: countsPadding ?? true)
        case ("batchNorm2d", let weight?): batchNorm(weight)
        case ("add", _): Add()
        case ("concat", _): Concat()
        case ("tanh", _): Tanh()
        case ("sigmoid", _): Sigmoid()
        case ("adaptiveAveragePool2d", _): AdaptiveAvgPool2d(outputSize: outputSize?.size ?? 1)
        case ("localResponseNorm", _):
            LocalResponseNorm(
                size: size ?? 5, alpha: alpha ?? 0, beta: beta ?? 0, k: k ?? 0,
                convention: alphaDividedBySize == true ? .caffe : .tensorflow)
        default: nil
        }
    }

    private func batchNorm(_ weight: Values) -> BatchNorm2d? {
        guard let mean = runningMean, let variance = runningVariance, let epsilon else { return nil }
        return BatchNorm2d(
            weight: weight.tensor, bias: bias(for: weight), runningMean: mean.tensor, runningVariance: variance.tensor,
            epsilon: epsilon)
    }

    private func bias(for weight: Values) -> Tensor {
        bias?.tensor ?? Tensor([weight.shape[0]], scalars: Array(repeating: 0, count: weight.shape[0]))
    }
}
