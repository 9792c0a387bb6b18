import Files
@testable import Inference
@testable import Server

/// Decoding and the network of a simulated server: they take virtual time, and an image's answer is a function of the image
/// and the model's version that clients can compute themselves.
final class SimulatedComputation: ImageComputation, @unchecked Sendable {  // guard: one thread at a time runs
    private let scheduler: Scheduler
    let maxPixels: Int
    /// The time of one pass, and of each image in it. Units: nanoseconds.
    private let passDuration: Int, imageDuration: Int

    init(_ scheduler: Scheduler, maxPixels: Int, passDuration: Int, imageDuration: Int) {
        self.scheduler = scheduler
        self.maxPixels = maxPixels
        self.passDuration = passDuration
        self.imageDuration = imageDuration
    }

    func tensor(
        of image: ImageInput, for preprocessing: Preprocessing, cost: ImageCost, timing: inout ImageDecoder.Timing,
        shouldStop: @escaping () -> Bool
    ) throws(ImageError) -> Tensor {
        guard case .encoded(let bytes) = image, let picture = Picture(bytes) else { throw .truncated(format: .png) }
        guard picture.pixelCount <= maxPixels else {
            throw .tooManyPixels(width: picture.width, height: picture.height, limit: maxPixels)
        }
        // The codec asks every few milliseconds whether to go on.
        var rest = cost.nanoseconds / 2 + scheduler.pick(0...cost.nanoseconds)
        if rest > .milliseconds(2) || scheduler.chance(1, in: 6) {
            while rest > 0 {
                let piece = min(rest, scheduler.pick(.microseconds(500)...Int.milliseconds(4)))
                scheduler.thread?.sleep(piece)
                rest -= piece
                if rest > 0, shouldStop() { throw .stopped }
            }
        }
        if picture.isCorrupt { throw .corrupt(format: .png, reason: "a picture that cannot be read") }
        return Tensor([2], scalars: [Float(picture.id >> 20), Float(picture.id & 0xF_FFFF)])
    }

    func logits(of inputs: [Tensor], by model: Model) -> [[Float]] {
        let usual = passDuration + imageDuration * inputs.count
        let duration = scheduler.chance(1, in: 50) ? usual * scheduler.pick(2...10) : usual
        scheduler.thread?.sleep(duration)
        return inputs.map { input in
            let id = Int(input.scalars[0]) << 20 | Int(input.scalars[1])
            var logits = Array(repeating: Float(0), count: model.classes.count)
            logits[Self.classIndex(of: id, by: model.version, classCount: logits.count)] = 9
            return logits
        }
    }

    /// The class of a picture.
    static func classIndex(of id: Int, by version: String, classCount: Int) -> Int {
        var hash = UInt64(id)
        for byte in version.utf8 { hash = Mix64.mix(hash &+ UInt64(byte) &+ Mix64.increment) }
        return Int(hash % UInt64(classCount))
    }
}

/// A picture as simulated clients send it: a PNG file's header, and a number instead of pixels.
struct Picture {
    let id: Int
    let width: Int
    let height: Int
    let isCorrupt: Bool
    var pixelCount: Int { width * height }

    private static let byteCount = 42

    init(id: Int, width: Int, height: Int, isCorrupt: Bool) {
        self.id = id
        self.width = width
        self.height = height
        self.isCorrupt = isCorrupt
    }

    /// The file.
    ///
    /// - Parameter padding: how many more bytes it has. Units: bytes.
    func bytes(padding: Int) -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
        }
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + big(13, 4) + [0x49, 0x48, 0x44, 0x52]
            + big(width, 4) + big(height, 4) + [8, 2, 0, 0, 0] + big(0, 4)
            + big(id, 8) + [isCorrupt ? 1 : 0] + Array(repeating: 0x5A, count: padding)
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        func big(_ offset: Int, _ count: Int) -> Int {
            bytes[(bytes.startIndex + offset)...].prefix(count).reduce(0) { $0 << 8 | Int($1) }
        }
        self.init(id: big(33, 8), width: big(16, 4), height: big(20, 4), isCorrupt: big(41, 1) != 0)
    }
}
