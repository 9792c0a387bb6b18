import CKernels
import Files
import Threads

/// How the tiles of Winograd's F(4, 3) in integers cover a convolution: its kernel is divided into parts of at most 3×3, and
/// its output into tiles of 4×4 with a rest that is computed by the definition.
///
/// A stride is removed by space-to-depth, as in ``WinogradConvolution``: then ``channels`` and ``kernelSize`` are those of the
/// convolution over the phases.
struct IntegerWinogradTiling: Sendable {
    /// A part of the kernel.
    struct Part: Sendable {
        /// The part's first element.
        let row: Int
        let column: Int
        /// The part's extent, 1 to 3.
        let rowCount: Int
        let columnCount: Int
    }

    let geometry: ConvolutionGeometry
    /// The convolution's stride. There are stride·stride phases.
    let stride: Int
    /// The input channels of a group, with each phase counted as a channel.
    let channels: Int
    /// The extent of the kernel over the phases.
    let kernelSize: Size2d
    let parts: [Part]
    /// The number of rows of tiles in an image.
    let rows: Int
    /// The number of tiles in a row.
    let columns: Int
    /// The parts in a column and in a row of the kernel, and how many of them have the full extent.
    private let partCounts: Size2d
    private let fullPartCounts: Size2d

    static let placeCount = Int(KERNEL_INTEGER_TILE_PLACES)
    private static let extent = Int(KERNEL_INTEGER_TILE_EXTENT)
    /// The side of a tile's output. Units: pixels.
    static let outputExtent = Int(KERNEL_INTEGER_TILE_OUTPUT)
    /// The side of a whole part.
    private static let partExtent = 3

    /// A tiling; nil for strides that differ by axis, and for strides of kernels that are not square.
    init?(_ geometry: ConvolutionGeometry) {
        let (kernel, stride) = (geometry.window.kernelSize, geometry.window.stride)
        guard stride == 1 || stride.height == stride.width && kernel.height == kernel.width else { return nil }
        self.geometry = geometry
        self.stride = stride.height
        channels = geometry.inputsPerGroup * stride.height * stride.width
        kernelSize = Size2d(
            height: (kernel.height + stride.height - 1) / stride.height,
            width: (kernel.width + stride.width - 1) / stride.width)
        rows = Self.tileCount(geometry.outputHeight)
        columns = Self.tileCount(geometry.outputWidth)
        let extent = Self.partExtent
        partCounts = Size2d(
            height: (kernelSize.height + extent - 1) / extent, width: (kernelSize.width + extent - 1) / extent)
        fullPartCounts = Size2d(height: kernelSize.height / extent, width: kernelSize.width / extent)
        var parts: [Part] = []
        for row in Swift.stride(from: 0, to: kernelSize.height, by: extent) {
            for column in Swift.stride(from: 0, to: kernelSize.width, by: extent) {
                parts.append(
                    Part(
                        row: row, column: column, rowCount: min(extent, kernelSize.height - row),
                        columnCount: min(extent, kernelSize.width - column)))
            }
        }
        self.parts = parts
    }

    /// A last row or column of a single pixel is cheaper by the definition than as a tile.
    private static func tileCount(_ extent: Int) -> Int {
        extent > outputExtent && extent % outputExtent == 1
            ? extent / outputExtent : (extent + outputExtent - 1) / outputExtent
    }

    /// The output pixels that tiles cover.
    var tiledHeight: Int { min(rows * Self.outputExtent, geometry.outputHeight) }
    var tiledWidth: Int { min(columns * Self.outputExtent, geometry.outputWidth) }

    /// The output pixels that no tile covers: at most a row and a column.
    var rest: [ByteWindows.Rectangle] {
        [
            ByteWindows.Rectangle(rows: tiledHeight..<geometry.outputHeight, columns: 0..<geometry.outputWidth),
            ByteWindows.Rectangle(rows: 0..<tiledHeight, columns: tiledWidth..<geometry.outputWidth),
        ].filter { $0.count > 0 }
    }

    /// ``channels``, rounded up to whole pairs: one part's share of a product's depth.
    var partDepth: Int { (channels + 1) / 2 * 2 }

    /// The phases that one row of tiles reads. Units: pixels.
    var phaseRows: Int { Self.extent + Self.partExtent * (partCounts.height - 1) }
    var phaseColumns: Int {
        Self.outputExtent * (columns - 1) + Self.extent + Self.partExtent * (partCounts.width - 1)
    }
    /// Scratch memory for these phases. Units: bytes.
    var phaseByteCount: Int { stride == 1 ? 0 : phaseRows * phaseColumns * channels }

    /// The number of parts that are multiplied at a place. The last row and column of places, the point at infinity, only
    /// see the parts of full extent.
    func partCount(place: Int) -> Int { visible(place).height * visible(place).width }

    /// The most parts that are multiplied at a place.
    var mostParts: Int { parts.count }

    /// The index of a part among those that are multiplied at a place; nil if it is not.
    func slot(part: Int, place: Int) -> Int? {
        let (row, column) = (part / partCounts.width, part % partCounts.width)
        let visible = visible(place)
        return row < visible.height && column < visible.width ? row * visible.width + column : nil
    }

    private func visible(_ place: Int) -> Size2d {
        let (row, column) = (place / Self.extent, place % Self.extent)
        return Size2d(
            height: row == Self.extent - 1 ? fullPartCounts.height : partCounts.height,
            width: column == Self.extent - 1 ? fullPartCounts.width : partCounts.width)
    }

    /// The number of transformed weights.
    private var weightCount: Int {
        (0..<Self.placeCount).reduce(0) { $0 + partCount(place: $1) } * partDepth * geometry.outputChannels
    }

