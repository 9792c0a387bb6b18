import CKernels
import COpenBLAS
import Files

/// Matrix products (GEMM) by OpenBLAS. Each call uses one thread; the engine parallelises around it.
package enum BLAS {
    /// Evaluated once; from then on OpenBLAS starts no threads of its own.
    private static let isSingleThreaded: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// Whether a factor is stored row-major or as its transpose.
    package enum Factor {
        case plain, transposed

        fileprivate var flag: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// GEMM: C = A·B, or C += A·B. All matrices are row-major.
    ///
    /// Strides are the distances between two rows in memory. Units: floats.
    ///
    /// Shape: A `[rows, depth]`, B `[depth, columns]`, C `[rows, columns]`. A transposed factor is stored with its axes
    /// swapped.
    package static func multiply(
        rows: Int, columns: Int, depth: Int,
        left: UnsafePointer<Float>, _ leftFactor: Factor = .plain, leftStride: Int,
        right: UnsafePointer<Float>?, _ rightFactor: Factor = .plain, rightStride: Int,
        into output: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool = false
    ) {
        precondition(isSingleThreaded)
        cblas_sgemm(
            CblasRowMajor, leftFactor.flag, rightFactor.flag,
            blasint(rows), blasint(columns), blasint(depth),
            1, left, blasint(leftStride), right, blasint(rightStride),
            accumulates ? 1 : 0, output, blasint(stride))
    }
}

/// A right-hand matrix, packed for ``kernel_multiply_panels`` into panels of sixteen columns.
///
/// Weights are packed once, at load. A general GEMM would pack them at every call.
struct PanelMatrix: Sendable {
    /// The number of columns of the product, including those of a partly empty last panel.
    let paddedColumns: Int
    let depth: Int
    private let panels: Tensor

    static let panelColumns = Int(KERNEL_PANEL_COLUMNS)

    /// Packs the transpose of a row-major matrix of `columns` × `depth` values, which is how weights are stored.
    init(columns: Int, depth: Int, transposed values: UnsafePointer<Float>, memory: BufferPool? = nil) {
        self.depth = depth
        let panelCount = (columns + Self.panelColumns - 1) / Self.panelColumns
        paddedColumns = panelCount * Self.panelColumns
        panels = Tensor([panelCount, depth, Self.panelColumns], from: memory) { packed in
            guard let start = packed.baseAddress else { return }
            kernel_pack_panels(values, columns, depth, start)
        }
    }

    /// The memory of the packed matrix. Units: bytes.
    var byteCount: Int { panels.shape.elementCount * MemoryLayout<Float>.stride }

    /// Multiplies rows by the packed matrix.
    ///
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
