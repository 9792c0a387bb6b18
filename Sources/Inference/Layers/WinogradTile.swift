import CKernels

/// The sides of Winograd's tiles: F(m, r) computes m outputs at once from n = m + r - 1 inputs.
///
/// - Source: Lavin and Gray 2015, arXiv:1509.09308, §4.
package struct WinogradTile: Hashable, Sendable {
    /// r, the side of the kernel.
    package let kernelExtent: Int
    /// m, the side of a tile's output.
    package let outputExtent: Int

    /// n, the side of a tile's input.
    package var extent: Int { outputExtent + kernelExtent - 1 }

    /// How many products a tile takes for each pair of channels.
    package var placeCount: Int { extent * extent }

    /// The tiles that ``kernel_winograd_input`` and ``kernel_winograd_output`` know for a kernel.
    static func all(kernelExtent: Int) -> [Self] {
        guard 3...5 ~= kernelExtent else { return [] }
        return [4, 6, 7, 8].map { Self(kernelExtent: kernelExtent, outputExtent: $0 - kernelExtent + 1) }
            .filter { $0.outputExtent > 1 }
    }

    /// The finite points at which kernels and tiles are evaluated as polynomials; infinity is one more.
    private var points: [Double] {
        (extent.isMultiple(of: 2) ? [0] : []) + [1, 2, 0.5].prefix((extent - 1) / 2).flatMap { [$0, -$0] }
    }

    /// G, row by row: `extent` × `kernelExtent`.
    package var filterMatrix: [[Double]] {
        points.map { point in
            let scale = points.filter { $0 != point }.reduce(1) { $0 * (point - $1) }
            var row = [1 / scale]
            for _ in 1..<kernelExtent { row.append(row[row.count - 1] * point) }
            return row
        } + [(0..<kernelExtent).map { $0 == kernelExtent - 1 ? 1 : 0 }]
    }

    /// Transforms kernels to G·g·Gᵀ, in float64 until the last step.
    ///
    /// Shape: kernels `[count, r, r]`, result `[n·n, count]`.
    func transform(_ kernels: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>) {
        filterMatrix.flatMap(\.self).withUnsafeBufferPointer {
            kernel_winograd_kernels($0.baseAddress, Int32(extent), Int32(kernelExtent), kernels, count, result)
        }
    }
}
