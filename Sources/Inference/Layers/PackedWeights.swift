import CKernels

/// A linear layer's weights in fewer bytes, in panels of 32 outputs: what a kernel reads is one stretch of memory.
///
/// Each output has a scale, so that no finite weight is too large or too small: a power of two with float16, a 127th of the
/// output's largest weight with int8.
public struct PackedWeights: Sendable {
    /// How a weight is written.
    enum Element: String, Sendable, CaseIterable {
        case float16, int8

        fileprivate var byteCount: Int { self == .float16 ? 2 : 1 }
    }

    let element: Element
    /// Shape: `[outputs, inputs]`, as of the weights that were packed.
    let shape: Shape
    /// Shape: `[panel][input][32]`; zero behind the last output.
    private let panels: AlignedBuffer
    /// Shape: `[panel][32]`.
    private let scales: AlignedBuffer

    /// Outputs of a panel.
    static let panelOutputs = Int(KERNEL_LINEAR_OUTPUTS)

    /// Packs finite weights of `[outputs, inputs]`; the threads share the work.
    init(_ weight: Tensor, as element: Element, workers: WorkerPool) {
        precondition(weight.shape.rank == 2, "a linear layer's weight is [O, I], not \(weight.shape)")
        self.element = element
        shape = weight.shape
        let (outputs, depth) = (shape[0], shape[1])
        let panelCount = (outputs + Self.panelOutputs - 1) / Self.panelOutputs
        let panels = AlignedBuffer(byteCount: panelCount * Self.panelOutputs * depth * element.byteCount)
        let scales = AlignedBuffer(byteCount: panelCount * Self.panelOutputs * MemoryLayout<Float>.stride)
        workers.parallelFor(panelCount) { panel, _ in
            weight.withUnsafeScalars { rows in
                guard let rows = rows.baseAddress, let memory = panels.bytes.baseAddress,
                    let scales = scales.bytes.bindMemory(to: Float.self).baseAddress
                else { return }
                let first = panel * Self.panelOutputs
                let count = min(Self.panelOutputs, outputs - first)
                let target = memory + first * depth * element.byteCount
                switch element {
                case .float16:
                    kernel_linear_pack_float16(
                        rows + first * depth, count, depth, target.assumingMemoryBound(to: UInt16.self), scales + first)
                case .int8:
                    kernel_linear_pack_int8(
                        rows + first * depth, count, depth, target.assumingMemoryBound(to: Int8.self), scales + first)
                }
            }
        }
        self.panels = panels
        self.scales = scales
    }

    /// How many panels there are.
    var panelCount: Int { (shape[0] + Self.panelOutputs - 1) / Self.panelOutputs }

    /// Units: bytes.
    var byteCount: Int { panels.bytes.count + scales.bytes.count }

    /// Computes one panel's outputs.
    ///
    /// - Parameter sums: room for 32 floats an image.
    func multiply(panel: Int, _ layer: kernel_linear, sums: UnsafeMutablePointer<Float>) {
        withExtendedLifetime((panels, scales)) {
            guard let memory = panels.bytes.baseAddress, let scale = scales.bytes.baseAddress else { return }
            let first = panel * Self.panelOutputs
            let weights = memory + first * shape[1] * element.byteCount
            let scales = scale.assumingMemoryBound(to: Float.self) + first
            withUnsafePointer(to: layer) { layer in
                switch element {
                case .float16:
                    kernel_linear_float16(weights.assumingMemoryBound(to: UInt16.self), scales, layer, sums)
                case .int8: kernel_linear_int8(weights.assumingMemoryBound(to: Int8.self), scales, layer, sums)
                }
            }
        }
    }

    /// The weights that the packed numbers stand for, `[outputs, inputs]`.
    func unpacked() -> Tensor {
        let (outputs, depth) = (shape[0], shape[1])
        return Tensor(shape) { values in
            for output in 0..<outputs {
                let scale = scales.bytes.load(fromByteOffset: output * MemoryLayout<Float>.stride, as: Float.self)
                let panel = output / Self.panelOutputs * Self.panelOutputs * depth
                for k in 0..<depth {
                    let place = (panel + k * Self.panelOutputs + output % Self.panelOutputs) * element.byteCount
                    let number =
                        switch element {
                        case .float16:
                            ScalarConversion.float(float16: panels.bytes.load(fromByteOffset: place, as: UInt16.self))
                        case .int8: Float(panels.bytes.load(fromByteOffset: place, as: Int8.self))
                        }
                    values[output * depth + k] = number * scale
                }
            }
        }
    }
}
