import CKernels
import Files

/// A right-hand matrix in the order in which ``kernel_multiply_panels`` reads it: panels of sixteen columns.
///
/// Weights are packed once, at load; a general matrix product packs them at every call.
struct PanelMatrix: Sendable {
    /// How many columns the product has, those of a last, partly empty panel included.
    let paddedColumns: Int
    let depth: Int
    private let panels: Tensor

    static let panelColumns = Int(KERNEL_PANEL_COLUMNS)

    /// Packs the transpose of `columns` × `depth` values that lie row by row, as weights do.
    init(columns: Int, depth: Int, transposed values: UnsafePointer<Float>, memory: BufferPool? = nil) {
        self.depth = depth
        let panelCount = (columns + Self.panelColumns - 1) / Self.panelColumns
        paddedColumns = panelCount * Self.panelColumns
        panels = Tensor([panelCount, depth, Self.panelColumns], from: memory) { packed in
            guard let start = packed.baseAddress else { return }
            kernel_pack_panels(values, columns, depth, start)
        }
    }

    /// Units: bytes.
    var byteCount: Int { panels.shape.elementCount * MemoryLayout<Float>.stride }

    /// Shape: left `[rowCount, depth]` with rows `leftStride` apart, output `[rowCount, paddedColumns]` with rows
    /// `outputStride` apart.
    func multiply(
        _ left: UnsafePointer<Float>, leftStride: Int, rowCount: Int, into output: UnsafeMutablePointer<Float>,
        outputStride: Int
    ) {
        panels.withUnsafeScalars { panels in
            kernel_multiply_panels(
                left, leftStride, rowCount, panels.baseAddress, paddedColumns / Self.panelColumns, depth, output,
                outputStride)
        }
    }
}
