import COpenBLAS

/// Matrix products by OpenBLAS, one thread a call: the engine parallelises around it.
package enum BLAS {
    /// Evaluated once: from then on OpenBLAS never starts threads of its own.
    private static let isSingleThreaded: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// C = A·Bᵀ; all matrices row by row. Strides are the distance between two rows. Units: floats.
    package static func multiplyTransposed(
        rows: Int, columns: Int, depth: Int,
        left: UnsafePointer<Float>, leftStride: Int,
        right: UnsafePointer<Float>?, rightStride: Int,
        into output: UnsafeMutablePointer<Float>, stride: Int
    ) {
        precondition(isSingleThreaded)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans,
            blasint(rows), blasint(columns), blasint(depth),
            1, left, blasint(leftStride), right, blasint(rightStride),
            0, output, blasint(stride))
    }

    /// C = A·B, or C += A·B; all matrices row by row.
    package static func multiply(
        rows: Int, columns: Int, depth: Int,
        left: UnsafePointer<Float>, leftStride: Int,
        right: UnsafePointer<Float>, rightStride: Int,
        into output: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool = false
    ) {
        precondition(isSingleThreaded)
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans,
            blasint(rows), blasint(columns), blasint(depth),
            1, left, blasint(leftStride), right, blasint(rightStride),
            accumulates ? 1 : 0, output, blasint(stride))
    }

    /// C = Aᵀ·B, or C += Aᵀ·B; all matrices row by row, A and B with `depth` rows each.
    package static func multiplyFirstTransposed(
        rows: Int, columns: Int, depth: Int,
        left: UnsafePointer<Float>, leftStride: Int,
        right: UnsafePointer<Float>, rightStride: Int,
        into output: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool = false
    ) {
        precondition(isSingleThreaded)
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans,
            blasint(rows), blasint(columns), blasint(depth),
            1, left, blasint(leftStride), right, blasint(rightStride),
            accumulates ? 1 : 0, output, blasint(stride))
    }
}
