/// The files of a data folder that are not read as images, each with the reason. They are reported to the user.
public struct IgnoredFiles: Sendable, Equatable {
    /// Why a file is not read.
    public enum Reason: Sendable, Hashable {
        /// The suffix is that of an unsupported image format.
        case format(suffix: String)
        /// The suffix is not that of an image.
        case noImage(suffix: String)
        /// The file is an image, but outside the class folders.
        case outsideClasses
        /// The suffix is that of an image, but the file cannot be opened, such as a dangling link.
        case noFile
    }

    /// One file and its reason.
    public struct Entry: Sendable, Equatable {
        let path: String
        let reason: Reason

        /// An ignored file and the reason.
        public init(path: String, reason: Reason) {
            self.path = path
            self.reason = reason
        }

        /// A file that is not read because of its suffix.
        public init(unread path: String) {
            let suffix = ImageSuffix.text(of: path)
            self.init(
                path: path,
                reason: ImageSuffix(path) == .otherFormat ? .format(suffix: suffix) : .noImage(suffix: suffix))
        }
    }

    /// The files that are ignored for one reason.
    public struct Group: Sendable, Equatable {
        /// Why the files are not read.
        public let reason: Reason
        /// The paths of the files, in the order in which they were found.
        public let paths: [String]
    }

    let entries: [Entry]

    /// A list of these files; empty by default.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// An empty list.
    public static let none = IgnoredFiles()

    /// The number of files.
    public var count: Int { entries.count }

    /// One group for each reason, the largest first.
    public var groups: [Group] {
        Dictionary(grouping: entries, by: \.reason).map { Group(reason: $0, paths: $1.map(\.path)) }
            .sorted { ($1.paths.count, $0.paths[0]) < ($0.paths.count, $1.paths[0]) }
    }

    /// One sentence for each reason, with the names of the first files.
    public var sentences: [String] { groups.map(\.sentence) }

    /// A short list, such as `3 .bmp, 1 .tiff`.
    public var summary: String { groups.map(\.summary).joined(separator: ", ") }

    /// The files of both lists.
    static func + (one: IgnoredFiles, other: IgnoredFiles) -> IgnoredFiles {
        IgnoredFiles(one.entries + other.entries)
    }
}

extension IgnoredFiles.Group {
    /// The number of files that a sentence names.
    private static let namedCount = 3

    var summary: String {
        switch reason {
        case .format(let suffix), .noImage(let suffix): "\(paths.count) \(suffix)"
        case .outsideClasses: "\(paths.count) outside the class folders"
        case .noFile: "\(paths.count) that cannot be opened"
        }
    }

    var sentence: String {
        let files = paths.count == 1 ? "1 file" : "\(paths.count) files"
        let names = paths.prefix(Self.namedCount).joined(separator: ", ") + (paths.count > Self.namedCount ? ", …" : "")
        return switch reason {
        case .format(let suffix):
            "\(files) \(suffix): only JPEG, PNG and WebP are read, so convert them to include them: \(names)"
        case .noImage(let suffix): "\(files) \(suffix), not an image by the name: \(names)"
        case .outsideClasses: "\(files) outside the class folders, which have no class: \(names)"
        case .noFile: "\(files) that cannot be opened, for instance a dangling link: \(names)"
        }
    }
}

extension IgnoredFiles.Group: Encodable {
    private enum CodingKeys: String, CodingKey { case reason, suffix, count, files }

    /// Encodes the number of files and the first hundred paths.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        let (name, suffix): (String, String?) =
            switch reason {
            case .format(let suffix): ("format", suffix)
            case .noImage(let suffix): ("no_image", suffix)
            case .outsideClasses: ("outside_classes", nil)
            case .noFile: ("no_file", nil)
            }
        try values.encode(name, forKey: .reason)
        try values.encodeIfPresent(suffix, forKey: .suffix)
        try values.encode(paths.count, forKey: .count)
        try values.encode(Array(paths.prefix(100)), forKey: .files)
    }
}

/// What a file name's suffix says about the content.
public enum ImageSuffix: Sendable, Equatable {
    /// An image of a supported format.
    case read
    /// An image of another format.
    case otherFormat
    /// The suffix is not that of an image.
    case none

    /// The supported suffixes in lower case, with the dot.
    public static let all = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"]

    private static let otherFormats: Set = [
        ".bmp", ".dib", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".ppm",
        ".pgm",
        ".pbm", ".pnm", ".tga", ".psd", ".ico", ".svg", ".eps", ".pcx", ".exr", ".hdr", ".qoi", ".raw", ".dng", ".cr2",
        ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".apng",
    ]

    /// Classifies a file name by its suffix.
    public init(_ name: String) {
        let suffix = Self.text(of: name)
        self = Self.all.contains(suffix) ? .read : Self.otherFormats.contains(suffix) ? .otherFormat : .none
    }

    /// The suffix in lower case with its dot; "without a suffix" if there is none.
    public static func text(of name: String) -> String {
        let last = name.split(separator: "/").last ?? ""
        guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return "without a suffix" }
        return last[dot...].lowercased()
    }
}
