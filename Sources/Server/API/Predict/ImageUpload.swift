import Files
import HTTPServer
import HTTPTypes
import Inference

/// The images of one request: parts of a form, a raw body, or base64 in JSON.
struct ImageUpload: Sendable {
    /// One encoded image.
    struct Image: Sendable, Equatable {
        var bytes: ArraySlice<UInt8>
        var filename: String?
    }

    /// How many images a request may hold, and the configuration's key that sets the limit.
    struct CountLimit: Sendable, Equatable {
        let count: Int
        let key: String

        init(count: Int, key: String) {
            self.count = count
            self.key = key
        }

        /// The smaller of `images.max_per_request` and the capacity of the model's queue: a request enters the queue as
        /// a whole or not at all.
        ///
        /// - Parameter own: the model's own settings.
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

    /// The images, at least one.
    let images: [Image]
    /// The JSON members whose name is that of a parameter, or a misspelling of one.
    let parameters: [Query.Item]

    /// The media type of JSON, from which images take a while to extract.
    static let json = "application/json"

    /// The media type without its parameters; nil if the request has none.
    static func mediaType(of request: Request) -> String? {
        guard let field = request.headerFields.first(where: { $0.name == .contentType })?.value else { return nil }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let type = field.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: isBlank)
        let end = type.lastIndex { !isBlank($0) }.map(type.index(after:)) ?? type.startIndex
        return String(decoding: type[..<end], as: UTF8.self).lowercased()
    }

    /// Extracts the images.
    ///
    /// - Parameter type: the media type, see ``mediaType(of:)``.
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
        // For a file field that was left empty, a browser sends an empty part with an empty file name.
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

    /// Whether a part is a file, is named `image`, or has an image's media type: mobile HTTP libraries leave the file
    /// name out.
    private static func isImage(_ part: Part) -> Bool {
        part.name == "image" || part.filename != nil || part.contentType?.prefix(6).lowercased() == "image/"
    }

    private static func images(in bytes: [UInt8], type: String?) throws(UploadError) -> [Image] {
        if looksLikeJSON(bytes) { throw UploadError.unannouncedJSON(type: type ?? "") }
        guard type.map(Self.isImageType) ?? true else {
            throw UploadError.unsupportedType(type ?? "")
        }
        guard !bytes.isEmpty else { throw UploadError.empty }
        return [Image(bytes: bytes[...])]
    }

    /// Whether a media type is that of an image, or of bytes of any kind; two names are those of other servers' clients.
    private static func isImageType(_ type: String) -> Bool {
        type.hasPrefix("image/")
            || ["application/octet-stream", "binary/octet-stream", "application/x-image"].contains(type)
    }

    /// The most JSON members that are read as parameters. One is correct; a second one gets the same error as in a
    /// query.
    private static let maxParameters = 2

    /// The value of a parameter as text. A value of any other type becomes an empty text, which gets the same error as
    /// in a query.
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

    /// The most values in ignored members of JSON, so that a body full of them cannot occupy a thread.
    private static let maxOtherValues = 1024

    /// The images of `{"image": "<base64>"}` and `{"images": ["<base64>", …]}`; base64 is decoded straight into the
    /// image's own bytes.
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
            // Images above the limit are counted for the error, and not decoded.
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

    /// Skips the value of an ignored member.
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

extension ImageUpload {
    /// The media type of content without a Content-Type: JSON where it begins like JSON, which no image does; otherwise
    /// nil.
    ///
    /// - Source: RFC 9110 §8.3
    static func guessedType(of body: RequestBody) -> String? {
        guard case .bytes(let bytes) = body, looksLikeJSON(bytes) else { return nil }
        return json
    }

