import Foundation
import Host
import Inference

/// Checks every algorithm on small layers against the naive loops.
struct ArithmeticCheck: Check {
    /// The largest allowed relative difference: more than rounding causes, and less than would change a prediction.
    static let limit: Float = 1e-4

    /// The instruction set under test.
    let instructions: InstructionSet
    /// The largest relative difference; infinity if a result was NaN.
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
                    "Predictions may be wrong here. Set \(ComputeEnvironment.instructionsVariable) to another instruction set, "
                    + "and report this with the CPU's name.")
        }
        return .ok(name, found)
    }
}

/// Tells how fast this machine computes and reads memory: the limits that `bench --layers` compares with.
struct SpeedCheck: Check {
    let speed: MachineSpeed
    let threadCount: Int

    var finding: Finding {
        let one = "one thread \(speed.oneThread.text)"
        return .ok("speed", threadCount == 1 ? one : one + "; \(threadCount) threads \(speed.allThreads.text)")
    }
}

extension MachineSpeed.Rates {
    /// Such as "118 GFLOP/s in float32, 473 GOP/s in int8, 21 GB/s from memory".
    var text: String {
        String(
            format: "%.0f GFLOP/s in float32, %.0f GOP/s in int8, %.0f GB/s from memory",
            float32OperationsPerSecond / 1e9, int8OperationsPerSecond / 1e9, bytesPerSecond / 1e9)
    }
}

/// Checks that an image library decodes a sample to the expected pixels.
struct CodecCheck: Check {
    /// The library's name.
    let library: String
    /// The expected bytes: Pillow's.
    let expected: [UInt8]
    /// The bytes decoded on this machine.
    let result: Result<[UInt8], ImageError>

    /// The largest difference between correct decoders of a lossy format. Units: byte values.
    static let tolerance = 4

    var finding: Finding {
        let name = "images"
        switch result {
        case .failure(let error):
            return .failed(name, "\(library), \(error)", advice: "Reinstall \(library): it cannot decode a valid file.")
        case .success(let pixels) where pixels == expected:
            return .ok(name, "\(library) decodes as Pillow does")
        case .success(let pixels):
            let difference = zip(pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
            guard pixels.count == expected.count, difference <= Self.tolerance else {
                return .failed(
                    name, "\(library) decodes to wrong pixels",
                    advice: "Reinstall \(library): predictions would be wrong too.")
            }
            return .warning(
                name, "\(library) differs from Pillow by up to \(difference) of 255",
                advice: "For exactly Pillow's pixels, install your distribution's libjpeg-turbo, libpng and libwebp.")
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

/// A 2×2 image file and its decoded bytes.
///
/// Pillow wrote and decoded the files: JPEG of quality 90 without subsampling, PNG, lossless WebP.
struct SampleImage {
    /// The library that decodes it.
    let library: String
    /// The file's bytes.
    let file: [UInt8]
    /// The decoded bytes: red, green and blue of each pixel.
    let pixels: [UInt8]

    private init(_ library: String, _ base64: String, _ pixels: [UInt8]) {
        self.library = library
        file = Data(base64Encoded: base64).map(Array.init) ?? []
        self.pixels = pixels
    }

    private static let colours: [UInt8] = [200, 30, 40, 20, 180, 60, 30, 50, 210, 240, 240, 240]

    /// One file for each library.
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
