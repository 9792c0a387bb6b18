import CKernels
import Files

/// Computes ``Conv2d`` by im2row: windows are unfolded into the rows of a matrix, which is multiplied by the kernels.
///
/// The output positions are divided into blocks. The rows of a block fit into the L2 cache, and even a single image has
/// enough blocks for every thread. Pointwise convolutions need no unfolding.
/// - Source: Chellapilla, Puri and Simard 2006, "High performance convolutional neural networks for document
///   processing".
struct Im2rowConvolution: Operation {
    /// The implementation of the matrix product.
    enum Product: String, Sendable, CaseIterable {
        /// The matrix product of CKernels; the kernels are packed once.
        case panels = "im2row"
        /// OpenBLAS with row-major kernels: the reference.
        case blas = "im2row-blas"
    }

    let name: String
    private let layer: Conv2d
    private let geometry: ConvolutionGeometry
    private let activation: Activation?
    private let addsSecondInput: Bool
    /// The kernels with channels innermost, `[O, KH, KW, C / groups]`: one matrix for each group.
    private let kernels: Kernels

    private enum Kernels {
        case panels([PanelMatrix])
        case rows(Tensor)
    }

    /// The largest unfolded matrix. It should stay in a core's L2 cache beside the kernels. Units: floats.
    private(set) var setting = Self.rowLimits[0]

    /// The sizes of the unfolded matrix that are measured, the default first. Units: floats.
    private static let rowLimits = [128 << 10, 32 << 10]

    /// The rows that the kernels multiply at once on AVX-512. Units: output positions.
    private static let tileRows = 12

    /// - Parameter addsSecondInput: whether a second input of the output's shape is added before the activation.
    init(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?, addsSecondInput: Bool = false,
        product: Product, memory: BufferPool?
    ) {
        name = product.rawValue
        self.addsSecondInput = addsSecondInput
        self.layer = layer
        self.geometry = geometry
        self.activation = activation
        let rows = Self.channelsInnermost(layer.weight, memory: memory)
        switch product {
        case .blas: kernels = .rows(rows)
        case .panels:
            kernels = rows.withUnsafeScalars { values in
                guard let values = values.baseAddress else { return .panels([]) }
                let groupSize = geometry.outputsPerGroup * geometry.depth
                return .panels(
                    (0..<geometry.groups).map {
                        PanelMatrix(
                            columns: geometry.outputsPerGroup, depth: geometry.depth,
                            transposed: values + $0 * groupSize, memory: memory)
                    })
            }
        }
    }

    /// Shape: weight `[O, I, KH, KW]`, result `[O, KH, KW, I]`.
    static func channelsInnermost(_ weight: Tensor, memory: BufferPool?) -> Tensor {
        let (outputs, inputs, places) = (weight.shape[0], weight.shape[1], weight.shape[2] * weight.shape[3])
        guard inputs > 1, places > 1 else { return weight }
        return Tensor([outputs, weight.shape[2], weight.shape[3], inputs], from: memory) { result in
            weight.withUnsafeScalars { kernels in
                guard let kernels = kernels.baseAddress, let result = result.baseAddress else { return }
                for output in 0..<outputs {
                    kernel_transpose(
                        kernels + output * inputs * places, inputs, places, result + output * inputs * places)
                }
            }
        }
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }

    /// The output channels of one group, rounded up to whole panels.
    private var paddedOutputs: Int {
        guard case .panels(let matrices) = kernels else { return geometry.outputsPerGroup }
        return matrices.first?.paddedColumns ?? 0
    }

    /// Whether the product can be written directly to the output: only if its padded rows do not overwrite another
    /// group's channels.
    private var writesInPlace: Bool { paddedOutputs == geometry.outputsPerGroup }

    /// Scratch memory for the unfolded rows of one block. Units: floats.
    private var unfoldedCount: Int { geometry.isPointwise ? 0 : ArenaLayout.align(geometry.depth * largestBlock) }

