/// The window of a convolution or a pooling: its size, and how it slides over the input.
public struct Window: Hashable, Sendable {
    /// Rows and columns of the window.
    public let kernelSize: Size2d
    /// How far the window moves from one output to the next.
    public let stride: Size2d
    /// How far windows may reach over each edge.
    public let padding: Size2d
    /// Whether a last window counts that reaches over the padded edge: PyTorch's `ceil_mode`.
    public let roundsUp: Bool

    /// A window; by default it moves by one element and stays within the edges.
    public init(kernelSize: Size2d, stride: Size2d = 1, padding: Size2d = 0, roundsUp: Bool = false) {
        precondition(
            min(kernelSize.height, kernelSize.width, stride.height, stride.width) > 0
                && min(padding.height, padding.width) >= 0,
            "no window has kernel size \(kernelSize), stride \(stride) and padding \(padding)")
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.roundsUp = roundsUp
    }

    /// The window of a pooling.
    ///
    /// Limits: padding is at most half the kernel, so that no window is empty.
    init(poolingOf kernelSize: Size2d, stride: Size2d, padding: Size2d, roundsUp: Bool) {
        precondition(
            2 * padding.height <= kernelSize.height && 2 * padding.width <= kernelSize.width,
            "padding \(padding) is over half the kernel size \(kernelSize)")
        self.init(kernelSize: kernelSize, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    /// The output of a pooling: one pixel for each window.
    ///
    /// Shape: input `[C, H, W]`, output `[C, H', W']`.
    /// - Parameter layer: the pooling's name, for the error.
    func pooledShape(of input: Shape, layer: String) throws(ShapeError) -> Shape {
        guard input.rank == 3, let size = outputSize(for: Size2d(height: input[1], width: input[2])) else {
            throw ShapeError(
                layer: "\(layer)(kernelSize: \(kernelSize), stride: \(stride))", found: [input],
                expected: "[C, H, W] with room for its window")
        }
        return [input[0], size.height, size.width]
    }

    /// How many windows fit: H' = (H + 2·padding − kernel) / stride + 1, rounded down, or up with ``roundsUp``.
    ///
    /// - Returns: nil where not even one fits.
    public func outputSize(for input: Size2d) -> Size2d? {
        guard
            let height = Self.count(input.height, kernelSize.height, stride.height, padding.height, roundsUp),
            let width = Self.count(input.width, kernelSize.width, stride.width, padding.width, roundsUp)
        else { return nil }
        return Size2d(height: height, width: width)
    }

    private static func count(_ extent: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ roundsUp: Bool) -> Int? {
        let spare = extent + 2 * padding - kernel
        guard spare >= 0 else { return nil }
        guard roundsUp else { return spare / stride + 1 }
        let count = (spare + stride - 1) / stride + 1
        // The last window must begin within the input or the padding before it, as in PyTorch.
        return (count - 1) * stride >= extent + padding ? count - 1 : count
    }
}

/// The extents of a plane. Units: elements.
public struct Size2d: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// A plane of these extents.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }
}

extension Size2d: ExpressibleByIntegerLiteral {
    /// The same both ways.
    public init(integerLiteral value: Int) { self.init(square: value) }

    /// The same both ways.
    public init(square extent: Int) { self.init(height: extent, width: extent) }
}

extension Size2d: CustomStringConvertible {
    /// `3×3`
    public var description: String { "\(height)×\(width)" }
}
