/// A tensor on its way to a file: its name, and the type that its numbers will have there.
public struct WritableTensor {
    /// The key in the state_dict, as `features.0.weight`.
    public let name: String
    /// Its extents, outermost axis first.
    public let shape: Shape
    /// How its numbers are written.
    public let scalarType: ScalarType
    /// Called once, when its turn comes: what has to be converted first is in memory one tensor at a time.
    let tensor: () -> Tensor

    /// A tensor that is there.
    public init(name: String, tensor: Tensor, scalarType: ScalarType) {
        self.init(name: name, shape: tensor.shape, scalarType: scalarType) { tensor }
    }

    /// A tensor of another checkpoint.
    ///
    /// - Parameters:
    ///   - scalarType: nil keeps its own, where that is written at all: float64 becomes float32.
    ///   - willWrite: called when its turn comes.
    public init(
        name: String, stored: StoredTensor, scalarType: ScalarType? = nil, willWrite: @escaping () -> Void = {}
    ) {
        self.init(
            name: name, shape: stored.shape,
            scalarType: scalarType ?? (stored.scalarType == .float64 ? .float32 : stored.scalarType)
        ) {
            willWrite()
            return stored.tensor()
        }
    }

    private init(name: String, shape: Shape, scalarType: ScalarType, tensor: @escaping () -> Tensor) {
        self.name = name
        self.shape = shape
        self.scalarType = scalarType
        self.tensor = tensor
    }

    /// Units: bytes, in the file.
    var byteCount: Int { shape.elementCount * scalarType.byteCount }
}
