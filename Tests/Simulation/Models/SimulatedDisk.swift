@testable import Files
import Glibc
@testable import Inference
@testable import Server
import Synchronization

/// The models directory: folders with a checkpoint each, whose content is a number.
///
/// Looks take a while and fail now and then. A checkpoint that is copied over another one is half old and half new in
/// between.
final class SimulatedDisk: FileSystem, @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    /// What a checkpoint holds.
    struct Content: Equatable {
        /// The number of the version; a server must never serve a model of another one.
        var version: Int
        /// Whether the file is whole: neither cut off, nor half of it another version.
        var isWhole = true
    }

    private struct File {
        var content: Content
        var inode: UInt64
        var byteCount: Int64
        var changed: Int
    }

    static let directory = "/models"
    private let scheduler: Scheduler
    private var files: [String: File] = [:]
    private var lastInode: UInt64 = 100
    /// The error number with which every look fails at the moment.
    var failure: Int32?
    /// A look takes this long. Units: nanoseconds.
    var latency = Int.microseconds(1)...Int.microseconds(200)

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    /// The models that have a folder, by name.
    var names: [String] { files.keys.sorted() }

    /// What the model's checkpoint holds.
    func content(of name: String) -> Content? { files[name]?.content }

    /// Writes a checkpoint in one step: another file takes the place of the old one.
    func replace(_ name: String, by content: Content) {
        lastInode += 1
        files[name] = File(
            content: content, inode: lastInode, byteCount: 1000 + Int64(content.version % 3), changed: scheduler.time)
    }

    /// Writes into the file that is there, as `cp` does.
    func overwrite(_ name: String, by content: Content, byteCount: Int64) {
        guard var file = files[name] else { return replace(name, by: content) }
        file.content = content
        file.byteCount = byteCount
        file.changed = scheduler.time
        files[name] = file
    }

    func remove(_ name: String) { files[name] = nil }

    // MARK: Looks

    private func look(_ path: String) throws(FileSystemError) {
        scheduler.thread?.sleep(scheduler.pick(latency))
        if let failure { throw FileSystemError(path: path, code: failure) }
    }

    func names(in folder: String) throws(FileSystemError) -> [String]? {
        try look(folder)
        if folder == Self.directory { return names }
        guard let name = name(of: folder), files[name] != nil else { return nil }
        return ["model.safetensors", "class_indices.json"]
    }

    private func name(of folder: String) -> String? {
        folder.hasPrefix(Self.directory + "/") ? String(folder.dropFirst(Self.directory.count + 1)) : nil
    }

    func status(of path: String) throws(FileSystemError) -> FileStatus? {
        try look(path)
        var status = stat()
        if path == Self.directory || name(of: path).flatMap({ files[$0] }) != nil {
            status.st_mode = S_IFDIR
            return FileStatus(status)
        }
        let parts = path.dropFirst(Self.directory.count + 1).split(separator: "/")
        guard path.hasPrefix(Self.directory + "/"), parts.count == 2, let file = files[String(parts[0])] else {
            return nil
        }
        status.st_mode = S_IFREG
        switch parts[1] {
        case "model.safetensors":
            status.st_ino = ino_t(file.inode)
            status.st_size = off_t(file.byteCount)
            status.st_mtim = timespec(tv_sec: file.changed / .seconds(1), tv_nsec: file.changed % .seconds(1))
        case "class_indices.json":
            status.st_ino = 7
            status.st_size = 20
        default: return nil
        }
        return FileStatus(status)
    }

    func resolve(_ path: String) throws(FileSystemError) -> String? {
        try look(path)
        return path
    }
}

/// Loads models from a simulated disk.
final class SimulatedReader: ModelReader, @unchecked Sendable {  // guard: one thread runs at a time
    private let scheduler: Scheduler
    private let disk: SimulatedDisk
    private let template: Model
    /// A load takes this long. Units: nanoseconds.
    var duration = Int.milliseconds(1)...Int.milliseconds(100)

    init(_ scheduler: Scheduler, disk: SimulatedDisk, template: Model) {
        self.scheduler = scheduler
        self.disk = disk
        self.template = template
    }

    func read(_ files: ModelFiles, check: (_ checkpointByteCount: Int) throws -> Void) throws -> Model {
        func fail() throws(ModelError) {
            guard let failure = disk.failure else { return }
            throw .inaccessible(FileSystemError(path: files.folder, code: failure))
        }
        try fail()
        try check(1000)
        guard let before = disk.content(of: files.name) else { throw ModelError.noCheckpoint(folder: files.folder) }
        let duration = scheduler.pick(duration)
        scheduler.thread?.sleep(duration / 2)
        try fail()
        scheduler.thread?.sleep(duration / 2)
        guard let after = disk.content(of: files.name) else { throw ModelError.noCheckpoint(folder: files.folder) }
        // A file that was cut off is noticed by its size; a mixture of two is not, since weights are just numbers.
        guard before.isWhole || after.isWhole else { throw ModelError.nonFiniteOutput }
        let isMixture = before != after || !after.isWhole
        return Model(
            name: files.name, architecture: template.architecture, assumptions: [],
            version: isMixture ? "mixture" : Self.version(of: files.name, after.version), classes: template.classes,
            preprocessing: template.preprocessing, checkpointFormat: template.checkpointFormat,
            precision: template.precision, engine: template.engine)
    }

    /// The version that is served of a checkpoint of this number.
    static func version(of model: String, _ number: Int) -> String { "\(model)-\(number)" }
}
