import TestSupport
import Testing

@testable import Inference

/// Decoding a window of an image, compared with decoding the whole image.
@Suite(.timeLimit(.minutes(2)))
struct ImageReaderTests {
    /// The pixels of a window, decoded by a reader.
    static func window(
        _ bytes: [UInt8], _ format: ImageFormat = .jpeg, columns: Range<Int>, rows: Range<Int>, denominator: Int = 1
    ) throws -> [UInt8] {
        try bytes.withUnsafeBufferPointer { bytes in
            var reader = try ImageReader(bytes, format: format)
            let given = try reader.begin(columns: columns, rows: rows, denominator: denominator)
            let stride = 3 * given.count
            var pixels = [UInt8](repeating: 0, count: stride * rows.count)
            try pixels.withUnsafeMutableBufferPointer { pixels in
                var (row, step) = (0, 1)
                // In bands of every size: callers need not ask for sixteen rows at a time.
                while row < rows.count, let start = pixels.baseAddress {
                    let count = min(step, rows.count - row)
                    try reader.read(rowCount: count, to: start + row * stride, stride: stride)
                    row += count
                    step = step % 19 + 1
                }
            }
            try reader.finish()
            let left = 3 * (columns.lowerBound - given.lowerBound)
            return rows.indices.flatMap { row in
                let start = (row - rows.lowerBound) * stride + left
                return pixels[start..<start + 3 * columns.count]
            }
        }
    }

    /// The same window, cut out of the whole image.
    static func cut(_ pixels: [UInt8], width: Int, columns: Range<Int>, rows: Range<Int>) -> [UInt8] {
        rows.flatMap { row in pixels[3 * (row * width + columns.lowerBound)..<3 * (row * width + columns.upperBound)] }
    }

    @Test(arguments: JPEGWriter.varieties)
    func `A window of a JPEG has the whole image's pixels`(_ writer: JPEGWriter) throws {
        var generator = SeededGenerator(seed: 7)
        let sizes = [(1, 1), (8, 8), (9, 17), (33, 31), (64, 48), (131, 129), (200, 97), (97, 211)]
        for (width, height) in sizes {
            let bytes = writer.bytes(width: width, height: height)
            for denominator in [1, 2, 4, 8] {
                let (wide, high) = ((width + denominator - 1) / denominator, (height + denominator - 1) / denominator)
                let whole = try Self.window(
                    bytes, columns: 0..<wide, rows: 0..<high, denominator: denominator)
                if denominator == 1 { #expect(try ImageDecoder()(bytes).pixels == whole) }
                for _ in 0..<12 {
                    let left = Int.random(in: 0..<wide, using: &generator)
                    let columns = left..<Int.random(in: left + 1...wide, using: &generator)
                    let top = Int.random(in: 0..<high, using: &generator)
                    let rows = top..<Int.random(in: top + 1...high, using: &generator)
                    let found = try Self.window(bytes, columns: columns, rows: rows, denominator: denominator)
                    #expect(
                        found == Self.cut(whole, width: wide, columns: columns, rows: rows),
                        "\(width)×\(height) / \(denominator), columns \(columns), rows \(rows)")
                }
            }
        }
    }

    @Test(arguments: JPEGWriter.varieties.prefix(5))
    func `A window at every alignment has the whole image's pixels`(_ writer: JPEGWriter) throws {
        let (width, height) = (150, 150)
        let bytes = writer.bytes(width: width, height: height)
        let whole = try ImageDecoder()(bytes).pixels
        for start in 0..<80 {
            for (columns, rows) in [(start..<start + 9, start..<start + 9), (start..<start + 70, 79 - start..<150)] {
                let found = try Self.window(bytes, columns: columns, rows: rows)
                #expect(found == Self.cut(whole, width: width, columns: columns, rows: rows), "\(columns) \(rows)")
            }
        }
    }

    @Test(arguments: [
        "colour2-depth8.png", "colour2-depth8-interlaced.png", "colour3-depth4-transparent.png",
        "colour0-depth16.png", "colour0-depth16-interlaced.png", "colour6-depth16.png", "lossy.webp",
        "lossless-alpha.webp", "moving-small-frame.webp",
    ])
    func `A window of a PNG or WebP has the whole image's pixels`(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let whole = try ImageDecoder(appliesOrientation: false)(bytes)
        for (columns, rows) in [
            (0..<whole.width, 0..<whole.height), (1..<3, 2..<whole.height), (whole.width - 1..<whole.width, 0..<1),
        ] {
            let found = try Self.window(bytes, try ImageFormat(signatureOf: bytes[...]), columns: columns, rows: rows)
            #expect(found == Self.cut(whole.pixels, width: whole.width, columns: columns, rows: rows))
        }
    }

    @Test(arguments: JPEGWriter.varieties.filter { !$0.isArithmetic })
    func `A file truncated below the window is refused`(_ writer: JPEGWriter) throws {
        let bytes = writer.bytes(width: 70, height: 140)
        let whole = try ImageDecoder()(bytes).pixels
        let (columns, rows) = (20..<40, 40..<50)
        let expected = Self.cut(whole, width: 70, columns: columns, rows: rows)
        for count in Swift.stride(from: 4, to: bytes.count, by: 3) {
            let cut = Array(bytes[..<count])
            let all = Result { try ImageDecoder()(cut) }
            let window = Result { try Self.window(cut, columns: columns, rows: rows) }
            switch (all, window) {
            case (.success, .success(let pixels)): #expect(pixels == expected, "cut to \(count) bytes")
            case (.failure(let first), .failure(let second)):
                #expect(first as? ImageError == second as? ImageError, "cut to \(count) bytes")
            default: Issue.record("cut to \(count) bytes: whole \(all.isFailure), window \(window.isFailure)")
            }
        }
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
