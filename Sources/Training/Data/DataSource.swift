import Files

/// A data set's format and path, as in the argument of `--data`: `FOLDER`, `fashion-mnist:DIR`, `mnist:DIR`,
/// `cifar10:DIR` or `cifar100:DIR`.
public struct DataSource: Sendable, Equatable {
    /// The format of the data.
    public enum Kind: Sendable, Equatable {
        /// Image files with one folder per class. The class folders are in `path` itself, or in its folders `train` (or
        /// `training`) and `val` (or `valid`, `validation`, `test`, `testing`), in upper or lower case.
        case folder
        /// IDX files of Fashion-MNIST or MNIST.
        case idx(IDXDataset.Kind)
        /// Binary files of CIFAR-10 or CIFAR-100.
        case cifar(CIFARDataset.Kind)
    }

    /// The two parts of the data that training needs.
    public struct Parts: Sendable {
        /// The images that the network is trained on.
        public let training: any Dataset
        /// The images that select the best epoch.
        public let validation: any Dataset
        /// The SHA-256 of the data, for `model.json`. It does not depend on the path.
        public let digest: String

        /// The files of both parts that are not read as images.
        public var ignored: IgnoredFiles {
            // Two parts that were split from one folder have the same ignored files.
            training.ignored == validation.ignored ? training.ignored : training.ignored + validation.ignored
        }
    }

    /// The format of the data.
    public let kind: Kind
    /// The path of the folder.
    public let path: String
    /// Whether a folder needs class folders; see ``ImageFolder/init(_:needsClasses:decoder:)``.
    public let needsClasses: Bool

    /// The share that is held out if the data has no validation part.
    public static let defaultSplit = 0.1

    /// The names of training folders in lower case, in the order of search.
    private static let trainingFolders = ["train", "training"]
    private static let validationFolders = ["val", "valid", "validation", "test", "testing"]

