import Inference

/// Sums over pixels, exact since they are of whole numbers.
struct ColourMoments {
    private var count = 0
    private var sums = [0, 0, 0]
    private var products = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]

    /// Adds all pixels of a picture.
    mutating func add(_ picture: PixelImage) {
        let step = picture.channelCount
        count += picture.width * picture.height
        var sums = (0, 0, 0)
        var squares = (rr: 0, gg: 0, bb: 0, rg: 0, rb: 0, gb: 0)
        picture.pixels.withUnsafeBufferPointer { pixels in
            for index in stride(from: 0, to: pixels.count, by: step) {
                let r = Int(pixels[index])
                let g = step == 3 ? Int(pixels[index + 1]) : r
                let b = step == 3 ? Int(pixels[index + 2]) : r
                sums = (sums.0 + r, sums.1 + g, sums.2 + b)
                squares.rr += r * r
                squares.gg += g * g
                squares.bb += b * b
                squares.rg += r * g
                squares.rb += r * b
                squares.gb += g * b
            }
        }
        for (channel, sum) in [sums.0, sums.1, sums.2].enumerated() { self.sums[channel] += sum }
        let matrix = [
            [squares.rr, squares.rg, squares.rb], [squares.rg, squares.gg, squares.gb],
            [squares.rb, squares.gb, squares.bb],
        ]
        for row in 0..<3 { for column in 0..<3 { products[row][column] += matrix[row][column] } }
    }

    /// Of red, green and blue in 0…1; zero where there are no pixels.
    var covariance: [[Double]] {
        let count = Double(max(count, 1))
        return (0..<3).map { row in
            (0..<3).map { column in
                let mean = Double(products[row][column]) / count
                return (mean - Double(sums[row]) / count * (Double(sums[column]) / count)) / (255 * 255)
            }
        }
    }
}
