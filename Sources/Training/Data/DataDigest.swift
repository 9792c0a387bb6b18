import Files

/// Says in 64 digits which data a model was trained on.
///
/// SHA-256; of a folder's files names, sizes and labels count, of files of many pictures every byte.
struct DataDigest: ~Copyable {
    private var hash = SHA256()

    /// Adds text and its end.
    mutating func add(_ text: String) {
        hash.update(Array(text.utf8))
        hash.update([0])
    }

    /// Adds a folder's listing.
    mutating func add(_ folder: ImageFolder) {
        for name in folder.classNames { add(name) }
        for index in 0..<folder.count {
            add("\(folder.label(at: index)) \(folder.entries[index].entry.byteCount) \(folder.relativePath(at: index))")
        }
    }

    /// Adds a whole file, whatever its name.
    mutating func add(_ file: DataFile) {
        withExtendedLifetime(file.stored) { hash.update(UnsafeRawBufferPointer(file.stored.bytes)) }
    }

    /// In lower case.
    consuming func hexadecimal() -> String { hash.finalize().hexadecimal() }
}
