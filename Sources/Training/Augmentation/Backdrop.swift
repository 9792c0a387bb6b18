import Foundation

/// A product that was cut out on black, as Fashion-MNIST's are, put before a background as a shop's photo has it.
///
/// What is black and joined to the edge is the background; the rest is the product, seen as a colour times its light and
/// shade. Along its outline the product's share of a pixel is the pixel's light over its neighbours', since there the
/// black shines through. Most backgrounds are nearly white, some of any colour, and their light falls off to one side.
///
/// Limits: images without colours and with a dark edge; others are left as they are.
struct Backdrop: Equatable {
    /// Is the product dark where the image is light? Fashion-MNIST's images are negatives.
    var isNegative: Bool
    /// Red, green, blue. Units: 0…1.
    var product: [Double]
    /// How light the product's darkest parts are. Units: 0…1.
    var shade: Double
    /// Bends light and shade: above 1 darker.
    var gamma: Double
    /// Red, green, blue. Units: 0…1.
    var background: [Double]
    /// How much lighter or darker the background is at the bottom and at the right edge than in the middle.
    var fall: (down: Double, right: Double)

    /// The lightest a background's pixel may be, with the noise that JPEG adds.
    private static let darkest: UInt8 = 8
    /// The farthest channels of an image without colours lie apart.
    private static let greyness = 8
    /// The least share of the image that is background.
    private static let leastShare = 0.02
    /// Of eight neighbours, how many are background where a pixel is on its own.
    private static let loneCount = 7
    /// How far apart product and background are at least. Units: 0…1.
    private static let leastContrast = 0.15

    static func == (a: Backdrop, b: Backdrop) -> Bool {
        a.isNegative == b.isNegative && a.product == b.product && a.shade == b.shade && a.gamma == b.gamma
            && a.background == b.background && a.fall == b.fall
    }

    init(
        isNegative: Bool, product: [Double], shade: Double, gamma: Double, background: [Double],
        fall: (down: Double, right: Double)
    ) {
        (self.isNegative, self.product, self.shade, self.gamma) = (isNegative, product, shade, gamma)
        (self.background, self.fall) = (background, fall)
    }

    /// Draws colours and light.
    init(using generator: inout SplitMix64) {
        isNegative = generator.chance(0.75)
        product = Self.colour(
            saturation: generator.chance(0.4) ? 0...0.1 : 0.1...0.9, value: 0.2...1, using: &generator)
        shade = generator.uniform(0...0.6)
        gamma = exp(generator.uniform(-0.5...0.5))
        background = Self.background(using: &generator)
        fall = (generator.uniform(-0.12...0.12), generator.uniform(-0.12...0.12))
        for _ in 0..<8 where isTooClose { background = Self.background(using: &generator) }
    }

    private static func background(using generator: inout SplitMix64) -> [Double] {
        if generator.chance(0.25) { return [1, 1, 1] }
        return generator.chance(0.7)
            ? colour(saturation: 0...0.12, value: 0.75...1, using: &generator)
            : colour(saturation: 0...1, value: 0...1, using: &generator)
    }

    /// Would the product hardly be seen?
    private var isTooClose: Bool {
        let middle = (1 + shade) / 2
        return zip(product, background).map { abs($0 * middle - $1) }.reduce(0, max) < Self.leastContrast
    }

    private static func colour(
        saturation: ClosedRange<Double>, value: ClosedRange<Double>, using generator: inout SplitMix64
    ) -> [Double] {
        let hue = generator.unit() * 6
        let (saturation, value) = (generator.uniform(saturation), generator.uniform(value))
        return [5.0, 3, 1].map { offset in
            let place = (offset + hue).truncatingRemainder(dividingBy: 6)
            return value * (1 - saturation * max(0, min(place, 4 - place, 1)))
        }
    }

