import Files

/// Where data are, as `--data` says it: `FOLDER`, `fashion-mnist:DIR`, `mnist:DIR`, `cifar10:DIR` or `cifar100:DIR`.
public struct DataSource: Sendable, Equatable {
    /// How the data lie there.
    public enum Kind: Sendable, Equatable {
        /// A folder a class, or `train` and `val` (`training`; `valid`, `validation`, `test`, `testing`; in capitals or not)
        /// with a folder a class in each.
        case folder
        case idx(IDXDataset.Kind)
        case cifar(CIFARDataset.Kind)
    }

    /// What training needs.
    public struct Parts: Sendable {
        /// To learn from.
        public let training: any Dataset
        /// To choose the best epoch by.
        public let validation: any Dataset
        /// SHA-256 of what makes the data what they are, for `model.json`; it does not depend on where they lie.
        public let digest: String

        /// What lies among the images of either part and is none.
        public var ignored: IgnoredFiles {
            // Two shares of one folder have the same.
            training.ignored == validation.ignored ? training.ignored : training.ignored + validation.ignored
        }
    }

    /// How the data lie there.
    public let kind: Kind
    /// The folder.
    public let path: String

    /// What is held out of a folder that has no part for validation.
    public static let defaultSplit = 0.1

    /// In lower case; the first that is there counts.
    private static let trainingFolders = ["train", "training"]
    private static let validationFolders = ["val", "valid", "validation", "test", "testing"]

    /// Understands the argument.
    ///
    /// - Throws: ``DatasetError/unknownSource(found:)`` where that is no known way and no folder either.
    public init(_ argument: String) throws(DatasetError) {
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
        self.init(.folder, path: argument)
    }

    /// Data of that kind in that folder.
    public init(_ kind: Kind, path: String) { (self.kind, self.path) = (kind, path) }

    /// Both parts: those that are published or lie there apart, or a stratified split by the seed.
    ///
    /// - Parameter validationSplit: the share that is held out of the training part; nil takes the validation or test part
    ///   where there is one, and else ``defaultSplit``.
    /// - Throws: ``DatasetError`` where the data cannot be used.
    public func load(validationSplit: Double? = nil, seed: UInt64 = 0) throws(DatasetError) -> Parts {
        if let validationSplit, !(validationSplit > 0 && validationSplit < 1) {
            throw .splitOutOfRange(found: validationSplit)
        }
        var digest = DataDigest()
        switch kind {
        case .folder:
            guard let validationPath = try validationPath() else {
                let whole = try ImageFolder(try classFoldersPath())
                digest.add("folder")
                digest.add(whole)
                return try split(whole, validationSplit ?? Self.defaultSplit, seed, digest)
            }
            let training = try ImageFolder(trainingPath ?? path)
            digest.add("train")
            digest.add(training)
            if let validationSplit { return try split(training, validationSplit, seed, digest) }
            let validation = try ImageFolder(validationPath)
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

    /// What a model is evaluated on: the validation or test part where there is one, and else all of the folder.
    ///
    /// - Throws: ``DatasetError`` where the data cannot be used.
    public func evaluation() throws(DatasetError) -> any Dataset {
        switch kind {
        case .folder:
            if let validationPath = try validationPath() {
                return try ImageFolder(validationPath)
            } else {
                return try ImageFolder(try classFoldersPath())
            }
        case .idx(let kind): return try IDXDataset(kind, folder: path, part: .test)
        case .cifar(let kind): return try CIFARDataset(kind, folder: path, part: .test)
        }
    }

    /// All images that there are, those of both parts.
    ///
    /// - Throws: ``DatasetError`` where the data cannot be used.
    func everything() throws(DatasetError) -> any Dataset {
        let validation = try evaluation()
        guard hasOwnValidation else { return validation }
        switch kind {
        case .folder:
            let training = try ImageFolder(trainingPath ?? path)
            if let validation = validation as? ImageFolder { try Self.check(training, validation) }
            return JoinedDatasets(training, validation)
        case .idx(let kind):
            return JoinedDatasets(try IDXDataset(kind, folder: path, part: .training), validation)
        case .cifar(let kind):
            return JoinedDatasets(try CIFARDataset(kind, folder: path, part: .training), validation)
        }
    }

    /// Whether the data have a part for validation or testing.
    var hasOwnValidation: Bool {
        switch kind {
        case .folder: (try? validationPath()) ?? nil != nil
        case .idx, .cifar: true
        }
    }

    /// The folder's part for learning; nil where it has none.
    var trainingPath: String? { (try? Folder.subfolders(of: path)).flatMap { part(Self.trainingFolders, of: $0) } }

    /// The first of the names that is among a folder's.
    private func part(_ names: [String], of subfolders: [String]) -> String? {
        for name in names {
            if let found = subfolders.first(where: { $0.lowercased() == name }) { return "\(path)/\(found)" }
        }
        return nil
    }

    /// The folder's part for validation, where it has one for training too.
    private func validationPath() throws(DatasetError) -> String? {
        try Folder.check(path)
        let subfolders = try Folder.subfolders(of: path)
        guard part(Self.trainingFolders, of: subfolders) != nil else { return nil }
        return part(Self.validationFolders, of: subfolders)
    }

    /// Where the class folders lie: in the part for learning, if there is nothing else.
    ///
    /// - Throws: ``DatasetError/partAmongClasses(path:others:)`` where a part lies beside other folders: its images would be
    ///   taken for one class.
    private func classFoldersPath() throws(DatasetError) -> String {
        let subfolders = try Folder.subfolders(of: path)
        for names in [Self.trainingFolders, Self.validationFolders] {
            guard let part = part(names, of: subfolders), try Self.holdsClasses(part) else { continue }
            if subfolders.count == 1, names == Self.trainingFolders { return part }
            throw .partAmongClasses(path: part, others: subfolders.filter { "\(path)/\($0)" != part })
        }
        return path
    }

    /// Whether a folder's images lie in several folders of it, and none in the folder itself.
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

    /// Two folders have the same classes.
    private static func check(_ training: ImageFolder, _ validation: ImageFolder) throws(DatasetError) {
        for (one, other) in [(training, validation), (validation, training)] {
            if let name = one.classNames.first(where: { !other.classNames.contains($0) }) {
                throw .classesDiffer(path: one.path, other: other.path, name: name)
            }
        }
    }

    /// Two parts have images of the same size.
    private static func check(_ training: IDXDataset, _ validation: IDXDataset) throws(DatasetError) {
        guard training.size == validation.size else {
            throw .sizeMismatch(
                file: validation.files[0].name, found: "\(validation.size.width)×\(validation.size.height)",
                expected: "\(training.size.width)×\(training.size.height)")
        }
    }
}

/// Which images are held out for validation: the same share of every class, drawn by a seed.
struct StratifiedSplit: Equatable {
    /// Ascending.
    let training: [Int]
    /// Ascending.
    let validation: [Int]

    /// Draws from each class the share, rounded, at least one image; a class of one image keeps it for training.
    ///
    /// - Parameters:
    ///   - labels: one an image.
    ///   - share: more than 0 and less than 1.
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

/// Says in 64 digits which data a model was trained on.
///
/// SHA-256; of a folder's files names, sizes and labels count, of files of many images every byte.
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
