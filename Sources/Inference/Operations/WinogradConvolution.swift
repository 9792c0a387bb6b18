import CKernels

/// A convolution by Winograd's minimal filtering: 4 to 6.25 times fewer multiplications than its definition has, paid for
/// with additions.
///
/// A stride s is taken apart into phases: the input's rows and columns are dealt out to s·s times as many channels, over
/// which the convolution is one of stride 1 and of a kernel s times smaller. AlexNet's first, 11×11 with stride 4 over 3
/// channels, becomes 3×3 over 48.
///
/// A block of tiles is transformed channel by channel, multiplied with the transformed kernels by one matrix product for
/// each place of a tile, and transformed back, with bias and activation in the last step. Blocks are the units that
/// threads share; where there are fewer blocks than threads, a block's output channels are divided too.
/// - Source: Lavin and Gray 2015, arXiv:1509.09308.
struct WinogradConvolution: Operation {
    let name = "winograd"
    private let layer: Conv2d
    private let geometry: ConvolutionGeometry
    private let activation: Activation?
    /// Height and width of a tile's input: 6 or 8.
    private let tileExtent: Int
    /// One matrix `[O / groups, I / groups]` for each group and each place of a tile.
    private let filters: [PackedMatrix]
    private let tileRows: Int
    private let tileColumns: Int

    /// What a block's transformed inputs and outputs may take together. Units: floats.
    private static let blockLimit = 3 << 19
    private static let lanes = Int(KERNEL_WINOGRAD_LANES)
    private static let tileOutput = Int(KERNEL_WINOGRAD_OUTPUT)

    /// Nil where the kernel is none that the transforms know.
    init?(layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?) {
        let window = layer.window
        let stride = window.stride.height
        let kernelSize = (window.kernelSize.height + stride - 1) / stride
        guard window.kernelSize.height == window.kernelSize.width, stride == window.stride.width,
            let tileExtent = WinogradFilter.tileExtent(kernelSize: kernelSize)
        else { return nil }
        self.layer = layer
        self.geometry = geometry
        self.activation = activation
        self.tileExtent = tileExtent
        let phased = Self.phases(of: layer.weight, stride: stride, kernelSize: kernelSize)
        filters = Self.pack(WinogradFilter.transform(phased, tileExtent: tileExtent), groups: layer.groups)
        tileRows = (geometry.outputHeight + Self.tileOutput - 1) / Self.tileOutput
        tileColumns = (geometry.outputWidth + Self.tileOutput - 1) / Self.tileOutput
    }

    /// Deals the kernels' rows and columns out to one channel a phase.
    ///
    /// Shape: weight `[O, I, K, K]`, result `[O, I·stride·stride, kernelSize, kernelSize]`, zero behind the kernel's edge.
    private static func phases(of weight: Tensor, stride: Int, kernelSize: Int) -> Tensor {
        guard stride > 1 else { return weight }
        let (outputs, inputs, extent) = (weight.shape[0], weight.shape[1], weight.shape[2])
        return Tensor([outputs, inputs * stride * stride, kernelSize, kernelSize]) { phased in
            phased.initialize(repeating: 0)
            weight.withUnsafeScalars { kernels in
                for pair in 0..<outputs * inputs {
                    for y in 0..<extent {
                        for x in 0..<extent {
                            let phase = (pair * stride + y % stride) * stride + x % stride
                            let place = (phase * kernelSize + y / stride) * kernelSize + x / stride
                            phased[place] = kernels[(pair * extent + y) * extent + x]
                        }
                    }
                }
            }
        }
    }

    /// Shape: transformed kernels `[n·n, O, I / groups]`.
    private static func pack(_ transformed: Tensor, groups: Int) -> [PackedMatrix] {
        let (places, outputs, inputs) = (transformed.shape[0], transformed.shape[1] / groups, transformed.shape[2])
        return transformed.withUnsafeScalars { values in
            guard let start = values.baseAddress else { return [] }
            return (0..<groups * places).map { index in
                let (group, place) = (index / places, index % places)
                return PackedMatrix(
                    rows: outputs, depth: inputs, start + (place * groups + group) * outputs * inputs)
            }
        }
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }

    private var places: Int { tileExtent * tileExtent }

    /// How many phases each row and each column has.
    private var stride: Int { geometry.window.stride.height }

    /// Channels of a group, each phase counted as one.
    private var depth: Int { geometry.inputsPerGroup * stride * stride }

    /// The rows of tiles of one image that a block holds at most, and the images if that is all of them.
    private var block: (tileRows: Int, images: Int) {
        let perTile = places * (depth + geometry.outputsPerGroup)
        let tiles = max(Self.lanes, Self.blockLimit / perTile)
        if tiles < tileRows * tileColumns { return (max(1, tiles / tileColumns), 1) }
        return (tileRows, tiles / (tileRows * tileColumns))
    }

