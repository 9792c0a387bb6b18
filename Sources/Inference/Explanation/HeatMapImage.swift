extension ClassActivationMap {
    /// The share of the heat map's colour where the map is 1; the image shows through.
    private static let opacity: Float = 0.6

    /// The map laid over the image that the network saw, stretched to its size.
    ///
    /// Shape: RGB, of the image's size.
    public func overlay(on image: PixelImage) -> PixelImage {
        let rgb = image.rgb
        var pixels = rgb.pixels
        for y in 0..<rgb.height {
            for x in 0..<rgb.width {
                let heat = value(x: x, y: y, width: rgb.width, height: rgb.height)
                let (colour, share) = (HeatColour.of(heat), Self.opacity * heat.squareRoot())
                let first = (y * rgb.width + x) * 3
                for (channel, component) in [colour.red, colour.green, colour.blue].enumerated() {
                    let mixed = Float(pixels[first + channel]) * (1 - share) + component * share
                    pixels[first + channel] = UInt8(max(0, min(255, mixed.rounded())))
                }
            }
        }
        return PixelImage(width: rgb.width, height: rgb.height, channelCount: 3, pixels: pixels)
    }

    /// The map at a pixel of an image that it is stretched to: bilinear, with pixels' centres on each other.
    private func value(x: Int, y: Int, width imageWidth: Int, height imageHeight: Int) -> Float {
        let (left, right, across) = Self.neighbours(x, of: imageWidth, in: width)
        let (top, bottom, down) = Self.neighbours(y, of: imageHeight, in: height)
        let upper = values[top * width + left] * (1 - across) + values[top * width + right] * across
        let lower = values[bottom * width + left] * (1 - across) + values[bottom * width + right] * across
        return upper * (1 - down) + lower * down
    }

    private static func neighbours(_ position: Int, of length: Int, in count: Int) -> (Int, Int, weight: Float) {
        let place = (Float(position) + 0.5) * Float(count) / Float(length) - 0.5
        let clamped = max(0, min(Float(count - 1), place))
        let first = Int(clamped)
        return (first, min(first + 1, count - 1), clamped - Float(first))
    }
}

/// A colour scale from dark violet over red to yellow, whose lightness grows evenly.
enum HeatColour {
    typealias Colour = (red: Float, green: Float, blue: Float)

    /// At even distances from 0 to 1.
    private static let scale: [Colour] = [(13, 8, 135), (126, 3, 168), (204, 71, 120), (248, 149, 64), (240, 249, 33)]

    /// The colour for a number from 0 to 1.
    static func of(_ value: Float) -> Colour {
        let place = max(0, min(1, value)) * Float(scale.count - 1)
        let first = min(Int(place), scale.count - 2)
        let (low, high, weight) = (scale[first], scale[first + 1], place - Float(first))
        return (
            low.red + (high.red - low.red) * weight, low.green + (high.green - low.green) * weight,
            low.blue + (high.blue - low.blue) * weight
        )
    }
}

extension FeatureMaps {
    /// The most channels that are drawn, and the largest side of a drawn one. Units: channels; pixels.
    private static let (maxChannelCount, maxSide) = (64, 64)

    /// The channels as grey tiles, in a grid.
    ///
    /// - Throws: ``FilterGrid/Unsuitable`` if they cannot be drawn.
    public func grid() throws(FilterGrid.Unsuitable) -> PixelImage {
        let shape = values.shape
        let channels = min(shape[0], Self.maxChannelCount)
        let step = (max(shape[1], shape[2]) + Self.maxSide - 1) / Self.maxSide
        let (height, width) = ((shape[1] + step - 1) / step, (shape[2] + step - 1) / step)
        let scalars = values.scalars
        var tiles: [Float] = []
        tiles.reserveCapacity(channels * height * width)
        for channel in 0..<channels {
            for y in 0..<height {
                for x in 0..<width {
                    // The mean of the values that one pixel stands for.
                    var (sum, count): (Float, Float) = (0, 0)
                    for row in y * step..<min(shape[1], (y + 1) * step) {
                        for column in x * step..<min(shape[2], (x + 1) * step) {
                            sum += scalars[(channel * shape[1] + row) * shape[2] + column]
                            count += 1
                        }
                    }
                    tiles.append(sum / count)
                }
            }
        }
        return try FilterGrid(Tensor([channels, 1, height, width], scalars: tiles), isBGR: false).image
    }
}

extension Preprocessing {
    /// The image that a network's input was made of: the bytes before normalisation.
    ///
    /// - Parameter input: ``tensorShape``.
    public func image(of input: Tensor) -> PixelImage {
        let channels = colour.channelCount
        let pixels = input.scalars.enumerated().map { index, value -> UInt8 in
            let channel = index % channels
            let byte = (value * deviation[channel] + mean[channel]) * (scale == .unit ? 255 : 1)
            return UInt8(max(0, min(255, byte.isFinite ? byte.rounded() : 0)))
        }
        let image = PixelImage(
            width: outputShape[2], height: outputShape[1], channelCount: channels, pixels: pixels)
        return colour == .bgr ? image.swappingRedAndBlue() : image
    }

    /// The part of an upright image that the network sees: the crop, in the image's own pixels. Where the crop is larger
    /// than the resized image, the part is the whole image and the rest of the input is black.
    public func visiblePart(width: Int, height: Int) -> (x: Double, y: Double, width: Double, height: Double) {
        let size = resizedSize(height: height, width: width)
        let rows = CentreCrop(of: size.height, to: outputShape[1]).window
        let columns = CentreCrop(of: size.width, to: outputShape[2]).window
        let (across, down) = (Double(width) / Double(size.width), Double(height) / Double(size.height))
        return (
            Double(columns.lowerBound) * across, Double(rows.lowerBound) * down, Double(columns.count) * across,
            Double(rows.count) * down
        )
    }
}

extension PixelImage {
    /// The same image with the first and the last of three channels swapped.
    fileprivate func swappingRedAndBlue() -> PixelImage {
        var pixels = pixels
        for first in stride(from: 0, to: pixels.count, by: 3) { pixels.swapAt(first, first + 2) }
        return PixelImage(width: width, height: height, channelCount: channelCount, pixels: pixels)
    }
}
