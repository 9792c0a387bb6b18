import Inference

/// What is changed at random in an image each time the network sees it, so that it learns what stays.
///
/// Everything happens on bytes before the model's ``Preprocessing`` normalises them: first the part of the image that is
/// seen, then background or inversion, mirroring, and colours. Changes other than of size are made where there are fewer
/// pixels: before enlarging, after shrinking. A network of one channel sees grey before colours change.
public struct Augmentation: Sendable, Hashable {
    /// What of the image is seen.
    public enum Geometry: Sendable, Hashable {
        /// What the model's preprocessing shows.
        case whole
        /// torchvision's `RandomResizedCrop`.
        case crop(RandomResizedCrop)
        /// The paper's: a random window of the image resized to somewhat more than the input. ``EnlargedImage/usual``
        /// is 256 for 224.
        case window(enlargement: Double)
        /// The whole image smaller or larger, somewhere.
        case placement(RandomPlacement)
    }

    /// What of the image is seen.
    public var geometry: Geometry
    /// How often left and right change places.
    public var mirrorProbability: Double
    /// How often a product on black is put before a background, in colour.
    public var backdropProbability: Double
    /// How often light and dark change places, where no background was put.
    public var inversionProbability: Double
    /// How colours change; nil leaves them.
    public var jitter: ColourJitter?
    /// The paper's shift along these; nil leaves colours.
    public var components: ColourPCA?
    /// Of the shift's amount along each component.
    public var shiftDeviation: Double

    /// Changes nothing unless told.
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

    /// Is every image left as the model's preprocessing shows it?
    public var isIdentity: Bool { self == Augmentation(shiftDeviation: shiftDeviation) }

    /// Writes what the network sees of an image this time; without any change, what `preprocessing` writes to the last bit.
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
            var raster = part.hull(of: image)
            if isGrey, raster.channelCount == 3 { raster = raster.grey() }
            change(&raster, isGrey: isGrey, using: &generator)
            return raster.resized(part.inHull, turnsGrey: false)
        }
        var raster =
            part.overflows(image)
            ? part.hull(of: image).resized(part.inHull, turnsGrey: isGrey)
            : part.resized(image, turnsGrey: isGrey)
        change(&raster, isGrey: isGrey, using: &generator)
        return raster
    }

    /// Draws what is seen; nil where that is what preprocessing shows and is no part of the image.
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

    /// Makes all changes but of size.
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
    /// Ways to change images that are known to work, by name.
    public enum Preset: String, CaseIterable, Sendable {
        /// Nothing changes.
        case none

        /// A random part of a random size, and mirror images: the tutorials' `train.py`.
        case tutorial

        /// Random windows of 224 in 256 pixels, mirror images, colours shifted: Krizhevsky et al. 2012.
        case paper

        /// For products on black, as Fashion-MNIST's, that have to be recognised in photos on light backgrounds: smaller and
        /// moved, mirrored, inverted, or in colour before a background.
        case product
    }

    /// A preset.
    ///
    /// - Parameter components: what ``Preset/paper`` shifts colours along: the data set's, as the paper has it.
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
