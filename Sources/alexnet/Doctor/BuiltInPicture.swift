import Foundation
import Inference

/// A picture of two by two pixels whose decoded bytes are known.
///
/// Written and decoded by Pillow: JPEG of quality 90 without subsampling, PNG, lossless WebP.
struct BuiltInPicture {
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
        BuiltInPicture(
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
        BuiltInPicture(
            "libpng",
            """
            iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR42mM4IachssWGQc7o0ocPHwAg6AYFcQY8SgAAAABJRU5E
            rkJggg==
            """.filter { !$0.isNewline },
            colours),
        BuiltInPicture(
            "libwebp", "UklGRi4AAABXRUJQVlA4TCEAAAAvAUAAAIVAgDgRoV2YHIEAIVWfNhFCAkK23AxT+x9k5g8A", colours),
    ]
}
