import Foundation

/// Draws a product that was cut out on black, as in Fashion-MNIST, before a background like that of a shop's photo.
///
/// A flood fill from the edges finds the black background. The rest is the product, drawn as a colour times its
/// brightness. Pixels along the outline are a mixture with black, so their alpha is their brightness divided by that of
/// their neighbours. Most backgrounds are nearly white, and some have any colour. Each has a linear gradient of
/// brightness.
///
/// Limits: grey images with a dark edge; other images are left unchanged.
struct Backdrop: Equatable {
    /// Whether the product is drawn dark where the image is light: Fashion-MNIST's images are negatives.
    var isNegative: Bool
    /// The product's colour: red, green, blue. Units: 0…1.
    var product: [Double]
    /// The brightness of the product's darkest parts. Units: 0…1.
    var shade: Double
    /// The exponent of the product's brightness; above 1 is darker.
    var gamma: Double
    /// The background's colour: red, green, blue. Units: 0…1.
    var background: [Double]
    /// The gradient of the background's brightness: the relative increase from the middle to the bottom edge and to the
    /// right edge.
    var fall: (down: Double, right: Double)

    /// The largest value of a background byte; JPEG adds noise to black. Units: byte values.
    private static let darkest: UInt8 = 8
    /// The largest difference between the channels of a grey image. Units: byte values.
    private static let greyness = 8
    /// The least share of the image that must be background, 0…1.
    private static let leastShare = 0.02
    /// A pixel is isolated if at least this many of its eight neighbours are background.
    private static let loneCount = 7
    /// The least contrast between product and background. Units: 0…1.
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

    /// Draws colours and brightness at random.
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

    /// Whether the contrast is too low for the product to be visible.
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

    /// Draws the product before the background; nil if the image has colours or no dark edge.
    ///
    /// Shape: `[H, W, channelCount]`, channelCount 1 or 3.
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

    /// The flood fill from the edges, one flag per pixel; nil if it covers too little of the image.
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

    /// The product's brightness and its alpha in a pixel.
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
        // An isolated pixel is noise, or part of a thin bright line.
        return backgroundCount >= loneCount
            ? (level, Double(level) / 255) : (most, Double(level) / Double(most))
    }
}
