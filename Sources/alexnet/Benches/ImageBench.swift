import Foundation
import Inference

/// Measures the decoding and preprocessing of an image on one thread.
struct ImageBench {
    /// The medians of several runs, as they are printed.
    struct Row: Encodable {
        /// The image's path.
        let image: String
        /// Whether the image is decoded exactly, or scaled while decoding.
        let decode: DecodeMode
        /// The time from the file's bytes to the network's input. Units: milliseconds.
        let milliseconds: Double
        /// The time in the codec. Units: milliseconds.
        let decodeMilliseconds: Double
        /// The time for resizing, cropping and normalising. Units: milliseconds.
        let preprocessMilliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case decode, milliseconds
            case image = "picture"
            case decodeMilliseconds = "decode_milliseconds"
            case preprocessMilliseconds = "preprocess_milliseconds"
        }
    }

    let image: ImageSource
    let decoder: ImageDecoder
    let preprocessing: Preprocessing

    /// The least number of runs for a meaningful median.
    private static let minRunCount = 5

    /// Runs until the time is up, after two warm-up runs.
    func measure(seconds: Double) throws -> Row {
        let bytes = try image.read()
        for _ in 0..<2 { _ = try decoder.input(bytes, for: preprocessing) }
        var totals: [Double] = []
        var decoding: [Double] = []
        var rest: [Double] = []
        let end = ContinuousClock.now + .seconds(seconds)
        while totals.count < Self.minRunCount || .now < end {
            var timing = ImageDecoder.Timing()
            let start = ContinuousClock.now
            _ = try decoder.input(bytes[...], for: preprocessing, timing: &timing)
            totals.append((.now - start) / .milliseconds(1))
            decoding.append(timing.decoding / .milliseconds(1))
            rest.append(timing.preprocessing / .milliseconds(1))
        }
        return Row(
            image: image.path, decode: decoder.mode, milliseconds: Self.median(totals),
            decodeMilliseconds: Self.median(decoding), preprocessMilliseconds: Self.median(rest))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

extension ImageBench.Row {
    /// Prints the row as text or as JSON.
    func write(isJSON: Bool) {
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if let line = try? encoder.encode(self) { print(String(decoding: line, as: UTF8.self)) }
        } else {
            let times = String(
                format: "%9.3f ms (decode %.3f, resize and normalise %.3f)", milliseconds, decodeMilliseconds,
                preprocessMilliseconds)
            print("\(ImageSource(path: image).label)  \(decode.rawValue)  \(times)")
        }
    }
}
