import Files
import Inference

/// Pictures in one folder a class, as torchvision's `ImageFolder`: the folders' names, sorted, are the classes.
///
/// JPEG, PNG and WebP files count, in folders within the class folders too; hidden files do not, and others are ``leftOut``.
public struct ImageFolder: Dataset {
    public let classNames: [String]
    /// The folder of the class folders.
    public let path: String
    public let leftOut: LeftOutFiles
    /// Sorted by class, then by path.
    let entries: [(label: Int, entry: Folder.Entry)]
    private let decoder: ImageDecoder

    /// Limits: the most bytes of a picture's file.
    static let maxByteCount = 256 << 20

    public var count: Int { entries.count }

    /// Lists the folders; pictures are read when they are asked for.
    ///
    /// - Throws: ``DatasetError`` where there is no such folder, it has less than two class folders, or one is empty.
    public init(_ path: String, decoder: ImageDecoder = ImageDecoder(keptInputs: 0)) throws(DatasetError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        self.decoder = decoder
        try Folder.check(path)
        classNames = try Folder.subfolders(of: path)
        guard !classNames.isEmpty else { throw .noClassFolders(path: path) }
        var entries: [(label: Int, entry: Folder.Entry)] = []
        var leftOut = try Folder.filesBeside(classNames, in: path)
        for (label, name) in classNames.enumerated() {
            let found = try Folder.contents(below: "\(path)/\(name)")
            guard !found.pictures.isEmpty else {
                throw .emptyClassFolder(path: "\(path)/\(name)", others: LeftOutFiles(found.leftOut).summary)
            }
            entries += found.pictures.map { (label, $0) }
            leftOut += found.leftOut
        }
        guard classNames.count > 1 else { throw .singleClass(path: path, name: classNames[0]) }
        self.entries = entries
        self.leftOut = LeftOutFiles(leftOut)
    }

    public func label(at index: Int) -> Int { entries[index].label }

    public func name(at index: Int) -> String { "\(path)/\(relativePath(at: index))" }

    /// From the folder of the class folders on.
    func relativePath(at index: Int) -> String { "\(classNames[entries[index].label])/\(entries[index].entry.path)" }

    public func picture(at index: Int) throws(DatasetError) -> PixelImage {
        let name = name(at: index)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileSnapshot.bytes(of: name, maxByteCount: Self.maxByteCount)
        } catch {
            throw DatasetError(error, path: name)
        }
        do throws(ImageError) {
            return try decoder(bytes)
        } catch {
            throw .picture(name: name, error)
        }
    }
}
