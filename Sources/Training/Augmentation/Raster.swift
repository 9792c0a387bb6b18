import CKernels
import Inference

/// The bytes of an image, which augmentation changes in place.
///
/// Shape: `[H, W, C]`, rows without gaps, C = 1 or 3 (red, green, blue).
struct Raster: ~Copyable {
    /// The number of rows. Units: pixels.
    let height: Int
    let width: Int
    let channelCount: Int
    /// The bytes of the image, followed by the padding that resampling may read.
    let pixels: UnsafeMutableBufferPointer<UInt8>

    var pixelCount: Int { height * width }
    var byteCount: Int { height * width * channelCount }

    /// Allocates uninitialised memory.
    init(height: Int, width: Int, channelCount: Int) {
        (self.height, self.width, self.channelCount) = (height, width, channelCount)
        let byteCount = height * width * channelCount
        pixels = .allocate(capacity: byteCount + Int(RESIZE_SLACK))
        UnsafeMutableBufferPointer(rebasing: pixels[byteCount...]).initialize(repeating: 0)
    }

    /// Copies an image.
    init(_ image: PixelImage) {
        self.init(height: image.height, width: image.width, channelCount: image.channelCount)
        _ = pixels.update(fromContentsOf: image.pixels)
    }

    deinit { pixels.deallocate() }

    /// A copy of the bytes.
    var bytes: [UInt8] { Array(pixels.prefix(byteCount)) }

    /// Flips horizontally.
    mutating func mirror() {
        for row in 0..<height {
            let start = row * width * channelCount
            var (left, right) = (start, start + (width - 1) * channelCount)
            while left < right {
                for channel in 0..<channelCount { pixels.swapAt(left + channel, right + channel) }
                left += channelCount
                right -= channelCount
            }
        }
    }

    /// Replaces each byte b by 255 − b.
    mutating func invert() { for index in 0..<byteCount { pixels[index] = 255 - pixels[index] } }

    /// Replaces every byte by its entry in the channel's table.
    ///
    /// - Parameter tables: one for each channel, or one for all; each has 256 bytes.
    mutating func map(_ tables: [[UInt8]]) {
        if tables.count == 1 || channelCount == 1 {
            tables[0].withUnsafeBufferPointer { table in
                for index in 0..<byteCount { pixels[index] = table[Int(pixels[index])] }
            }
        } else {
            for channel in 0..<channelCount {
                tables[channel].withUnsafeBufferPointer { table in
                    for index in stride(from: channel, to: byteCount, by: channelCount) {
                        pixels[index] = table[Int(pixels[index])]
                    }
                }
            }
        }
    }

    /// The luma of every pixel, as Pillow's `convert("L")`.
    borrowing func grey() -> Raster {
        let grey = Raster(height: height, width: width, channelCount: 1)
        guard let source = pixels.baseAddress, let target = grey.pixels.baseAddress else { return grey }
        if channelCount == 1 {
            target.update(from: source, count: pixelCount)
        } else {
            resize_grey_row(source, target, pixelCount)
        }
        return grey
    }

    /// A resized crop, or a window of it.
    ///
    /// - Parameter turnsGrey: converts to one channel.
    borrowing func resized(_ part: ResizedCrop, turnsGrey: Bool) -> Raster {
        let channelCount = turnsGrey ? 1 : channelCount
        let result = Raster(
            height: part.rowWindow.count, width: part.columnWindow.count, channelCount: channelCount)
        guard let output = result.pixels.baseAddress else { return result }
        part.resize(from: (height, width))(
            UnsafeBufferPointer(pixels), stride: width * self.channelCount, width: width,
            channelCount: self.channelCount, turnsGrey: turnsGrey, to: output)
        return result
    }

    /// Writes the normalised input of the network.
    ///
    /// - Precondition: height and width are those of the network's input. The image has the input's channels, or one
    ///   channel.
    /// - Parameter output: room for at least the scalars of ``Preprocessing/tensorShape``.
    mutating func normalize(_ preprocessing: Preprocessing, into output: UnsafeMutableBufferPointer<Float>) {
        guard let start = pixels.baseAddress else { return }
        guard preprocessing.colour != .grey else {
            preprocessing.normalize(start, into: output)
            return
        }
        if channelCount == 1 {
            let coloured = Raster(height: height, width: width, channelCount: 3)
            guard let target = coloured.pixels.baseAddress else { return }
            for index in 0..<pixelCount {
                let grey = start[index]
                target[3 * index] = grey
                target[3 * index + 1] = grey
                target[3 * index + 2] = grey
            }
            preprocessing.normalize(target, into: output)
        } else {
            if preprocessing.colour == .bgr {
                for index in stride(from: 0, to: byteCount, by: 3) { pixels.swapAt(index, index + 2) }
            }
            preprocessing.normalize(start, into: output)
        }
    }
}
