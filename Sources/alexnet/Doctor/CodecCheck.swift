import Inference

/// Whether a library decodes a picture to the pixels that it should.
struct CodecCheck: Check {
    let library: String
    let expected: [UInt8]
    let result: Result<[UInt8], ImageError>

    /// What two sound decoders of a lossy format may differ by. Units: of 255.
    static let tolerance = 4

    var finding: Finding {
        let name = "pictures"
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
    init(_ picture: BuiltInPicture) {
        library = picture.library
        expected = picture.pixels
        result = Result { () throws(ImageError) in try ImageDecoder()(picture.file).pixels }
    }
}
