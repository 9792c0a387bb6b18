/// The sliding window of a convolution or a pooling: its size, stride and padding.
public struct Window: Hashable, Sendable {
    /// Rows and columns of the window. Units: pixels.
    public let kernelSize: Size2d
    /// The distance from one window to the next. Units: pixels.
    public let stride: Size2d
    /// The padding at each edge. Units: pixels.
    public let padding: Size2d
    /// Whether the output size is rounded up, so that a last window may extend beyond the padding: PyTorch's
    /// `ceil_mode`.
    public let roundsUp: Bool

    /// A window; by default with stride 1 and without padding.
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
    /// Limits: padding is at most half the kernel, so that every window contains part of the input.
    init(poolingOf kernelSize: Size2d, stride: Size2d, padding: Size2d, roundsUp: Bool) {
        precondition(
            2 * padding.height <= kernelSize.height && 2 * padding.width <= kernelSize.width,
            "padding \(padding) is over half the kernel size \(kernelSize)")
        self.init(kernelSize: kernelSize, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    /// The output shape of a pooling: one pixel for each window.
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

    /// The number of windows: H' = (H + 2·padding − kernel) / stride + 1, rounded down, or up if ``roundsUp``.
    ///
    /// - Returns: nil if no window fits.
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
        // The last window must begin within the input or the padding above and left of it, as in PyTorch.
        return (count - 1) * stride >= extent + padding ? count - 1 : count
    }
}

/// The height and width of an image or a window. Units: pixels.
public struct Size2d: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// A size of these extents.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }
}

extension Size2d: ExpressibleByIntegerLiteral {
    /// A square.
    public init(integerLiteral value: Int) { self.init(square: value) }

    /// A square.
    public init(square extent: Int) { self.init(height: extent, width: extent) }
}

extension Size2d: CustomStringConvertible {
    /// Formatted as `3×3`.
    public var description: String { "\(height)×\(width)" }
}
