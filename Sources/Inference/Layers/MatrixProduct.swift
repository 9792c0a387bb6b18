import COpenBLAS

/// Matrix products by OpenBLAS, one thread a call: the engine parallelises around it.
package enum BLAS {
    /// Evaluated once: from then on OpenBLAS never starts threads of its own.
    private static let isSingleThreaded: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// Whether a factor lies as it is meant, or its transpose does.
    package enum Factor {
        case plain, transposed

        fileprivate var flag: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
    }

    /// C = A·B, or C += A·B; all matrices row by row. Strides are the distance between two rows as they lie. Units: floats.
    ///
    /// Shape: A `[rows, depth]`, B `[depth, columns]`, C `[rows, columns]`; a transposed factor lies the other way round.
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
