import CKernels
import Files
import Threads

/// How Winograd's tiles cover the feature maps of a convolution, and the input transform of an image's tiles.
package struct WinogradTiling: Sendable {
    package let tile: WinogradTile
    /// The number of rows of tiles in an image.
    package let rows: Int
    /// The number of tiles in a row.
    package let columns: Int
    private let geometry: ConvolutionGeometry
    private static let lanes = Int(KERNEL_PANEL_COLUMNS)

    init(tile: WinogradTile, geometry: ConvolutionGeometry) {
        self.tile = tile
        self.geometry = geometry
        rows = (geometry.outputHeight + tile.outputExtent - 1) / tile.outputExtent
        columns = (geometry.outputWidth + tile.outputExtent - 1) / tile.outputExtent
    }

    /// One tiling for each tile size; none if no transform fits the kernel.
    static func all(_ geometry: ConvolutionGeometry) -> [Self] {
        let (kernelSize, stride) = (geometry.window.kernelSize, geometry.window.stride)
        guard kernelSize.height == kernelSize.width, stride.height == stride.width else { return [] }
        return WinogradTile.all(kernelExtent: (kernelSize.height + stride.height - 1) / stride.height)
            .map { Self(tile: $0, geometry: geometry) }
    }

    /// The tilings of a layer on inputs of a valid shape.
    package static func all(_ layer: Conv2d, input: Shape, output: Shape) -> [Self] {
        all(ConvolutionGeometry(layer: layer, input: input, output: output))
    }

    /// The estimated cost for one image. Units: multiply-adds, approximately.
    package var cost: Double {
        // Reading, transforming and writing one element of one channel takes as long as about thirty multiply-adds.
        let perPlace = depth * geometry.outputsPerGroup + 30 * (depth + geometry.outputsPerGroup)
        return Double(rows * columns * tile.placeCount * perPlace * geometry.groups)
    }

    /// The convolution's stride. There are stride·stride phases, see ``WinogradConvolution``.
    package var stride: Int { geometry.window.stride.height }

    /// The input channels of a group, with each phase counted as a channel.
    package var depth: Int { geometry.inputsPerGroup * stride * stride }

    /// ``depth``, rounded up to whole vectors.
    package var paddedDepth: Int { Self.padded(depth) }

    /// A count of channels, rounded up to whole vectors.
    package static func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    /// Scratch memory for the phases that one row of tiles reads. Units: floats.
    package var phaseCount: Int { stride == 1 ? 0 : tile.extent * phaseColumns * depth }

    /// The number of columns of phases that a row of tiles reads.
    private var phaseColumns: Int { columns * tile.outputExtent + tile.kernelExtent - 1 }

    /// The distance between the transformed tiles of one tile element and those of the next. It includes an extra cache
    /// line, so that the elements of a tile do not all map to the same cache set. Units: floats.
    package func placeStride(tileCount: Int, width: Int) -> Int { tileCount * width + Self.lanes }

    /// The tiles of an output image in the form of the C kernels.
    package var outputTiles: kernel_winograd_tiles {
        kernel_winograd_tiles(
            extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: geometry.outputHeight,
            width: geometry.outputWidth, pixel_stride: geometry.outputChannels, padding_height: 0, padding_width: 0,
            tile_columns: columns)
    }

    /// Applies the input transform to one row of tiles.
    ///
    /// - Parameters:
    ///   - zeros: ``paddedDepth`` zeros.
    ///   - phases: scratch memory of ``phaseCount`` floats.
    ///   - transformed: receives the result, with tiles ``paddedDepth`` apart and tile elements `placeStride` apart.
    package func transform(
        _ image: UnsafePointer<Float>, group: Int, row: Int, zeros: UnsafePointer<Float>,
        phases: UnsafeMutablePointer<Float>, into transformed: UnsafeMutablePointer<Float>, placeStride: Int
    ) {
        let input = image + group * geometry.inputsPerGroup
        let padding = geometry.window.padding
        if stride == 1 {
            var tiles = kernel_winograd_tiles(
                extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: geometry.height,
                width: geometry.width, pixel_stride: geometry.inputChannels, padding_height: padding.height,
                padding_width: padding.width, tile_columns: columns)
            kernel_winograd_input(input, &tiles, row, depth, zeros, transformed, placeStride, paddedDepth)
        } else {
            kernel_space_to_depth(
                input, geometry.height, geometry.width, geometry.inputsPerGroup, geometry.inputChannels, stride,
                padding.height, padding.width, row * tile.outputExtent, tile.extent, phaseColumns, phases)
            var tiles = kernel_winograd_tiles(
                extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: tile.extent,
                width: phaseColumns, pixel_stride: depth, padding_height: 0, padding_width: 0, tile_columns: columns)
            kernel_winograd_input(phases, &tiles, 0, depth, zeros, transformed, placeStride, paddedDepth)
        }
    }
}