    private func paddedCount(tileRows: Int) -> Int {
        let border = tileExtent - Self.tileOutput
        return ArenaLayout.align(
            (tileRows * Self.tileOutput + border) * (tileColumns * Self.tileOutput + border))
    }

    /// Tiles of a block, with those lanes that stay empty.
    private func laneCount(tileRows: Int, images: Int) -> Int {
        (tileRows * tileColumns * images + Self.lanes - 1) / Self.lanes * Self.lanes
    }

    func scratchByteCount(batchSize: Int) -> Int {
        let lanes = laneCount(tileRows: block.tileRows, images: block.images)
        let transformed = places * lanes * (depth + geometry.outputsPerGroup)
        return (paddedCount(tileRows: block.tileRows) + transformed) * MemoryLayout<Float>.stride
    }

    func run(_ run: OperationRun) {
        let images = max(1, min(block.images, run.batchSize / run.workers.threadCount))
        let rowBlocks = (tileRows + block.tileRows - 1) / block.tileRows
        let imageBlocks = (run.batchSize + images - 1) / images
        let blocks = rowBlocks * imageBlocks * geometry.groups
        // Each share of a block's outputs transforms the inputs anew; that is cheap beside the products.
        let shares = blocks < run.workers.threadCount ? run.workers.threadCount : 1
        run.workers.parallelFor(blocks * shares) { index, slot in
            let (block, share) = (index / shares, index % shares)
            let firstRow = block % rowBlocks * self.block.tileRows
            let firstImage = block / rowBlocks % imageBlocks * images
            convolve(
                run, group: block / rowBlocks / imageBlocks,
                tileRows: firstRow..<min(firstRow + self.block.tileRows, tileRows),
                images: firstImage..<min(firstImage + images, run.batchSize),
                outputs: outputs(share: share, of: shares),
                scratch: run.scratch(slot: slot))
        }
    }

    /// The output channels of one of several equal shares, cut where packed rows may be.
    private func outputs(share: Int, of count: Int) -> Range<Int> {
        func bound(_ share: Int) -> Int {
            let blocks = (geometry.outputsPerGroup + PackedMatrix.rowAlignment - 1) / PackedMatrix.rowAlignment
            return min(share * blocks / count * PackedMatrix.rowAlignment, geometry.outputsPerGroup)
        }
        return bound(share)..<bound(share + 1)
    }

    /// Computes some output channels of a group for one block of tiles.
    private func convolve(
        _ run: OperationRun, group: Int, tileRows: Range<Int>, images: Range<Int>, outputs: Range<Int>,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let lanes = laneCount(tileRows: tileRows.count, images: images.count)
        let plane = geometry.height * geometry.width
        let padded = scratch
        let transformed = padded + paddedCount(tileRows: tileRows.count)
        let products = transformed + places * depth * lanes
        var input = kernel_winograd_block(
            height: geometry.height, width: geometry.width, step: stride, offset_y: 0, offset_x: 0,
            tile_columns: tileColumns, first_tile_row: tileRows.lowerBound, tile_row_count: tileRows.count,
            image_count: images.count, image_stride: geometry.inputChannels * plane)
        let firstPlane =
            run.input() + (images.lowerBound * geometry.inputChannels + group * geometry.inputsPerGroup) * plane
        for channel in 0..<depth {
            let (phase, padding) = (channel % (stride * stride), geometry.window.padding)
            input.offset_y = phase / stride - padding.height
            input.offset_x = phase % stride - padding.width
            kernel_winograd_input(
                firstPlane + channel / (stride * stride) * plane, &input, Int32(tileExtent), padded,
                transformed + channel * Self.lanes, depth * Self.lanes, depth * lanes)
        }
        let firstOutput = group * geometry.outputsPerGroup + outputs.lowerBound
        for place in 0..<places {
            filters[group * places + place].multiply(
                rows: outputs, panels: transformed + place * depth * lanes, panelCount: lanes / Self.lanes,
                into: products + place * outputs.count * lanes, outputStride: lanes)
        }
        var output = input
        output.height = geometry.outputHeight
        output.width = geometry.outputWidth
        output.image_stride = geometry.outputChannels * geometry.positions
        let firstOutputPlane =
            run.output + (images.lowerBound * geometry.outputChannels + firstOutput) * geometry.positions
        layer.bias.withUnsafeScalars { bias in
            for channel in 0..<outputs.count {
                kernel_winograd_output(
                    products + channel * lanes, outputs.count * lanes, &output, Int32(tileExtent),
                    bias[firstOutput + channel], activation == .relu,
                    firstOutputPlane + channel * geometry.positions)
            }
        }
    }
}
