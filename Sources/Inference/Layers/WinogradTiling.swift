import CKernels

/// How a convolution's maps are covered with Winograd's tiles, and the way of an image's tiles into the transformed domain.
package struct WinogradTiling: Sendable {
    package let tile: WinogradTile
    /// Rows of tiles of an image.
    package let rows: Int
    /// Tiles of a row.
    package let columns: Int
    private let geometry: ConvolutionGeometry
    private static let lanes = Int(KERNEL_PANEL_COLUMNS)

    init(tile: WinogradTile, geometry: ConvolutionGeometry) {
        self.tile = tile
        self.geometry = geometry
        rows = (geometry.outputHeight + tile.outputExtent - 1) / tile.outputExtent
        columns = (geometry.outputWidth + tile.outputExtent - 1) / tile.outputExtent
    }

    /// One for each size of tile; none where the kernel is none that the transforms know.
    static func all(_ geometry: ConvolutionGeometry) -> [Self] {
        let (kernelSize, stride) = (geometry.window.kernelSize, geometry.window.stride)
        guard kernelSize.height == kernelSize.width, stride.height == stride.width else { return [] }
        return WinogradTile.all(kernelExtent: (kernelSize.height + stride.height - 1) / stride.height)
            .map { Self(tile: $0, geometry: geometry) }
    }

    /// The same for a layer on inputs of a shape that it accepts.
    package static func all(_ layer: Conv2d, input: Shape, output: Shape) -> [Self] {
        all(ConvolutionGeometry(layer: layer, input: input, output: output))
    }

    /// What one image takes. Units: about one multiply-add.
    package var cost: Double {
        // A place of a channel is read, transformed and written: about thirty products' worth.
        let perPlace = depth * geometry.outputsPerGroup + 30 * (depth + geometry.outputsPerGroup)
        return Double(rows * columns * tile.placeCount * perPlace * geometry.groups)
    }

    /// How many phases each row and each column has.
    package var stride: Int { geometry.window.stride.height }

    /// Channels of a group, each phase counted as one.
    package var depth: Int { geometry.inputsPerGroup * stride * stride }

    /// The channels of a transformed tile, in whole vectors.
    package var paddedDepth: Int { Self.padded(depth) }

    /// A count of channels in whole vectors.
    package static func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    /// Memory that one row of tiles needs for its phases. Units: floats.
    package var phaseCount: Int { stride == 1 ? 0 : tile.extent * phaseColumns * depth }

    /// The columns of phases under a row of tiles.
    private var phaseColumns: Int { columns * tile.outputExtent + tile.kernelExtent - 1 }

    /// From one place's transformed tiles to the next's: off by a cache line, so that the places of a tile do not all fall
    /// into the same set of the cache.
    package func placeStride(tileCount: Int, width: Int) -> Int { tileCount * width + Self.lanes }

    /// How tiles lie on an image of the output.
    package var outputTiles: kernel_winograd_tiles {
        kernel_winograd_tiles(
            extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: geometry.outputHeight,
            width: geometry.outputWidth, pixel_stride: geometry.outputChannels, padding_height: 0, padding_width: 0,
            tile_columns: columns)
    }

    /// One row of tiles of the input.
    ///
    /// - Parameters:
    ///   - zeros: as many as ``paddedDepth``.
    ///   - phases: room for ``phaseCount``.
    ///   - transformed: tiles ``paddedDepth`` apart, places `placeStride` apart.
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