    /// The image before the background; nil where the image is not of the kind.
    ///
    /// Shape: as many channels as asked for.
    func callAsFunction(_ image: borrowing Raster, channelCount: Int) -> Raster? {
        guard Self.isGrey(image) else { return nil }
        let grey = image.grey()
        let (height, width) = (grey.height, grey.width)
        guard let isBackground = Self.background(of: grey) else { return nil }
        let result = Raster(height: height, width: width, channelCount: channelCount)
        let product = channelCount == 3 ? product : [Self.luma(product)]
        let background = channelCount == 3 ? background : [Self.luma(background)]
        let lights = (0...255).map { level in
            let light = pow(Double(isNegative ? 255 - level : level) / 255, gamma)
            return shade + (1 - shade) * light
        }
        for row in 0..<height {
            for column in 0..<width {
                let index = row * width + column
                let (level, share) = Self.share(row, column, grey, isBackground)
                let light = lights[Int(level)]
                let down = Double(2 * row + 1) / Double(height) - 1
                let right = Double(2 * column + 1) / Double(width) - 1
                let fall = 1 + fall.down * down + fall.right * right
                for channel in 0..<channelCount {
                    let value = share * product[channel] * light + (1 - share) * min(background[channel] * fall, 1)
                    result.pixels[index * channelCount + channel] = UInt8(min(max(value * 255 + 0.5, 0), 255))
                }
            }
        }
        return result
    }

    private static func luma(_ colour: [Double]) -> Double {
        0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    }

    private static func isGrey(_ image: borrowing Raster) -> Bool {
        guard image.channelCount == 3 else { return true }
        for index in stride(from: 0, to: image.byteCount, by: 3) {
            let (r, g, b) = (image.pixels[index], image.pixels[index + 1], image.pixels[index + 2])
            if Int(max(r, g, b)) - Int(min(r, g, b)) > greyness { return false }
        }
        return true
    }

    /// One a pixel: is it black and joined to the edge? Nil where hardly any is.
    private static func background(of grey: borrowing Raster) -> [Bool]? {
        let (height, width) = (grey.height, grey.width)
        var isBackground = [Bool](repeating: false, count: height * width)
        var waiting: [Int] = []
        waiting.reserveCapacity(height * width)
        func visit(_ row: Int, _ column: Int) {
            let index = row * width + column
            guard !isBackground[index], grey.pixels[index] <= darkest else { return }
            isBackground[index] = true
            waiting.append(index)
        }
        for column in 0..<width {
            visit(0, column)
            visit(height - 1, column)
        }
        for row in 0..<height {
            visit(row, 0)
            visit(row, width - 1)
        }
        var next = 0
        while next < waiting.count {
            let (row, column) = waiting[next].quotientAndRemainder(dividingBy: width)
            next += 1
            if row > 0 { visit(row - 1, column) }
            if row + 1 < height { visit(row + 1, column) }
            if column > 0 { visit(row, column - 1) }
            if column + 1 < width { visit(row, column + 1) }
        }
        return Double(waiting.count) < leastShare * Double(height * width) ? nil : isBackground
    }

    /// The product's level in a pixel, and its share of the pixel.
    private static func share(
        _ row: Int, _ column: Int, _ grey: borrowing Raster, _ isBackground: [Bool]
    ) -> (level: UInt8, share: Double) {
        let width = grey.width
        let level = grey.pixels[row * width + column]
        if isBackground[row * width + column] { return (level, 0) }
        var most = level
        var backgroundCount = 0
        for y in max(0, row - 1)...min(grey.height - 1, row + 1) {
            for x in max(0, column - 1)...min(width - 1, column + 1) {
                if isBackground[y * width + x] {
                    backgroundCount += 1
                } else {
                    most = max(most, grey.pixels[y * width + x])
                }
            }
        }
        if backgroundCount == 0 { return (level, 1) }
        // A pixel on its own is noise, or a thread of something light.
        return backgroundCount >= loneCount
            ? (level, Double(level) / 255) : (most, Double(level) / Double(most))
    }
}
