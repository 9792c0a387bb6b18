import CJPEGWriter
import Foundation
import TestSupport
import Testing

/// Writes JPEGs of every variety, so that tests need no file for each.
struct JPEGWriter: CustomTestStringConvertible {
    var channels = 3
    var quality = 85
    /// Chroma subsampling: luma samples per chroma sample.
    var across = 1
    var down = 1
    var isProgressive = false
    var isArithmetic = false
    /// Restart interval; 0 for none. Units: MCUs.
    var restartInterval = 0
    /// How many scans of a progressive file are kept; 0 for all. Coefficients that no scan brings are estimated from the
    /// blocks around.
    var scanCount = 0

    var testDescription: String {
        "\(channels) channels \(across)×\(down)" + (isProgressive ? " progressive" : "")
            + (isArithmetic ? " arithmetic" : "") + (restartInterval > 0 ? " restarts \(restartInterval)" : "")
            + (scanCount > 0 ? " \(scanCount) scans" : "")
    }

    /// The varieties that decoders treat differently.
    static let varieties: [JPEGWriter] =
        [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1), (4, 2), (1, 4)].map { JPEGWriter(across: $0.0, down: $0.1) } + [
            JPEGWriter(channels: 1), JPEGWriter(channels: 4),
            JPEGWriter(across: 2, down: 2, isProgressive: true), JPEGWriter(isProgressive: true),
            JPEGWriter(across: 2, down: 2, isArithmetic: true), JPEGWriter(across: 2, down: 2, restartInterval: 1),
            JPEGWriter(across: 2, down: 1, restartInterval: 3), JPEGWriter(quality: 100, across: 2, down: 2),
            JPEGWriter(quality: 10, across: 2, down: 2), JPEGWriter(channels: 1, isProgressive: true),
            JPEGWriter(across: 2, down: 2, isProgressive: true, scanCount: 1),
            JPEGWriter(isProgressive: true, scanCount: 2),
        ]

    /// A file of a gradient with noise and edges, reproducible by its seed.
    func bytes(width: Int, height: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * channels)
        for y in 0..<height {
            for x in 0..<width {
                let edge = (x / 7 + y / 5).isMultiple(of: 3) ? 90 : 0
                for channel in 0..<channels {
                    let slope = (x * (3 + channel) + y * (5 - channel)) % 140
                    pixels.append(UInt8(slope + edge + Int.random(in: 0..<25, using: &generator)))
                }
            }
        }
        return bytes(pixels, width: width, height: height)
    }

    /// A file of these pixels.
    func bytes(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
        var options = jpeg_writer_options(
            width: UInt32(width), height: UInt32(height), channels: Int32(channels), quality: Int32(quality),
            sampling_across: Int32(across), sampling_down: Int32(down), is_progressive: isProgressive ? 1 : 0,
            is_arithmetic: isArithmetic ? 1 : 0, restart_interval: UInt32(restartInterval))
        var memory: UnsafeMutablePointer<UInt8>?
        let count = jpeg_writer_write(pixels, &options, &memory)
        defer { free(memory) }
        return Self.cut(Array(UnsafeBufferPointer(start: memory, count: count)), after: scanCount)
    }

    /// The file without the scans after so many.
    private static func cut(_ bytes: [UInt8], after scanCount: Int) -> [UInt8] {
        let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
        return scanCount > 0 && scanCount < scans.count ? bytes[..<scans[scanCount]] + [0xFF, 0xD9] : bytes
    }
}