    /// Parses the argument of `--data`.
    ///
    /// - Parameter needsClasses: whether a folder needs class folders.
    /// - Throws: ``DatasetError/unknownSource(found:)`` if it is neither a known format nor a folder.
    public init(_ argument: String, needsClasses: Bool = true) throws(DatasetError) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, !parts[1].isEmpty {
            if let kind = IDXDataset.Kind(rawValue: parts[0]) {
                self.init(.idx(kind), path: parts[1])
                return
            }
            if let kind = CIFARDataset.Kind(rawValue: parts[0]) {
                self.init(.cifar(kind), path: parts[1])
                return
            }
        }
        guard parts.count == 1 && !argument.isEmpty || Folder.exists(argument) else {
            throw .unknownSource(found: argument)
        }
        self.init(.folder, path: argument, needsClasses: needsClasses)
    }

    /// Data of this format at this path.
    public init(_ kind: Kind, path: String, needsClasses: Bool = true) {
        (self.kind, self.path, self.needsClasses) = (kind, path, needsClasses)
    }

    private func images(in path: String) throws(DatasetError) -> ImageFolder {
        try ImageFolder(path, needsClasses: needsClasses)
    }

    /// Loads both parts: the data's own, or a stratified split.
    ///
    /// - Parameters:
    ///   - validationSplit: the share that is held out of the training part. Nil uses the data's validation or test
    ///     part, or ``defaultSplit`` if there is none.
    ///   - seed: determines the images that are held out.
    /// - Throws: ``DatasetError`` if the data cannot be used.
    public func load(validationSplit: Double? = nil, seed: UInt64 = 0) throws(DatasetError) -> Parts {
        if let validationSplit, !(validationSplit > 0 && validationSplit < 1) {
            throw .splitOutOfRange(found: validationSplit)
        }
        var digest = DataDigest()
        switch kind {
        case .folder:
            guard let validationPath = try validationPath() else {
                let whole = try images(in: try classFoldersPath())
                digest.add("folder")
                digest.add(whole)
                return try split(whole, validationSplit ?? Self.defaultSplit, seed, digest)
            }
            let training = try images(in: trainingPath ?? path)
            digest.add("train")
            digest.add(training)
            if let validationSplit { return try split(training, validationSplit, seed, digest) }
            let validation = try images(in: validationPath)
            try Self.check(training, validation)
            digest.add("validation")
            digest.add(validation)
            return Parts(training: training, validation: validation, digest: digest.hexadecimal())
        case .idx(let kind):
            let training = try IDXDataset(kind, folder: path, part: .training)
            training.files.forEach { digest.add($0) }
            if let validationSplit { return try split(training, validationSplit, seed, digest) }
            let validation = try IDXDataset(kind, folder: path, part: .test)
            try Self.check(training, validation)
            validation.files.forEach { digest.add($0) }
            return Parts(training: training, validation: validation, digest: digest.hexadecimal())
        case .cifar(let kind):
            let training = try CIFARDataset(kind, folder: path, part: .training)
            training.files.forEach { digest.add($0) }
            if let validationSplit { return try split(training, validationSplit, seed, digest) }
            let validation = try CIFARDataset(kind, folder: path, part: .test)
            validation.files.forEach { digest.add($0) }
            return Parts(training: training, validation: validation, digest: digest.hexadecimal())
        }
    }

    /// The data for an evaluation: the validation or test part, or the whole folder if there is none.
    ///
    /// - Throws: ``DatasetError`` if the data cannot be used.
    public func evaluation() throws(DatasetError) -> any Dataset {
        switch kind {
        case .folder:
            if let validationPath = try validationPath() {
                return try images(in: validationPath)
            } else {
                return try images(in: try classFoldersPath())
            }
        case .idx(let kind): return try IDXDataset(kind, folder: path, part: .test)
        case .cifar(let kind): return try CIFARDataset(kind, folder: path, part: .test)
        }
    }

    /// The images of both parts.
    ///
    /// - Throws: ``DatasetError`` if the data cannot be used.
    func everything() throws(DatasetError) -> any Dataset {
        let validation = try evaluation()
        guard hasOwnValidation else { return validation }
        switch kind {
        case .folder:
            let training = try images(in: trainingPath ?? path)
            if let validation = validation as? ImageFolder { try Self.check(training, validation) }
            return JoinedDatasets(training, validation)
        case .idx(let kind):
            return JoinedDatasets(try IDXDataset(kind, folder: path, part: .training), validation)
        case .cifar(let kind):
            return JoinedDatasets(try CIFARDataset(kind, folder: path, part: .training), validation)
        }
    }

    /// Whether the data has a validation or test part.
    var hasOwnValidation: Bool {
        switch kind {
        case .folder: (try? validationPath()) ?? nil != nil
        case .idx, .cifar: true
        }
    }

    /// The path of the folder's training part; nil if it has none.
    var trainingPath: String? { (try? Folder.subfolders(of: path)).flatMap { part(Self.trainingFolders, of: $0) } }

    /// The first of the names that a subfolder has, in upper or lower case.
    private func part(_ names: [String], of subfolders: [String]) -> String? {
        for name in names {
            if let found = subfolders.first(where: { $0.lowercased() == name }) { return "\(path)/\(found)" }
        }
        return nil
    }

    /// The path of the folder's validation part; nil if it has none, or if it has no training part.
    private func validationPath() throws(DatasetError) -> String? {
        try Folder.check(path)
        let subfolders = try Folder.subfolders(of: path)
        guard part(Self.trainingFolders, of: subfolders) != nil else { return nil }
        return part(Self.validationFolders, of: subfolders)
    }

    /// The folder that holds the class folders: the path itself, or its training part if that is the only subfolder.
    ///
    /// - Throws: ``DatasetError/partAmongClasses(path:others:)`` if a part is beside other folders: all of its images
    ///   would become one class.
    private func classFoldersPath() throws(DatasetError) -> String {
        let subfolders = try Folder.subfolders(of: path)
        for names in [Self.trainingFolders, Self.validationFolders] {
            guard let part = part(names, of: subfolders), try Self.holdsClasses(part) else { continue }
            if subfolders.count == 1, names == Self.trainingFolders { return part }
            throw .partAmongClasses(path: part, others: subfolders.filter { "\(path)/\($0)" != part })
        }
        return path
    }

    /// Whether a folder's images are in several subfolders, and none is in the folder itself.
    private static func holdsClasses(_ path: String) throws(DatasetError) -> Bool {
        let folders = try Folder.images(below: path).map { $0.path.split(separator: "/").dropLast().first }
        return !folders.contains(nil) && Set(folders).count > 1
    }

    private func split(
        _ whole: any Dataset, _ share: Double, _ seed: UInt64, _ digest: consuming DataDigest
    ) throws(DatasetError) -> Parts {
        let split = StratifiedSplit(labels: (0..<whole.count).map(whole.label), share: share, seed: seed)
        guard !split.validation.isEmpty else { throw .nothingToHoldOut(path: path) }
        return Parts(
            training: Subset(whole, indices: split.training), validation: Subset(whole, indices: split.validation),
            digest: digest.hexadecimal())
    }

    /// Checks that two folders have the same classes.
    private static func check(_ training: ImageFolder, _ validation: ImageFolder) throws(DatasetError) {
        for (one, other) in [(training, validation), (validation, training)] {
            if let name = one.classNames.first(where: { !other.classNames.contains($0) }) {
                throw .classesDiffer(path: one.path, other: other.path, name: name)
            }
        }
    }

    /// Checks that the images of two parts have the same size.
    private static func check(_ training: IDXDataset, _ validation: IDXDataset) throws(DatasetError) {
        guard training.size == validation.size else {
            throw .sizeMismatch(
                file: validation.files[0].name, found: "\(validation.size.width)×\(validation.size.height)",
                expected: "\(training.size.width)×\(training.size.height)")
        }
    }
}

