import Foundation

/// A folder of a test's own, which is removed with the last reference to it.
public final class TemporaryFolder: Sendable {
    private let url: URL

    /// An empty folder.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("alexnet-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in the folder; of an empty name, the folder's own.
    public func path(_ name: String) -> String { url.path + (name.isEmpty ? "" : "/" + name) }

    /// What is in the folder, hidden files too, by name.
    public var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    }

    /// Writes a file, and the folders that it lies in.
    public func write(_ bytes: [UInt8], to name: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    /// Makes an empty folder.
    public func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(
            at: url.appendingPathComponent(name), withIntermediateDirectories: true)
    }
}
