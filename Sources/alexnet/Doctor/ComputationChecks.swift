import Foundation
import Inference

/// Whether small layers come out as their textbook loops say, by every algorithm.
struct ArithmeticCheck: Check {
    /// Above what rounding explains, and below what would change an answer.
    static let limit: Float = 1e-4

    let instructions: InstructionSet
    /// Relative; infinite where a result was not a number.
    let difference: Float

    static func trial(_ instructions: InstructionSet) -> Self {
        Self(instructions: instructions, difference: ArithmeticTrial.largestDifference(with: instructions))
    }

    var finding: Finding {
        let name = "arithmetic"
        let found = "\(instructions.rawValue), " + String(format: "off by %.0e at most", difference)
        guard difference <= Self.limit else {
            return .failed(
                name, found,
                advice:
                    "Do not trust answers from here; run with \(ComputeEnvironment.instructionsVariable) set to another "
                    + "instruction set, and report it with the CPU's name.")
        }
        return .ok(name, found)
    }
}

/// Whether a library decodes an image to the pixels that it should.
struct CodecCheck: Check {
    let library: String
    let expected: [UInt8]
    let result: Result<[UInt8], ImageError>

    /// What two sound decoders of a lossy format may differ by. Units: of 255.
    static let tolerance = 4

    var finding: Finding {
        let name = "images"
        switch result {
        case .failure(let error):
            return .failed(name, "\(library), \(error)", advice: "Reinstall \(library): it does not read a sound file.")
        case .success(let pixels) where pixels == expected:
            return .ok(name, "\(library) decodes as Pillow does")
        case .success(let pixels):
            let difference = zip(pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
            guard pixels.count == expected.count, difference <= Self.tolerance else {
                return .failed(
                    name, "\(library) gives wrong pixels", advice: "Reinstall \(library): answers would be wrong too.")
            }
            return .warning(
                name, "\(library) is off by \(difference) of 255",
                advice: "Install libjpeg-turbo, libpng and libwebp of your distribution for Pillow's exact pixels.")
        }
    }
}

extension CodecCheck {
    init(_ image: SampleImage) {
        library = image.library
        expected = image.pixels
        result = Result { () throws(ImageError) in try ImageDecoder()(image.file).pixels }
    }
}

/// An image of two by two pixels whose decoded bytes are known.
///
/// Written and decoded by Pillow: JPEG of quality 90 without subsampling, PNG, lossless WebP.
struct SampleImage {
    /// The library that decodes it.
    let library: String
    let file: [UInt8]
    /// Red, green, blue of each pixel.
    let pixels: [UInt8]

    private init(_ library: String, _ base64: String, _ pixels: [UInt8]) {
        self.library = library
        file = Data(base64Encoded: base64).map(Array.init) ?? []
        self.pixels = pixels
    }

    private static let colours: [UInt8] = [200, 30, 40, 20, 180, 60, 30, 50, 210, 240, 240, 240]

    /// One a library.
    static let all = [
        SampleImage(
            "libjpeg",
            """
            /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMU
            FRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU
            FBQUFBQUFBT/wAARCAACAAIDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EAB0QAAICAwADAAAAAAAAAAAAAAECAwQF
            BgcAETH/xAAVAQEBAAAAAAAAAAAAAAAAAAAEBf/EAB4RAQEAAgICAwAAAAAAAAAAAAECBCEAAwURFSIk/9oADAMBAAIRAxEAPwBm
            8Q5vqWR4toFu3q2FtWp9fx8ss82Phd5HatGWZmK+ySSSSfvjvNYGJ1+TyojpkDssAkACnRrkf47Cy/0ZHTN3f2qqkWl2qp7Vdq7X
            n//Z
            """.filter { !$0.isNewline },
            [203, 28, 45, 27, 183, 40, 39, 55, 202, 227, 233, 255]),
        SampleImage(
            "libpng",
            """
            iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mM4IachssWGQc7o0ocPHwAg6AYFcQY8SgAAAABJRU5E
            rkJggg==
            """.filter { !$0.isNewline },
            colours),
        SampleImage(
            "libwebp", "UklGRi4AAABXRUJQVlA4TCEAAAAvAUAAAIVAgDgRoV2YHIEAIVWfNhFCAkK23AxT+x9k5g8A", colours),
    ]
}
