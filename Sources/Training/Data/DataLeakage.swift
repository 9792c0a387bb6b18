import Files
import Foundation
import Inference

/// Data leakage: files that are equal byte for byte in the training and validation data. They make a network look
/// better than it is.
public struct DataLeakage: Sendable, Equatable {
    /// The number of validation files that are in the training data too.
    public let count: Int
    /// One of them and the training file that it equals, in the form `A is B`; nil if there is none.
    public let example: String?

    /// The most bytes read in the search. Only files of equal size are read. Units: bytes.
    static let maxByteCount = 256 << 20

    init(count: Int, example: String?) { (self.count, self.example) = (count, example) }

    /// Compares two parts, whose images' names must be file paths.
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
        // Smallest files first, so that as many as possible are compared.
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
    /// The leakage between the parts of an image folder; nil for data sets that do not have one file per image.
    public func leakage(_ parts: Parts) -> DataLeakage? {
        kind == .folder ? DataLeakage(training: parts.training, validation: parts.validation) : nil
    }
}
