/// How much of a picture is decoded before it is resized.
public enum DecodeMode: String, Sendable, CaseIterable, Codable {
    /// Every pixel under the crop, as Pillow does: the same input to the last bit.
    case exact

    /// A large JPEG at a half, a quarter or an eighth of its size, as the codec's transform gives it for less work.
    case scaled

    /// How many times longer than the resized picture's side the decoded picture's is at least, where it is scaled.
    static let gap = 2

    /// What a decoder that can scale divides both sides by: the largest of 8, 4 and 2 that keeps the gap, or 1.
    ///
    /// - Source: Pillow, `Image.thumbnail(reducing_gap=2.0)` and `JpegImageFile.draft`
    func denominator(from input: (height: Int, width: Int), to output: (height: Int, width: Int)) -> Int {
        guard self == .scaled else { return 1 }
        let scale = min(input.width / (output.width * Self.gap), input.height / (output.height * Self.gap))
        return [8, 4, 2].first { $0 <= scale } ?? 1
    }
}
