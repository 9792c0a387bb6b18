import Foundation

/// A file that lives as long as the test that wrote it.
final class TemporaryFile {
    let path: String

    init(_ text: String) throws { path = try Self.write(Data(text.utf8)) }

    init(bytes: [UInt8]) throws { path = try Self.write(Data(bytes)) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private static func write(_ data: Data) throws -> String {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("alexnet-\(UUID().uuidString).yaml")
        try data.write(to: url)
        return url.path
    }
}
