import Inference

/// One tensor of a checkpoint as `alexnet inspect` lists it.
struct TensorRow: Encodable {
    let name: String
    /// As it lies in the file.
    let type: String
    let shape: [Int]

    /// How many numbers it has.
    var count: Int { Shape(shape).elementCount }

    /// Every tensor of a checkpoint, in its order.
    static func rows(of checkpoint: Checkpoint) -> [TensorRow] {
        checkpoint.tensors.map {
            TensorRow(name: $0.name, type: $0.tensor.scalarType.rawValue, shape: $0.tensor.shape.extents)
        }
    }
}
