import Inference

/// The principal components of a data set's colours. The paper's augmentation shifts an image's colours along them.
///
/// - Source: Krizhevsky et al. 2012, §4.1
public struct ColourPCA: Sendable, Hashable {
    /// Eigenvectors of unit length (red, green, blue), in the order of ``variances``.
    public let directions: [[Double]]
    /// Eigenvalues of the covariance of red, green and blue in 0…1, the largest first.
    public let variances: [Double]

    /// The components of ImageNet.
    ///
    /// - Source: facebookarchive/fb.resnet.torch, `datasets/imagenet.lua`
    public static let imageNet = ColourPCA(
        directions: [[-0.5675, -0.5808, -0.5836], [0.7192, -0.0045, -0.6948], [0.4009, -0.8140, 0.4203]],
        variances: [0.2175, 0.0188, 0.0045])

    /// Components that are already known.
    public init(directions: [[Double]], variances: [Double]) {
        precondition(
            directions.count == 3 && variances.count == 3 && directions.allSatisfy { $0.count == 3 },
            "three directions of three numbers, not \(directions)")
        (self.directions, self.variances) = (directions, variances)
    }

    /// The components of a random sample of a data set. Unreadable images are skipped; grey images vary only along
    /// grey.
    ///
    /// - Parameters:
    ///   - limit: the most images that are read.
    ///   - seed: determines the images in the sample.
    public init(of dataset: any Dataset, limit: Int = 1000, seed: UInt64) {
        var generator = SplitMix64(seed: seed, purpose: .sample)
        let indices = generator.shuffled(Array(0..<dataset.count)).prefix(limit)
        var moments = ColourMoments()
        for index in indices {
            if let image = try? dataset.image(at: index) { moments.add(image) }
        }
        self.init(covariance: moments.covariance)
    }

    /// The eigenvectors of a symmetric 3×3 matrix, by Jacobi rotations.
    init(covariance: [[Double]]) {
        var matrix = covariance
        var vectors: [[Double]] = (0..<3).map { row in (0..<3).map { $0 == row ? 1 : 0 } }  // columns
        for _ in 0..<50 {
            for (p, q) in [(0, 1), (0, 2), (1, 2)] where abs(matrix[p][q]) > 1e-300 {
                let theta = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q])
                let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                let c = 1 / (t * t + 1).squareRoot()
                let s = t * c
                for k in 0..<3 {
                    (matrix[k][p], matrix[k][q]) = (
                        c * matrix[k][p] - s * matrix[k][q], s * matrix[k][p] + c * matrix[k][q]
                    )
                }
                for k in 0..<3 {
                    (matrix[p][k], matrix[q][k]) = (
                        c * matrix[p][k] - s * matrix[q][k], s * matrix[p][k] + c * matrix[q][k]
                    )
                    (vectors[k][p], vectors[k][q]) = (
                        c * vectors[k][p] - s * vectors[k][q], s * vectors[k][p] + c * vectors[k][q]
                    )
                }
            }
        }
        let order = (0..<3).sorted { matrix[$0][$0] > matrix[$1][$1] }
        self.init(
            directions: order.map { column in vectors.map { $0[column] } },
            variances: order.map { max(0, matrix[$0][$0]) })
    }

    /// Draws a colour shift, which is added to red, green and blue of every pixel of an image. Units: 0…1.
    func shift(deviation: Double, using generator: inout SplitMix64) -> [Double] {
        var shift = [0.0, 0, 0]
        for (direction, variance) in zip(directions, variances) {
            let amount = generator.normal() * deviation * variance
            for channel in 0..<3 { shift[channel] += amount * direction[channel] }
        }
        return shift
    }
}

extension Raster {
    /// Adds a colour shift to every pixel. A grey image gets the mean of the three shifts. Units: 0…1.
    mutating func shift(by shift: [Double]) {
        let shift = channelCount == 3 ? shift : [shift.reduce(0, +) / 3]
        map(
            shift.map { amount in
                (0...255).map { UInt8(min(max((Double($0) + 255 * amount).rounded(), 0), 255)) }
            })
    }
}

/// First and second moments of pixels' colours. The sums are integers, and therefore exact.
struct ColourMoments {
    private var count = 0
    private var sums = [0, 0, 0]
    private var products = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]

    /// Adds all pixels of an image.
    mutating func add(_ image: PixelImage) {
        let step = image.channelCount
        count += image.width * image.height
        var sums = (0, 0, 0)
        var squares = (rr: 0, gg: 0, bb: 0, rg: 0, rb: 0, gb: 0)
        image.pixels.withUnsafeBufferPointer { pixels in
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

    /// The covariance of red, green and blue in 0…1; zero if there are no pixels.
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
