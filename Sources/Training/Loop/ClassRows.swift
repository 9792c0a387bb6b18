import Inference

/// Which rows of a checkpoint's last layer belong to which of the data's classes.
enum ClassRows: Equatable {
    /// Each to the class of its number: the names are the same, or nobody tells the checkpoint's.
    case same
    /// The row of each of the data's classes.
    case reordered([Int])
    /// None: the checkpoint tells other classes apart, or another number of them.
    case others

    /// - Parameters:
    ///   - data: the names of the data's classes.
    ///   - checkpoint: the names of the checkpoint's; nil where nothing tells them.
    ///   - rowCount: how many classes the checkpoint tells apart.
    init(data: [String], checkpoint: [String]?, rowCount: Int) {
        guard data.count == rowCount else {
            self = .others
            return
        }
        guard let checkpoint, checkpoint != data else {
            self = .same
            return
        }
        guard let mapping = try? LabelMapping(dataClasses: data, modelClasses: checkpoint) else {
            self = .others
            return
        }
        self = mapping.indices == Array(data.indices) ? .same : .reordered(mapping.indices)
    }

    /// A weight or bias with its rows in the order of the data's classes.
    func arranged(_ tensor: Tensor) -> Tensor {
        guard case .reordered(let rows) = self else { return tensor }
        let scalars = tensor.scalars
        let length = tensor.shape.elementCount / max(rows.count, 1)
        return Tensor(tensor.shape, scalars: rows.flatMap { scalars[$0 * length..<($0 + 1) * length] })
    }

    /// What a reader should know; nil for nothing.
    var note: String? {
        guard case .reordered = self else { return nil }
        return "the checkpoint has the data's classes in another order; its rows are put into theirs by name."
    }
}
