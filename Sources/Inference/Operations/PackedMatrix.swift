import CKernels

/// A left-hand matrix in the order in which ``kernel_multiply_packed`` reads it: blocks of twelve rows, column by column.
///
/// Weights are packed once, at load; a general matrix product packs them at every call.
struct PackedMatrix: Sendable {
    let rows: Int
    let depth: Int
    private let blocks: Tensor

    private static let blockRows = Int(KERNEL_PANEL_ROWS)

    /// Packs `rows` × `depth` values that lie row by row.
    init(rows: Int, depth: Int, _ values: UnsafePointer<Float>) {
        self.rows = rows
        self.depth = depth
        let blockCount = (rows + Self.blockRows - 1) / Self.blockRows
        blocks = Tensor([blockCount, depth, Self.blockRows]) { packed in
            packed.initialize(repeating: 0)
            for row in 0..<rows {
                let (block, place) = (row / Self.blockRows, row % Self.blockRows)
                for column in 0..<depth {
                    packed[(block * depth + column) * Self.blockRows + place] = values[row * depth + column]
                }
            }
        }
    }

    /// Rows can be divided between threads at multiples of this.
    static var rowAlignment: Int { blockRows }

    /// Multiplies some rows, from a multiple of ``rowAlignment`` on, with panels of sixteen columns.
    ///
    /// Shape: panels `[panelCount, depth, 16]`, output `[rows, panelCount · 16]` with rows `outputStride` apart.
    func multiply(
        rows range: Range<Int>, panels: UnsafePointer<Float>, panelCount: Int,
        into output: UnsafeMutablePointer<Float>, outputStride: Int
    ) {
        blocks.withUnsafeScalars { blocks in
            guard let blocks = blocks.baseAddress else { return }
            kernel_multiply_packed(
                blocks + range.lowerBound * depth, range.count, panels, panelCount, depth, output, outputStride)
        }
    }
}
