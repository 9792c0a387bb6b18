import Files
import HTTPServer
import HTTPTypes
import Inference

/// The pictures of one request, in whatever form they came.
struct ImageUpload: Sendable {
    /// One encoded picture.
    struct Image: Sendable, Equatable {
        var bytes: ArraySlice<UInt8>
        var filename: String?
    }

    /// How many pictures a request may hold, and which key of the configuration says so.
    struct CountLimit: Sendable, Equatable {
        let count: Int
        let key: String

        init(count: Int, key: String) {
            self.count = count
            self.key = key
        }

        /// A request enters the queue whole or not at all, so it can never be larger than the model's queue.
        ///
        /// - Parameter own: what the model sets for itself.
        init(_ settings: Settings, own: BatchingDescription = BatchingDescription()) {
            let capacity = settings.batching.applying(own).queueCapacity
            guard capacity < settings.images.maxPerRequest else {
                self.init(count: settings.images.maxPerRequest, key: "images.max_per_request")
                return
            }
            self.init(
                count: capacity,
                key: own.queueCapacity == nil ? "batching.queue_capacity" : "the model's queue_capacity")
        }
    }

    /// At least one.
    let images: [Image]
    /// What JSON says beside its pictures and is, or was probably meant to be, a parameter.
    let parameters: [Query.Item]

    /// The type of content in which finding the pictures takes a while.
    static let json = "application/json"