/// The size of Winograd's tiles: F(m, r) computes m outputs from n = m + r − 1 inputs, per axis.
///
/// - Source: Lavin and Gray 2015, arXiv:1509.09308, §4.
package struct WinogradTile: Hashable, Sendable {
    /// r, the side of the kernel.
    package let kernelExtent: Int
    /// m, the side of a tile's output.
    package let outputExtent: Int

    /// n, the side of a tile's input.
    package var extent: Int { outputExtent + kernelExtent - 1 }

    /// The number of elements of a transformed tile, n·n: the multiplications that a tile takes for each pair of input
    /// and output channel.
    package var placeCount: Int { extent * extent }

    /// The tile sizes for a kernel that ``kernel_winograd_input`` and ``kernel_winograd_output`` implement.
    static func all(kernelExtent: Int) -> [Self] {
        guard 3...5 ~= kernelExtent else { return [] }
        return [4, 6, 7, 8].map { Self(kernelExtent: kernelExtent, outputExtent: $0 - kernelExtent + 1) }
            .filter { $0.outputExtent > 1 }
    }

    /// The finite interpolation points, at which kernels and tiles are evaluated as polynomials. The last point is
    /// infinity.
    private var points: [Double] {
        (extent.isMultiple(of: 2) ? [0] : []) + [1, 2, 0.5].prefix((extent - 1) / 2).flatMap { [$0, -$0] }
    }

    /// The matrix G, n × r, row by row.
    package var filterMatrix: [[Double]] {
        points.map { point in
            let scale = points.filter { $0 != point }.reduce(1) { $0 * (point - $1) }
            var row = [1 / scale]
            for _ in 1..<kernelExtent { row.append(row[row.count - 1] * point) }
            return row
        } + [(0..<kernelExtent).map { $0 == kernelExtent - 1 ? 1 : 0 }]
    }

    /// The kernel transform G·g·Gᵀ, computed in float64 and rounded once.
    ///
    /// Shape: kernels `[count, r, r]`, result `[n·n, count]`.
    func transform(_ kernels: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>) {
        filterMatrix.flatMap(\.self).withUnsafeBufferPointer {
            kernel_winograd_kernels($0.baseAddress, Int32(extent), Int32(kernelExtent), kernels, count, result)
        }
    }
}

/// The transformed kernels of one group of a convolution, packed for multiplication.
///
/// Each block of output channels has one matrix for each element of a transformed tile, in the panels that
/// ``kernel_multiply_panels`` reads.
struct WinogradFilters: Sendable {
    let tile: WinogradTile
    private let outputs: Int
    private let depth: Int
    private let panels: Tensor

    private static let panelColumns = Int(KERNEL_PANEL_COLUMNS)
    /// The output channels of a block: few enough that their products with some tiles stay in the L2 cache.
    private static let blockSize = 4 * panelColumns

    /// Transforms and packs the kernels of one group.
    ///
    /// Shape: weight `[outputs, depth, r, r]`.
    init(
        tile: WinogradTile, weight: UnsafePointer<Float>, outputs: Int, depth: Int, workers: WorkerPool,
        memory: BufferPool?
    ) {
        self.tile = tile
        self.outputs = outputs
        self.depth = depth
        nonisolated(unsafe) let weight = weight
        let blockCount = (outputs + Self.blockSize - 1) / Self.blockSize
        let panelCount = (outputs + Self.panelColumns - 1) / Self.panelColumns
        panels = Tensor([tile.placeCount, panelCount, depth, Self.panelColumns], from: memory) { packed in
            nonisolated(unsafe) let packed = packed
            workers.parallelFor(blockCount) { block, _ in
                let first = block * Self.blockSize
                let count = min(Self.blockSize, outputs - first)
                withUnsafeTemporaryAllocation(of: Float.self, capacity: tile.placeCount * count * depth) { kernels in
                    guard let kernels = kernels.baseAddress, let packed = packed.baseAddress else { return }
                    tile.transform(
                        weight + first * depth * tile.kernelExtent * tile.kernelExtent, count: count * depth,
                        into: kernels)
                    let columns = (count + Self.panelColumns - 1) / Self.panelColumns * Self.panelColumns
                    for place in 0..<tile.placeCount {
                        kernel_pack_panels(
                            kernels + place * count * depth, count, depth,
                            packed + (tile.placeCount * first + place * columns) * depth)
                    }
                }
            }
        }
    }

    /// The memory of the packed kernels. Units: bytes.
    var byteCount: Int { panels.shape.elementCount * MemoryLayout<Float>.stride }

    /// The number of blocks of output channels.
    var blockCount: Int { (outputs + Self.blockSize - 1) / Self.blockSize }

    /// The output channels of the largest block, rounded up to whole panels.
    var widestBlock: Int { min(Self.blockSize, paddedCount(outputs)) }

    /// The output channels of a block.
    func outputs(ofBlock block: Int) -> Range<Int> {
        block * Self.blockSize..<min((block + 1) * Self.blockSize, outputs)
    }

    private func paddedCount(_ count: Int) -> Int {
        (count + Self.panelColumns - 1) / Self.panelColumns * Self.panelColumns
    }

    /// Multiplies transformed tiles by one block's kernels, for one element of a tile.
    ///
    /// Shape: tiles `[tileCount, depth]` with rows `stride` apart, output `[tileCount, widestBlock]`.
    func multiply(
        block: Int, place: Int, _ tiles: UnsafePointer<Float>, stride: Int, tileCount: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        let range = outputs(ofBlock: block)
        let columns = paddedCount(range.count)
        panels.withUnsafeScalars { panels in
            guard let panels = panels.baseAddress else { return }
            kernel_multiply_panels(
                tiles, stride, tileCount, panels + (tile.placeCount * range.lowerBound + place * columns) * depth,
                columns / Self.panelColumns, depth, output, widestBlock)
        }
    }
}