    /// The number of 16-bit multiply-adds for one image.
    var int16MultiplyAddCount: Int { rows * columns * weightCount }

    /// The number of 8-bit multiply-adds for one image.
    var int8MultiplyAddCount: Int {
        rest.reduce(0) { $0 + $1.count } * geometry.depth * geometry.outputChannels
    }

    /// The estimated cost for one image. Units: 8-bit multiply-adds, approximately.
    var cost: Double {
        // Reading, transforming and writing one element of one channel takes as long as about 25 16-bit products.
        let transformed = parts.count * ((channels + 31) / 32 * 32) + geometry.outputsPerGroup
        let transforms = 25 * rows * columns * Self.placeCount * transformed * geometry.groups
        return Double(int16MultiplyAddCount + transforms) * kernel_int16_product_cost() + Double(int8MultiplyAddCount)
    }

    /// The estimated cost of reading the transformed kernels from memory: ten 8-bit multiply-adds a byte. Units as of
    /// ``cost``.
    var batchCost: Double { 10 * Double(weightCount * MemoryLayout<Int16>.stride) }
}

/// The transformed kernels of one group of a quantized convolution, packed for ``kernel_multiply_int16``.
///
/// Shape: `[block of outputs][place][panel][depth / 2][16][2]`; the depth is that of the parts that a place sees.
struct IntegerWinogradFilters: Sendable {
    private let tiling: IntegerWinogradTiling
    private let panels: AlignedBuffer
    private let panelCount: Int

    private static let panelOutputs = Int(KERNEL_INT16_PANEL_COLUMNS)
    /// The panels of a block: few enough that its products with some tiles stay in the L2 cache.
    private static let blockPanelCount = 4

    init(tiling: IntegerWinogradTiling, kernels: ByteMatrix, workers: WorkerPool) {
        self.tiling = tiling
        panelCount = kernels.panelCount
        let count = kernels.panelCount * Self.panelSize(tiling)
        panels = AlignedBuffer(byteCount: count * MemoryLayout<Int16>.stride)
        let filters = self
        workers.parallelFor(panelCount) { panel, _ in filters.transform(kernels, panel: panel) }
    }

    /// The numbers of all places of one panel.
    private static func panelSize(_ tiling: IntegerWinogradTiling) -> Int {
        (0..<IntegerWinogradTiling.placeCount).reduce(0) { $0 + placeSize(tiling, place: $1) }
    }

    /// The numbers of one place of one panel.
    private static func placeSize(_ tiling: IntegerWinogradTiling, place: Int) -> Int {
        tiling.partCount(place: place) * tiling.partDepth * panelOutputs
    }

    private func transform(_ kernels: ByteMatrix, panel: Int) {
        let block = panel / Self.blockPanelCount
        for (index, part) in tiling.parts.enumerated() {
            let places = (0..<IntegerWinogradTiling.placeCount).map { place in
                tiling.slot(part: index, place: place).map {
                    offset(block: block, place: place)
                        + panel % Self.blockPanelCount * Self.placeSize(tiling, place: place)
                        + $0 * tiling.partDepth * Self.panelOutputs
                } ?? -1
            }
            kernels.withPanel(panel) {
                kernel_integer_winograd_kernels(
                    $0, tiling.channels, tiling.kernelSize.width, Int32(part.row), Int32(part.column),
                    Int32(part.rowCount), Int32(part.columnCount), places,
                    panels.bytes.bindMemory(to: Int16.self).baseAddress)
            }
        }
    }

    /// The number of blocks of output channels.
    var blockCount: Int { (panelCount + Self.blockPanelCount - 1) / Self.blockPanelCount }
    /// The output channels of the largest block, rounded up to whole panels.
    var widestBlock: Int { min(Self.blockPanelCount, panelCount) * Self.panelOutputs }
    /// The memory of the packed kernels. Units: bytes.
    var byteCount: Int { panels.bytes.count }

    private func panelRange(_ block: Int) -> Range<Int> {
        block * Self.blockPanelCount..<min((block + 1) * Self.blockPanelCount, panelCount)
    }

    /// The output channels of a block.
    func outputs(ofBlock block: Int) -> Range<Int> {
        let panels = panelRange(block)
        return panels.lowerBound
            * Self.panelOutputs..<min(
                panels.upperBound * Self.panelOutputs, tiling.geometry.outputsPerGroup)
    }

    private func offset(block: Int, place: Int) -> Int {
        let panels = panelRange(block)
        let before = (0..<place).reduce(0) { $0 + Self.placeSize(tiling, place: $1) }
        return panels.lowerBound * Self.panelSize(tiling) + panels.count * before
    }

    /// Multiplies transformed tiles by one block's kernels, for each place of a tile.
    ///
    /// Shape: tiles `[place][tile][depth]`, output `[place][tile][widestBlock]`. Units of the strides: elements.
    func multiply(
        block: Int, _ tiles: UnsafePointer<Int16>, placeStride: Int, tileStride: Int, tileCount: Int,
        into output: UnsafeMutablePointer<Int32>, outputPlaceStride: Int
    ) {
        let panelCount = panelRange(block).count
        guard var kernels = UnsafePointer(panels.bytes.bindMemory(to: Int16.self).baseAddress) else { return }
        kernels += offset(block: block, place: 0)
        for place in 0..<IntegerWinogradTiling.placeCount {
            kernel_multiply_int16(
                tiles + place * placeStride, tileStride, tileCount, kernels, panelCount,
                tiling.partCount(place: place) * tiling.partDepth, output + place * outputPlaceStride, widestBlock)
            kernels += panelCount * Self.placeSize(tiling, place: place)
        }
    }
}
