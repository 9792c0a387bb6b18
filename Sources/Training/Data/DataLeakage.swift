import Files
import Foundation
import Inference

/// The files to validate with that are, byte for byte, among those to learn from: they make a network look better than it is.
public struct DataLeakage: Sendable, Equatable {
    /// How many files to validate with are among those to learn from.
    public let count: Int
    /// One of them, and the file that it equals; nil where there is none.
    public let example: String?

    /// Limits: the most bytes that are read for it. Only files of equal sizes are read at all.
    static let maxByteCount = 256 << 20

    init(count: Int, example: String?) { (self.count, self.example) = (count, example) }

    /// - Parameters:
    ///   - training: whose images' names are their paths.
    ///   - validation: likewise.
    init(training: any Dataset, validation: any Dataset, maxByteCount: Int = Self.maxByteCount) {
        var bySize: [Int: (learned: [String], heldOut: [String])] = [:]
        for index in 0..<validation.count {
            let name = validation.name(at: index)
            if let size = FileSnapshot.byteCount(of: name) { bySize[size, default: ([], [])].heldOut.append(name) }
        }
        for index in 0..<training.count {
            let name = training.name(at: index)
            if let size = FileSnapshot.byteCount(of: name), bySize[size] != nil { bySize[size]?.learned.append(name) }
        }
        var (count, example, left) = (0, String?.none, maxByteCount)
        // The smallest first, so that the most are compared.
        for (size, files) in bySize.sorted(by: { $0.key < $1.key }) where !files.learned.isEmpty {
            left -= size * (files.learned.count + files.heldOut.count)
            guard left >= 0 else { break }
            var learned: [SHA256.Digest: String] = [:]
            for name in files.learned {
                if let digest = Self.digest(of: name, size) { learned[digest] = learned[digest] ?? name }
            }
            for name in files.heldOut {
                guard let digest = Self.digest(of: name, size), let other = learned[digest] else { continue }
                count += 1
                example = example ?? "\(name) is \(other)"
            }
        }
        (self.count, self.example) = (count, example)
    }

    private static func digest(of path: String, _ size: Int) -> SHA256.Digest? {
        (try? FileSnapshot.bytes(of: path, maxByteCount: size)).map { SHA256.hash($0) }
    }
}

extension DataSource {
    /// Which of a folder's files to validate with are among those to learn from; nil for data that are not one file an image.
    public func leakage(_ parts: Parts) -> DataLeakage? {
        kind == .folder ? DataLeakage(training: parts.training, validation: parts.validation) : nil
    }
}
