import Foundation
import Inference

/// Measures the way from an image's bytes to a network's input, on one thread.
struct ImageBench {
    /// A row, as it is written: medians.
    struct Row: Encodable {
        let image: String
        let decode: DecodeMode
        let milliseconds: Double
        /// The codec's part, and all else: resizing, cropping, normalising.
        let decodeMilliseconds: Double
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

    /// Fewer runs have no median worth the name.
    private static let minRunCount = 5

    /// Runs until the time is up, after two runs that nobody counts.
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
            totals.append(Self.milliseconds(.now - start))
            decoding.append(Self.milliseconds(timing.decoding))
            rest.append(Self.milliseconds(timing.preprocessing))
        }
        return Row(
            image: image.path, decode: decoder.mode, milliseconds: Self.median(totals),
            decodeMilliseconds: Self.median(decoding), preprocessMilliseconds: Self.median(rest))
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}

extension ImageBench.Row {
    /// Prints the row: a line for people, or one of JSON.
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
