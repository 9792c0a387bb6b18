/// The files of a data folder that are not taken as images, and why: what is dropped is told.
public struct IgnoredFiles: Sendable, Equatable {
    /// Why a file is left out.
    public enum Reason: Sendable, Hashable {
        /// An image of a format that is not read, by its suffix.
        case format(suffix: String)
        /// By its suffix no image at all.
        case noImage(suffix: String)
        /// An image, but outside of the class folders.
        case outsideClasses
        /// By its suffix an image, but no file that can be read: a link that leads nowhere, for instance.
        case noFile
    }

    /// One file.
    public struct Entry: Sendable, Equatable {
        let path: String
        let reason: Reason

        /// A file, and why it is left out.
        public init(path: String, reason: Reason) {
            self.path = path
            self.reason = reason
        }

        /// A file that by its suffix is not read.
        public init(unread path: String) {
            let suffix = ImageSuffix.text(of: path)
            self.init(
                path: path,
                reason: ImageSuffix(path) == .otherFormat ? .format(suffix: suffix) : .noImage(suffix: suffix))
        }
    }

    /// Files that are left out for one reason.
    public struct Group: Sendable, Equatable {
        public let reason: Reason
        /// Their paths, in the order in which they were found.
        public let paths: [String]
    }

    let entries: [Entry]

    /// Files left out; none unless some are named.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// Nothing was left out.
    public static let none = IgnoredFiles()

    public var count: Int { entries.count }

    /// One group a reason, the largest first.
    public var groups: [Group] {
        Dictionary(grouping: entries, by: \.reason).map { Group(reason: $0, paths: $1.map(\.path)) }
            .sorted { ($1.paths.count, $0.paths[0]) < ($0.paths.count, $1.paths[0]) }
    }

    /// One sentence a reason, with the first of the files by name; nothing where no file is left out.
    public var sentences: [String] { groups.map(\.sentence) }

    /// `3 .bmp, 1 .tiff`.
    public var summary: String { groups.map(\.summary).joined(separator: ", ") }

    /// Both.
    static func + (one: IgnoredFiles, other: IgnoredFiles) -> IgnoredFiles {
        IgnoredFiles(one.entries + other.entries)
    }
}

extension IgnoredFiles.Group {
    /// More names are no reading for people.
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
            "\(files) \(suffix), for only JPEG, PNG and WebP are read; convert them to have them counted: \(names)"
        case .noImage(let suffix): "\(files) \(suffix), no image by the name: \(names)"
        case .outsideClasses: "\(files) outside the class folders, so of no class: \(names)"
        case .noFile: "\(files) that cannot be opened, as a link that leads nowhere: \(names)"
        }
    }
}

extension IgnoredFiles.Group: Encodable {
    private enum CodingKeys: String, CodingKey { case reason, suffix, count, files }

    /// The number and the first hundred names.
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

/// What a file's suffix says about it.
public enum ImageSuffix: Sendable, Equatable {
    /// An image that is read.
    case read
    /// An image of another format.
    case otherFormat
    /// No image.
    case none

    /// In lower case, with their dot.
    public static let all = [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"]

    private static let otherFormats: Set = [
        ".bmp", ".dib", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".ppm",
        ".pgm",
        ".pbm", ".pnm", ".tga", ".psd", ".ico", ".svg", ".eps", ".pcx", ".exr", ".hdr", ".qoi", ".raw", ".dng", ".cr2",
        ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".apng",
    ]

    /// Looks at the end of a file's name.
    public init(_ name: String) {
        let suffix = Self.text(of: name)
        self = Self.all.contains(suffix) ? .read : Self.otherFormats.contains(suffix) ? .otherFormat : .none
    }

    /// The suffix in lower case, with its dot; "without a suffix" where there is none.
    public static func text(of name: String) -> String {
        let last = name.split(separator: "/").last ?? ""
        guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return "without a suffix" }
        return last[dot...].lowercased()
    }
}
