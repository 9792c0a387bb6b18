import CResources
import Files
import HTTPServer
import HTTPTypes

/// The files of the page at `/`, which are part of the program.
///
/// Everything comes from this server, and nothing runs that is not in these files: the policy forbids it, whatever a
/// file name or a class is called.
/// - Source: Content Security Policy Level 3
enum PageFiles {
    /// One file.
    struct File: Sendable {
        let mediaType: String
        let bytes: [UInt8]
        /// Identifies the content (RFC 9110 §8.8.3).
        let tag: String
    }

    /// The files by their names.
    static let all: [String: File] = {
        var files: [String: File] = [:]
        for index in 0..<resource_page_count() {
            let resource = resource_page(index)
            let bytes = Array(UnsafeBufferPointer(start: resource.bytes, count: resource.byte_count))
            files[String(cString: resource.name)] = File(
                mediaType: String(cString: resource.media_type), bytes: bytes,
                tag: "\"\(SHA256.hash(bytes).hexadecimal(byteCount: 8))\"")
        }
        return files
    }()

    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The answer with a file; 304 if the client has it already.
    static func response(_ file: File, to request: Request) -> Response {
        var fields: HTTPFields = [
            .contentType: file.mediaType, .cacheControl: "no-cache", .eTag: file.tag,
            .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff",
        ]
        if let name = HTTPField.Name("Referrer-Policy") { fields[name] = "no-referrer" }
        // Weak comparison (RFC 9110 §13.1.2).
        let known = request.headerFields[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }
        let isKnown = known.contains { element in
            let tag = element.filter { $0 != " " }
            return tag == file.tag || tag == "W/" + file.tag || tag == "*"
        }
        return isKnown
            ? Response(status: .notModified, headerFields: fields)
            : Response(status: .ok, headerFields: fields, body: file.bytes)
    }
}
