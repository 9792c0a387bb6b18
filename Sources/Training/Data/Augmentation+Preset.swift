extension Augmentation {
    /// Ways to change pictures that are known to work, by name.
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
    public init(_ preset: Preset, components: ColourComponents = .imageNet) {
        switch preset {
        case .none: self.init()
        case .tutorial: self.init(geometry: .crop(RandomResizedCrop()), mirrorProbability: 0.5)
        case .paper:
            self.init(
                geometry: .window(enlargement: EnlargedPicture.usual), mirrorProbability: 0.5, components: components)
        case .product:
            self.init(
                geometry: .placement(RandomPlacement(scale: 0.8...1.1, ratio: 0.9...1.1, overhang: 0.04)),
                mirrorProbability: 0.5, backdropProbability: 0.3, inversionProbability: 0.5,
                jitter: ColourJitter(brightness: 0.2, contrast: 0.2, saturation: 0.2))
        }
    }
}
