import Inference

/// Random changes to a training image, drawn again each time the network sees it.
///
/// Works on bytes, before the model's ``Preprocessing`` normalises them. The order is: crop, then backdrop or
/// inversion, then mirroring, then colours. Changes other than resizing are made at the smaller size: before an
/// enlargement and after a reduction. For a network of one channel the image is converted to grey before its colours
/// change.
public struct Augmentation: Sendable, Hashable {
    /// Which part of the image becomes the input.
    public enum Geometry: Sendable, Hashable {
        /// The part that the model's preprocessing takes.
        case whole
        /// torchvision's `RandomResizedCrop`.
        case crop(RandomResizedCrop)
        /// A random window of the image resized to more than the input, as in the paper. ``EnlargedImage/usual`` is
        /// 256 pixels for an input of 224. Units: enlarged side / input side.
        case window(enlargement: Double)
        /// The whole image at a random size and position.
        case placement(RandomPlacement)
    }

    /// Which part of the image becomes the input.
    public var geometry: Geometry
    /// The probability of a horizontal flip, 0…1.
    public var mirrorProbability: Double
    /// The probability that a product on black is coloured and put before a background, 0…1.
    public var backdropProbability: Double
    /// The probability that each byte b becomes 255 − b, where no backdrop was drawn, 0…1.
    public var inversionProbability: Double
    /// Brightness, contrast, saturation and hue; nil leaves them as they are.
    public var jitter: ColourJitter?
    /// The principal components of the paper's colour shift; nil for no shift.
    public var components: ColourPCA?
    /// The standard deviation of the shift along each component, as a multiple of its variance.
    public var shiftDeviation: Double

    /// By default nothing changes.
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

    /// Is every image left as preprocessing makes it?
    public var isIdentity: Bool { self == Augmentation(shiftDeviation: shiftDeviation) }

    /// Draws the changes and writes the network's input. An identity writes bit for bit what `preprocessing` writes.
    ///
    /// - Parameter output: at least as many scalars as ``Preprocessing/tensorShape`` has; the first ones are written.
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
    /// Shape: the network's input, or one channel where all three are the same.
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

    /// Draws the crop; nil where preprocessing's own resize is used, which is no crop.
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
    /// Augmentations that are known to work, by name.
    public enum Preset: String, CaseIterable, Sendable {
        /// Nothing changes.
        case none

        /// `RandomResizedCrop` and horizontal flips, as in the tutorials' `train.py`.
        case tutorial

        /// Random windows of 224 in 256 pixels, horizontal flips, and a PCA colour shift: Krizhevsky et al. 2012.
        case paper

        /// For products on black, as in Fashion-MNIST, that have to be recognised in photos with light backgrounds:
        /// resized and moved, flipped, inverted, or coloured before a background.
        case product
    }

    /// The augmentation of a preset.
    ///
    /// - Parameter components: the principal components for ``Preset/paper``; the paper takes those of the data set.
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
