@testable import Inference

extension FuzzTarget {
    /// Encoded images: headers, metadata, codecs and resampling.
    static let imageTargets = [
        FuzzTarget(name: "jpeg", maxByteCount: 8192, seeds: ["InferenceTests/Fixtures/**/*.jpg"], run: image),
        FuzzTarget(name: "png", maxByteCount: 8192, seeds: ["InferenceTests/Fixtures/**/*.png"], run: image),
        FuzzTarget(name: "webp", maxByteCount: 8192, seeds: ["InferenceTests/Fixtures/**/*.webp"], run: image),
    ]

    private static let preprocessings: [Preprocessing] = {
        do {
            return [
                try Preprocessing(
                    colour: .rgb, resize: .shortest(side: 12), crop: (9, 11), scale: .unit, mean: [0.5, 0.5, 0.5],
                    deviation: [0.5, 0.5, 0.5]),
                try Preprocessing(
                    colour: .grey, resize: .stretch(height: 7, width: 5), crop: (7, 5), scale: .byte, mean: [0],
                    deviation: [1]),
            ]
        } catch {
            fatalError("\(error)")
        }
    }()

    /// The streamed input equals that of the whole image; the header tells the size that the codec finds.
    private static func image(_ bytes: [UInt8]) {
        let header = ImageHeader(bytes[...])
        let decoder = ImageDecoder(maxPixels: 1 << 16, maxWorkingBytes: 16 << 20)
        let image = try? decoder(bytes)
        if let image { require(image.pixels.count == image.width * image.height * 3, "every pixel is there") }
        if let image, let header {
            require(
                (min(header.width, header.height), max(header.width, header.height))
                    == (min(image.width, image.height), max(image.width, image.height)),
                "the header's size is the image's")
        }
        for preprocessing in preprocessings {
            let streamed = try? decoder.input(bytes, for: preprocessing)
            let scaled = try? ImageDecoder(maxPixels: 1 << 16, maxWorkingBytes: 16 << 20, mode: .scaled)
                .input(bytes, for: preprocessing)
            require((streamed == nil) == (scaled == nil), "both modes accept the same files")
            guard let image, let streamed else { continue }
            let whole = preprocessing(image)
            require(streamed.scalars == whole.scalars, "streamed and whole give the same input")
        }
    }
}
