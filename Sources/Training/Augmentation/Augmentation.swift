import Inference

/// Data augmentation: random changes to a training image, drawn anew each time the network sees it.
///
/// It works on bytes, before the model's ``Preprocessing`` normalises them. The order is: crop, then backdrop or
/// inversion, then horizontal flip, then colours. All changes except resizing are made at the smaller size: before an
/// enlargement, and after a reduction. For a network with one channel, the image is converted to grey before its
/// colours change.
public struct Augmentation: Sendable, Hashable {
    /// Which part of the image becomes the input.
    public enum Geometry: Sendable, Hashable {
        /// The part that the model's preprocessing uses.
        case whole
        /// torchvision's `RandomResizedCrop`.
        case crop(RandomResizedCrop)
        /// A random window of an image that is resized to more than the input, as in the paper. The usual enlargement,
        /// ``EnlargedImage/usual``, is 256 pixels for an input of 224. Units: enlarged side / input side.
        case window(enlargement: Double)
        /// The whole image at a random size and position.
        case placement(RandomPlacement)
    }

    /// Which part of the image becomes the input.
    public var geometry: Geometry
    /// The probability of a horizontal flip, 0…1.
    public var mirrorProbability: Double
    /// The probability of a backdrop, 0…1: a product on black is coloured and drawn before a background.
    public var backdropProbability: Double
    /// The probability of inversion, 0…1: each byte b becomes 255 − b. It applies only if no backdrop was drawn.
    public var inversionProbability: Double
    /// Brightness, contrast, saturation and hue; nil leaves them as they are.
    public var jitter: ColourJitter?
    /// The principal components of the paper's colour shift; nil for no shift.
    public var components: ColourPCA?
    /// The standard deviation of the shift along each component, as a multiple of that component's variance.
    public var shiftDeviation: Double

    /// An augmentation; by default nothing changes.
    public init(
        geometry: Geometry = .whole, mirrorProbability: Double = 0, backdropProbability: Double = 0,
        inversionProbability: Double = 0, jitter: ColourJitter? = nil, components: ColourPCA? = nil,
        shiftDeviation: Double = 0.1
    ) {
        self.geometry = geometry
        self.mirrorProbability = mirrorProbability
        self.backdropProbability = backdropProbability
        self.inversionProbability = inversionProbability
        self.jitter = jitter
        self.components = components
        self.shiftDeviation = shiftDeviation
    }

    /// Whether every image stays as preprocessing makes it.
    public var isIdentity: Bool { self == Augmentation(shiftDeviation: shiftDeviation) }

    /// Draws the changes and writes the network's input. Without changes, the result is bit for bit that of
    /// `preprocessing`.
    ///
    /// - Parameter output: room for at least the scalars of ``Preprocessing/tensorShape``; the first ones are written.
    public func write(
        _ image: PixelImage, for preprocessing: Preprocessing, using generator: inout SplitMix64,
        into output: UnsafeMutableBufferPointer<Float>
    ) {
        if isIdentity {
            preprocessing.write(image, into: output)
        } else {
            var raster = raster(image, for: preprocessing, using: &generator)
            raster.normalize(preprocessing, into: output)
        }
    }

    /// The bytes before normalisation.
    ///
    /// Shape: height and width of the network's input; its channels, or one channel if all three are equal.
    func raster(
        _ image: PixelImage, for preprocessing: Preprocessing, using generator: inout SplitMix64
    ) -> Raster {
        let isGrey = preprocessing.colour == .grey
        guard let part = part(of: image, for: preprocessing, using: &generator) else {
            var raster = Raster(preprocessing.resized(image))
            change(&raster, isGrey: isGrey, using: &generator)
            return raster
        }
        if part.enlarges {
            var raster = part.pixels(of: image)
            if isGrey, raster.channelCount == 3 { raster = raster.grey() }
            change(&raster, isGrey: isGrey, using: &generator)
            return raster.resized(part.inBoundingBox, turnsGrey: false)
        }
        var raster =
            part.overflows(image)
            ? part.pixels(of: image).resized(part.inBoundingBox, turnsGrey: isGrey)
            : part.resized(image, turnsGrey: isGrey)
        change(&raster, isGrey: isGrey, using: &generator)
        return raster
    }

    /// Draws the crop. Nil if there is no crop, and preprocessing's own resize is used.
    private func part(
        of image: PixelImage, for preprocessing: Preprocessing, using generator: inout SplitMix64
    ) -> ResizedCrop? {
        let (height, width) = (preprocessing.outputShape[1], preprocessing.outputShape[2])
        let rows: Range<Double>
        let columns: Range<Double>
        switch geometry {
        case .whole:
            guard preprocessing.resize == .stretch(height: height, width: width) else { return nil }
            (rows, columns) = (0..<Double(image.height), 0..<Double(image.width))
        case .crop(let crop):
            let (y, x) = crop(height: image.height, width: image.width, using: &generator)
            rows = Double(y.lowerBound)..<Double(y.upperBound)
            columns = Double(x.lowerBound)..<Double(x.upperBound)
        case .window(let enlargement):
            let enlarged = EnlargedImage(image, for: preprocessing, enlargement: enlargement)
            let room = enlarged.room
            return enlarged.part(
                of: image, down: generator.index(below: room.down + 1),
                right: generator.index(below: room.right + 1))
        case .placement(let placement):
            (rows, columns) = placement(height: image.height, width: image.width, using: &generator)
        }
        return ResizedCrop(rows: rows, columns: columns, height: height, width: width)
    }

    /// Makes all changes except resizing.
    private func change(_ raster: inout Raster, isGrey: Bool, using generator: inout SplitMix64) {
        if generator.chance(mirrorProbability) { raster.mirror() }
        let inverts = generator.chance(inversionProbability)
        if generator.chance(backdropProbability),
            let scene = Backdrop(using: &generator)(raster, channelCount: isGrey ? 1 : 3)
        {
            raster = scene
        } else if inverts {
            raster.invert()
        }
        if let jitter { for change in jitter(using: &generator) { raster.apply(change) } }
        if let components {
            raster.shift(by: components.shift(deviation: shiftDeviation, using: &generator))
        }
    }
}

extension Augmentation {
    /// Named augmentations that are known to work.
    public enum Preset: String, CaseIterable, Sendable {
        /// No changes.
        case none

        /// `RandomResizedCrop` and horizontal flips, as in the tutorials' `train.py`.
        case tutorial

        /// Random windows of 224 in 256 pixels, horizontal flips, and a PCA colour shift: Krizhevsky et al. 2012.
        case paper

        /// For products on black, as in Fashion-MNIST, that the network must recognise in photos with light
        /// backgrounds: resized and moved, flipped, inverted, or coloured and drawn before a background.
        case product
    }

    /// The augmentation of a preset.
    ///
    /// - Parameter components: the principal components for ``Preset/paper``. The paper uses those of the data set.
    public init(_ preset: Preset, components: ColourPCA = .imageNet) {
        switch preset {
        case .none: self.init()
        case .tutorial: self.init(geometry: .crop(RandomResizedCrop()), mirrorProbability: 0.5)
        case .paper:
            self.init(
                geometry: .window(enlargement: EnlargedImage.usual), mirrorProbability: 0.5, components: components)
        case .product:
            self.init(
                geometry: .placement(RandomPlacement(scale: 0.8...1.1, ratio: 0.9...1.1, overhang: 0.04)),
                mirrorProbability: 0.5, backdropProbability: 0.3, inversionProbability: 0.5,
                jitter: ColourJitter(brightness: 0.2, contrast: 0.2, saturation: 0.2))
        }
    }
}
