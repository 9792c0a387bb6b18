import CKernels

/// Random brightness, contrast, saturation and hue, in random order: torchvision's `ColorJitter` on Pillow images.
///
/// - Source: torchvision `ColorJitter`; Pillow `ImageEnhance`, `Blend.c`, `Convert.c`
public struct ColourJitter: Sendable, Hashable {
    /// The factor is drawn from max(0, 1 − brightness)…1 + brightness; 0 for none.
    public var brightness: Double
    /// The factor is drawn from max(0, 1 − contrast)…1 + contrast; 0 for none.
    public var contrast: Double
    /// The factor is drawn from max(0, 1 − saturation)…1 + saturation; 0 for none.
    public var saturation: Double
    /// The shift is drawn from −hue…hue, in turns of the colour circle; 0 for none. Limits: 0…0.5.
    public var hue: Double

    /// A jitter; by default nothing changes.
    public init(brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0) {
        precondition(
            brightness >= 0 && contrast >= 0 && saturation >= 0 && (0...0.5).contains(hue),
            "a jitter of brightness \(brightness), contrast \(contrast), saturation \(saturation), hue \(hue)")
        (self.brightness, self.contrast, self.saturation, self.hue) = (brightness, contrast, saturation, hue)
    }

    /// One change, with its factor or its shift.
    enum Change: Equatable {
        case brightness(Double)
        case contrast(Double)
        case saturation(Double)
        case hue(Double)
    }

    /// Draws the changes and their order.
    func callAsFunction(using generator: inout SplitMix64) -> [Change] {
        func factor(_ strength: Double) -> Double { generator.uniform(max(0, 1 - strength)...1 + strength) }
        var changes: [Change] = []
        if brightness > 0 { changes.append(.brightness(factor(brightness))) }
        if contrast > 0 { changes.append(.contrast(factor(contrast))) }
        if saturation > 0 { changes.append(.saturation(factor(saturation))) }
        if hue > 0 { changes.append(.hue(generator.uniform(-hue...hue))) }
        return generator.shuffled(changes)
    }
}

extension Raster {
    /// Applies one change to every pixel. Grey images have neither saturation nor hue.
    mutating func apply(_ change: ColourJitter.Change) {
        switch change {
        case .brightness(let factor): map([Self.blendTable(from: 0, factor)])
        case .contrast(let factor): map([Self.blendTable(from: meanLuma, factor)])
        case .saturation(let factor): if channelCount == 3 { saturate(Float(factor)) }
        case .hue(let shift): if channelCount == 3 { turnHue(by: shift) }
        }
    }

    /// The image's mean luma, rounded.
    private var meanLuma: UInt8 {
        let grey = grey()
        var sum = 0
        for index in 0..<pixelCount { sum += Int(grey.pixels[index]) }
        return UInt8(Double(sum) / Double(pixelCount) + 0.5)
    }

    /// A table of Pillow's `Image.blend` of one byte with each of the 256 byte values.
    private static func blendTable(from origin: UInt8, _ factor: Double) -> [UInt8] {
        (0...255).map { blend(origin, UInt8($0), Float(factor)) }
    }

    /// Pillow's `Image.blend`, truncated to a whole number and clamped to 0…255.
    private static func blend(_ first: UInt8, _ second: UInt8, _ factor: Float) -> UInt8 {
        let value = Float(first) + factor * Float(Int(second) - Int(first))
        return UInt8(min(max(value, 0), 255))
    }

    private mutating func saturate(_ factor: Float) {
        let grey = grey()
        for index in 0..<pixelCount {
            for channel in 3 * index..<3 * index + 3 {
                pixels[channel] = Self.blend(grey.pixels[index], pixels[channel], factor)
            }
        }
    }

    private mutating func turnHue(by shift: Double) {
        let turn = UInt8(truncatingIfNeeded: Int(shift * 255))
        for index in stride(from: 0, to: byteCount, by: 3) {
            var colour = HSV(red: pixels[index], green: pixels[index + 1], blue: pixels[index + 2])
            colour.hue &+= turn
            (pixels[index], pixels[index + 1], pixels[index + 2]) = colour.rgb
        }
    }
}

/// A colour as hue, saturation and value of one byte each, as in Pillow's mode `HSV`.
///
/// - Source: Pillow `Convert.c`, `rgb2hsv_row` and `hsv2rgb`; Smith 1978
struct HSV: Equatable {
    /// The angle on the colour circle; 256 is a full turn.
    var hue: UInt8
    var saturation: UInt8
    var value: UInt8

    init(red: UInt8, green: UInt8, blue: UInt8) {
        let most = max(red, green, blue)
        let least = min(red, green, blue)
        value = most
        guard least < most else {
            (hue, saturation) = (0, 0)
            return
        }
        let range = Float(most - least)
        let saturation = range / Float(most)
        let (r, g, b) = (Float(most - red) / range, Float(most - green) / range, Float(most - blue) / range)
        let sixths: Float =
            if red == most {
                b - g
            } else if green == most {
                Float(2.0 + Double(r) - Double(b))
            } else {
                Float(4.0 + Double(g) - Double(r))
            }
        let turn = Float((Double(sixths) / 6 + 1).truncatingRemainder(dividingBy: 1))
        hue = UInt8(min(max(Double(turn) * 255, 0), 255))
        self.saturation = UInt8(min(max(Double(saturation) * 255, 0), 255))
    }

    init(hue: UInt8, saturation: UInt8, value: UInt8) {
        (self.hue, self.saturation, self.value) = (hue, saturation, value)
    }

    var rgb: (UInt8, UInt8, UInt8) {
        guard saturation > 0 else { return (value, value, value) }
        let turn = Double(hue) * 6 / 255
        let sector = turn.rounded(.down)
        let rest = Double(Float(turn - sector))
        let share = Double(Float(Double(saturation) / 255))
        func scaled(_ factor: Double) -> UInt8 { UInt8(min(max((Double(value) * factor).rounded(), 0), 255)) }
        let p = scaled(1 - share)
        let q = scaled(1 - share * rest)
        let t = scaled(1 - share * (1 - rest))
        return switch Int(sector) % 6 {
        case 0: (value, t, p)
        case 1: (q, value, p)
        case 2: (p, value, t)
        case 3: (p, q, value)
        case 4: (t, p, value)
        default: (value, p, q)
        }
    }
}