    /// Whether the first byte after white space begins an object or an array.
    static func looksLikeJSON(_ bytes: [UInt8]) -> Bool {
        let whiteSpace: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        // A byte order mark may precede it. One kilobyte of white space is enough.
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3).prefix(1024) : bytes.prefix(1024)
        guard let first = text.first(where: { !whiteSpace.contains($0) }) else { return false }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// The name of a file that was sent instead of its content, as by curl's `-F image=cat.jpg` without the `@`.
    static func fileName(_ bytes: ArraySlice<UInt8>) -> String? {
        guard 1...255 ~= bytes.count, bytes.allSatisfy({ 0x20...0x7E ~= $0 }) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self)
        let suffixes = [
            ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif",
        ]
        return suffixes.contains(where: name.lowercased().hasSuffix) ? name : nil
    }
}

/// Why a request's images cannot be extracted.
enum UploadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body, or the form's only file, has no bytes.
    case empty
    /// No part of the form is an image.
    case noImageInForm(fields: [String])
    /// The form's field holds a file's name and not its content.
    case nameInsteadOfFile(String)
    /// The JSON has neither of the two members.
    case noImageInJSON
    /// The content is not JSON, or its members have the wrong types.
    case malformedJSON
    /// The JSON does not hold images as other servers' clients send them, in a member of this name.
    case instances(member: String)
    /// The JSON has too many values in other members.
    case crowdedJSON(limit: ImageUpload.CountLimit)
    /// A text is not base64, or empty; indices count from 0.
    case notBase64(index: Int)
    /// The Content-Type is not one that an image can have.
    case unsupportedType(String)
    /// The content is JSON, but its Content-Type says otherwise.
    case unannouncedJSON(type: String)
    /// The request has more images than the limit.
    case tooManyImages(found: Int, limit: ImageUpload.CountLimit)

    /// The status of the answer (DESIGN: the HTTP contract).
    var status: HTTPResponse.Status {
        switch self {
        case .unsupportedType, .unannouncedJSON: .unsupportedMediaType
        case .tooManyImages, .crowdedJSON: .contentTooLarge
        default: .badRequest
        }
    }

    var description: String {
        switch self {
        case .empty: "The request holds no image; send one, as with curl -F image=@photo.jpg."
        case .noImageInForm(let fields):
            "The form has \(fields.isEmpty ? "no fields" : "the fields \(fields.joined(separator: ", "))"), but no "
                + "file and no field named image; send one, as with curl -F image=@photo.jpg."
        case .nameInsteadOfFile(let name):
            "The field image holds the text \"\(name)\", not an image; for curl to send the file, put an @ in front of "
                + "its name: -F image=@\(name)."
        case .noImageInJSON: #"The JSON has neither "image" nor "images"; send {"image": "<base64>"}."#
        case .malformedJSON:
            #"The content is not JSON of the form {"image": "<base64>"} or {"images": ["<base64>", …]}."#
        case .instances(let member):
            #"The content is not JSON of the form {"\#(member)": [{"b64": "<base64 of an image file>"}]}; arrays of numbers are "#
                + "taken at /v2/models/{model}/infer."
        case .crowdedJSON(let limit):
            "The JSON holds far more than \(limit.count) images, the most for one request (\(limit.key)); leave its other "
                + "members out."
        case .notBase64(let index): "Image \(index) is not base64 (RFC 4648) of at least one byte."
        case .unannouncedJSON(let type):
            "The content looks like JSON, but its Content-Type is \(type); send Content-Type: application/json, as with "
                + "curl -H."
        case .unsupportedType("application/x-www-form-urlencoded"):
            "Content-Type application/x-www-form-urlencoded is not supported; curl -d and --data-binary send it by "
                + "default: use curl -F image=@photo.jpg instead, or add -H 'Content-Type: application/octet-stream'."
        case .unsupportedType(let type):
            "Content-Type \(type) is not supported; send multipart/form-data, image/*, application/octet-stream or "
                + "application/json, as with curl -F image=@photo.jpg."
        case .tooManyImages(let found, let limit):
            "The request holds \(found) images; at most \(limit.count) are taken in one request (\(limit.key))."
        }
    }
}

extension UploadError: JSONFailure {
    /// Every JSON error becomes the same sentence, without a position: the expected form is short.
    init(_ error: JSONError) { self = .malformedJSON }
}
