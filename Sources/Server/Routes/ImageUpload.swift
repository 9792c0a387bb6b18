import Foundation
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

    private struct JSONBody: Decodable {
        var image: String?
        var images: [String]?
        var parameters: [Query.Item] = []

        struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Name.self)
            image = try members.decodeIfPresent(String.self, forKey: Name(stringValue: "image"))
            images = try members.decodeIfPresent([String].self, forKey: Name(stringValue: "images"))
            for name in members.allKeys where QueryRule.meansTop(name.stringValue) {
                // What is no whole number is told as a query's would be.
                let number = try? members.decode(Int.self, forKey: name)
                let text = number.map(String.init) ?? (try? members.decode(String.self, forKey: name)) ?? ""
                parameters.append(Query.Item(name: name.stringValue, value: text))
            }
        }
    }

    /// Signs of structure that JSON may have beside those of its pictures, as in fields that nobody reads.
    private static let maxOtherSigns = 1024
    /// Two quotes and a comma a picture, and one more comma in a `data:` URL.
    private static let signsPerImage = 4

    private static func contents(
        ofJSON bytes: [UInt8], limit: CountLimit
    ) throws(UploadError) -> ([Image], [Query.Item]) {
        // Base64 has no sign of structure, so a body with many of them is no upload; parsing it would take seconds.
        let signs = bytes.reduce(into: 0) { count, byte in
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "[")
                || byte == UInt8(ascii: "{")
            {
                count += 1
            }
        }
        guard signs <= maxOtherSigns + signsPerImage * limit.count else { throw UploadError.crowdedJSON(limit: limit) }
        guard let body = try? JSONDecoder().decode(JSONBody.self, from: Data(bytes)) else {
            throw UploadError.malformedJSON
        }
        let texts = [body.image].compactMap(\.self) + (body.images ?? [])
        guard !texts.isEmpty else { throw UploadError.noImageInJSON }
        var images: [Image] = []
        for (index, text) in texts.enumerated() {
            guard let bytes = picture(base64: Array(text.utf8)) else { throw UploadError.notBase64(index: index) }
            images.append(Image(bytes: bytes[...]))
        }
        return (images, body.parameters)
    }

    /// The bytes that base64 stands for, at least one; nil where the text is not base64.
    static func picture(base64 text: [UInt8]) -> [UInt8]? {
        var payload = payload(of: text)
        // Line breaks are what base64(1) and Python's encodebytes put in.
        let lineBreaks = [UInt8(ascii: "\n"), UInt8(ascii: "\r")]
        if payload.contains(where: lineBreaks.contains) { payload.removeAll(where: lineBreaks.contains) }
        guard let data = Data(base64Encoded: Data(payload)), !data.isEmpty else { return nil }
        return [UInt8](data)
    }

    /// A `data:` URL is what a browser's `FileReader` makes; its head says nothing that the picture does not.
    private static func payload(of text: [UInt8]) -> ArraySlice<UInt8> {
        guard text.starts(with: Array("data:".utf8)), let comma = text.firstIndex(of: UInt8(ascii: ",")) else {
            return text[...]
        }
        return text[(comma + 1)...]
    }
}