/// A stratified split: the same share of every class is held out for validation.
struct StratifiedSplit: Equatable {
    /// The indices of the training images, ascending.
    let training: [Int]
    /// The indices of the validation images, ascending.
    let validation: [Int]

    /// Holds out this share of each class, rounded, and at least one image. A class with a single image keeps it for
    /// training.
    ///
    /// - Parameters:
    ///   - labels: the class of each image.
    ///   - share: above 0 and below 1.
    ///   - seed: determines the images that are held out.
    init(labels: [Int], share: Double, seed: UInt64) {
        let groups = Dictionary(grouping: labels.indices) { labels[$0] }
        var (training, validation): ([Int], [Int]) = ([], [])
        for (label, indices) in groups.sorted(by: { $0.key < $1.key }) {
            var generator = SplitMix64(seed: seed, purpose: .split, label)
            let shuffled = generator.shuffled(indices)
            let count = max(1, min(shuffled.count - 1, Int((share * Double(shuffled.count)).rounded())))
            let held = shuffled.count == 1 ? 0 : count
            validation += shuffled.prefix(held)
            training += shuffled.dropFirst(held)
        }
        self.training = training.sorted()
        self.validation = validation.sorted()
    }
}

/// The identity of a data set, as a SHA-256 digest.
///
/// For a folder it covers the names, sizes and labels of the files. For files that hold many images it covers every
/// byte.
struct DataDigest: ~Copyable {
    private var hash = SHA256()

    /// Adds text with a terminating zero.
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

    /// Adds all bytes of a file, without its name.
    mutating func add(_ file: DataFile) {
        withExtendedLifetime(file.stored) { hash.update(UnsafeRawBufferPointer(file.stored.bytes)) }
    }

    /// The digest as 64 hexadecimal digits in lower case.
    consuming func hexadecimal() -> String { hash.finalize().hexadecimal() }
}
