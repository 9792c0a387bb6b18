import Inference

@testable import Training

/// What Pillow and torchvision make of ``TestScene/image(height:width:channelCount:)``.
struct AugmentationFixtures: Decodable {
    /// A box of an image resized; in `crops` it is cut out first. Box: top, left, height and width, or top, left,
    /// bottom and right.
    struct Resized: Decodable, Sendable {
        let picture: [Int]
        let box: [Double]
        let size: [Int]
        let bytes: String
    }

    /// One change to an image of 12×10 pixels.
    struct Jittered: Decodable, Sendable {
        let channels: Int
        let change: String
        let factor: Double
        let bytes: String

        var expected: ColourJitter.Change {
            switch change {
            case "brightness": .brightness(factor)
            case "contrast": .contrast(factor)
            case "saturation": .saturation(factor)
            default: .hue(factor)
            }
        }
    }

    /// The ten crops of an image, 14×14 of 16.
    struct Ten: Decodable, Sendable {
        let picture: [Int]
        let bytes: [String]
    }

    let crops: [Resized]
    let boxes: [Resized]
    let jitters: [Jittered]
    let tens: [Ten]

    static func load() throws -> AugmentationFixtures {
        try FixtureFile.decode(Self.self, from: "Augmentation/expected.json")
    }

    static func image(_ shape: [Int]) -> PixelImage {
        TestScene.image(height: shape[0], width: shape[1], channelCount: shape[2])
    }

    static func digits(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func bytes(_ digits: String) -> [UInt8] {
        let values = digits.utf8.map { UInt8($0 > 0x60 ? $0 - 0x57 : $0 - 0x30) }
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