    /// The content's type without its parameters; nil where the request does not say.
    static func mediaType(of request: Request) -> String? {
        guard let field = request.headerFields.first(where: { $0.name == .contentType })?.value else { return nil }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let type = field.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: isBlank)
        let end = type.lastIndex { !isBlank($0) }.map(type.index(after:)) ?? type.startIndex
        return String(decoding: type[..<end], as: UTF8.self).lowercased()
    }

    /// Finds the pictures: parts of a form, a raw body, or base64 in JSON.
    ///
    /// - Parameter type: the content's, see ``mediaType(of:)``.
    /// - Throws: ``UploadError``.
    init(_ body: RequestBody, type: String?, limit: CountLimit) throws(UploadError) {
        switch body {
        case .multipart(let parts): (images, parameters) = (try Self.images(in: parts), [])
        case .bytes(let bytes) where type == Self.json:
            (images, parameters) = try Self.contents(ofJSON: bytes, limit: limit)
        case .bytes(let bytes): (images, parameters) = (try Self.images(in: bytes, type: type), [])
        }
        guard images.count <= limit.count else { throw UploadError.tooManyImages(found: images.count, limit: limit) }
    }

    private static func images(in parts: [Part]) throws(UploadError) -> [Image] {
        // A browser sends an empty part with an empty name for a file field that was left out.
        let images = parts.filter(isImage)
            .filter { !($0.bytes.isEmpty && ($0.filename ?? "").isEmpty) }
            .map { Image(bytes: $0.bytes, filename: $0.filename) }
        guard !images.isEmpty else {
            if parts.contains(where: isImage) { throw UploadError.empty }
            throw UploadError.noImageInForm(fields: parts.map { $0.name ?? "" })
        }
        if images.count == 1, images[0].filename == nil, let name = fileName(images[0].bytes) {
            throw UploadError.nameInsteadOfFile(name)
        }
        return images
    }

    /// A file, a part of that name, or one that says it is an image: phones' libraries leave the file name out.
    private static func isImage(_ part: Part) -> Bool {
        part.name == "image" || part.filename != nil || part.contentType?.prefix(6).lowercased() == "image/"
    }

    private static func images(in bytes: [UInt8], type: String?) throws(UploadError) -> [Image] {
        if looksLikeJSON(bytes) { throw UploadError.unannouncedJSON(type: type ?? "") }
        guard type == nil || type == "application/octet-stream" || type?.hasPrefix("image/") == true else {
            throw UploadError.unsupportedType(type ?? "")
        }
        guard !bytes.isEmpty else { throw UploadError.empty }
        return [Image(bytes: bytes[...])]
    }

    /// Of members that are parameters: one is right, and a second one is told as a query's would be.
    private static let maxParameters = 2

    /// What is no whole number is told as a query's would be.
    private static func parameter(_ json: inout JSONCursor<UploadError>) throws(UploadError) -> String {
        if json.peeked == UInt8(ascii: "[") || json.peeked == UInt8(ascii: "{") {
            try json.skipValue()
            return ""
        }
        return switch try json.readScalar() {
        case .text(let text): text
        case .whole(let number): String(number)
        case .number, .bool, .null: ""
        }
    }

    /// Values that JSON may have beside its pictures, in members that nobody reads.
    private static let maxOtherValues = 1024

    /// The pictures of `{"image": "<base64>"}` and `{"images": ["<base64>", …]}`, which are copied once: into what they are
    /// decoded from.
    private static func contents(
        ofJSON bytes: [UInt8], limit: CountLimit
    ) throws(UploadError) -> ([Image], [Query.Item]) {
        var json = JSONCursor<UploadError>(bytes, count: bytes.count)
        var first: [Image]?
        var others: [Image]?
        var parameters: [Query.Item] = []
        var otherCount = 0
        try json.readObject { (json, key, _) throws(UploadError) in
            switch key {
            case "image":
                guard first == nil else { throw .malformedJSON }
                first = []
                if json.peeked == UInt8(ascii: "n") { return try json.skipValue() }
                first = [try Self.image(&json, index: 0)]
            case "images":
                guard others == nil else { throw .malformedJSON }
                others = []
                if json.peeked == UInt8(ascii: "n") { return try json.skipValue() }
                others = try Self.images(&json, limit: limit)
            case _ where QueryRule.meansTop(key) && parameters.count < maxParameters:
                parameters.append(Query.Item(name: key, value: try Self.parameter(&json)))
            default: try skipValue(&json, &otherCount, limit: limit)
            }
        }
        try json.finish(expecting: "the end of the JSON")
        let images = (first ?? []) + (others ?? [])
        guard !images.isEmpty else { throw .noImageInJSON }
        return (images, parameters)
    }

    private static func images(
        _ json: inout JSONCursor<UploadError>, limit: CountLimit
    ) throws(UploadError) -> [Image] {
        var images: [Image] = []
        var count = 0
        try json.readArray { (json) throws(UploadError) in
            count += 1
            // Too many are counted, and not decoded.
            if count <= limit.count {
                images.append(try Self.image(&json, index: count - 1))
            } else {
                guard json.peeked == UInt8(ascii: "\"") else { throw .malformedJSON }
                try json.skipValue()
            }
        }
        guard count <= limit.count else { throw .tooManyImages(found: count, limit: limit) }
        return images
    }

    private static func image(_ json: inout JSONCursor<UploadError>, index: Int) throws(UploadError) -> Image {
        guard let bytes = try json.readBase64() else { throw .notBase64(index: index) }
        return Image(bytes: bytes[...])
    }

    /// Passes over a member that nobody reads.
    private static func skipValue(
        _ json: inout JSONCursor<UploadError>, _ count: inout Int, limit: CountLimit, maxDepth: Int = 32
    ) throws(UploadError) {
        count += 1
        guard count <= maxOtherValues, maxDepth > 0 else { throw .crowdedJSON(limit: limit) }
        switch json.peeked {
        case UInt8(ascii: "["):
            try json.readArray { (json) throws(UploadError) in
                try skipValue(&json, &count, limit: limit, maxDepth: maxDepth - 1)
            }
        case UInt8(ascii: "{"):
            try json.readObject { (json, _, _) throws(UploadError) in
                try skipValue(&json, &count, limit: limit, maxDepth: maxDepth - 1)
            }
        default: try json.skipValue()
        }
    }
}