    var weightByteCount: Int {
        switch kernels {
        case .panels(let matrices): matrices.reduce(0) { $0 + $1.byteCount }
        case .rows(let rows): rows.shape.elementCount * MemoryLayout<Float>.stride
        }
    }

    func variants(batchSize: Int) -> [any Operation] {
        // OpenBLAS has blocks of its own; the last bits of its sums depend on the number of rows.
        guard case .panels = kernels else { return [] }
        return Self.rowLimits.dropFirst().compactMap {
            var variant = self
            variant.setting = $0
            return variant.largestBlock == largestBlock ? nil : variant
        }
    }

    func scratchByteCount(batchSize: Int) -> Int {
        (unfoldedCount + (writesInPlace ? 0 : largestBlock * paddedOutputs)) * MemoryLayout<Float>.stride
    }

    /// The most output positions in a block.
    private var largestBlock: Int { min(geometry.positions, max(24, setting / geometry.depth)) }

    func run(_ run: OperationRun) {
        let units = run.batchSize * geometry.groups
        let blockCount = BlockCount.of(
            rows: geometry.positions, most: largestBlock, least: Self.tileRows, units: units,
            threadCount: run.threadCount)
        run.parallelFor(units * blockCount) { index, slot in
            let (unit, block) = (index / blockCount, index % blockCount)
            multiply(
                run, image: unit / geometry.groups, group: unit % geometry.groups,
                positions: geometry.positions * block / blockCount..<geometry.positions * (block + 1) / blockCount,
                scratch: run.scratch(slot: slot))
        }
    }

    private func multiply(
        _ run: OperationRun, image: Int, group: Int, positions: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        let pixels = geometry.height * geometry.width
        let input = run.input() + image * pixels * geometry.inputChannels + group * geometry.inputsPerGroup
        let firstOutput = group * geometry.outputsPerGroup
        let place = (image * geometry.positions + positions.lowerBound) * geometry.outputChannels + firstOutput
        let output = run.output + place
        var rows = UnsafePointer(scratch)
        var rowStride = geometry.depth
        if geometry.isPointwise {
            rows = input + positions.lowerBound * geometry.inputChannels
            rowStride = geometry.inputChannels
        } else {
            var window = geometry.kernelWindow
            kernel_im2row(input, geometry.inputsPerGroup, &window, positions.lowerBound, positions.count, scratch)
        }
        switch kernels {
        case .panels(let matrices):
            let products = writesInPlace ? output : scratch + unfoldedCount
            let stride = writesInPlace ? geometry.outputChannels : paddedOutputs
            matrices[group].multiply(
                rows, leftStride: rowStride, rowCount: positions.count, into: products, outputStride: stride)
            if !writesInPlace {
                for row in 0..<positions.count {
                    (output + row * geometry.outputChannels).update(
                        from: products + row * stride, count: geometry.outputsPerGroup)
                }
            }
        case .rows(let kernels):
            kernels.withUnsafeScalars { kernels in
                BLAS.multiply(
                    rows: positions.count, columns: geometry.outputsPerGroup, depth: geometry.depth,
                    left: rows, leftStride: rowStride,
                    right: kernels.baseAddress.map { $0 + firstOutput * geometry.depth }, .transposed,
                    rightStride: geometry.depth,
                    into: output, stride: geometry.outputChannels)
            }
        }
        layer.bias.withUnsafeScalars { bias in
            let bias = bias.baseAddress.map { $0 + firstOutput }
            if addsSecondInput {
                kernel_bias_columns_sum(
                    output, positions.count, geometry.outputsPerGroup, geometry.outputChannels, bias,
                    run.input(1) + place, activation == .relu)
            } else {
                kernel_bias_columns(
                    output, positions.count, geometry.outputsPerGroup, geometry.outputChannels, bias,
                    activation == .relu)
            }
        }
    }
}
