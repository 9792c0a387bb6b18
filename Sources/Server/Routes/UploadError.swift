import Files
import HTTPTypes
import Inference

/// A request holds no pictures that can be looked at.
enum UploadError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    case noImageInForm(fields: [String])
    case nameInsteadOfFile(String)
    case noImageInJSON
    case malformedJSON
    case crowdedJSON(limit: ImageUpload.CountLimit)
    case notBase64(index: Int)
    case unsupportedType(String)
    case unannouncedJSON(type: String)
    case tooManyImages(found: Int, limit: ImageUpload.CountLimit)

    /// The status it deserves (DESIGN: the HTTP contract).
    var status: HTTPResponse.Status {
        switch self {
        case .unsupportedType, .unannouncedJSON: .unsupportedMediaType
        case .tooManyImages, .crowdedJSON: .contentTooLarge
        default: .badRequest
        }
    }

    var description: String {
        switch self {
        case .empty: "The request holds no bytes of a picture; send one, as with curl -F image=@picture.jpg."
        case .noImageInForm(let fields):
            "The form has \(fields.isEmpty ? "no fields" : "the fields \(fields.joined(separator: ", "))"), but no file "
                + "and no field named image; send one, as with curl -F image=@picture.jpg."
        case .nameInsteadOfFile(let name):
            "The field image holds the text \"\(name)\", not a picture; to have curl send the file, put an @ in front of its "
                + "name: -F image=@\(name)."
        case .noImageInJSON: #"The JSON has neither "image" nor "images"; send {"image": "<base64>"}."#
        case .malformedJSON:
            #"The content is not JSON of the form {"image": "<base64>"} or {"images": ["<base64>", …]}."#
        case .crowdedJSON(let limit):
            "The JSON holds far more than the \(limit.count) images that are taken at once (\(limit.key)); leave the rest out."
        case .notBase64(let index): "Image \(index) is not base64 (RFC 4648) of at least one byte."
        case .unannouncedJSON(let type):
            "The content looks like JSON, but its Content-Type is \(type); send Content-Type: application/json, as with curl -H."
        case .unsupportedType("application/x-www-form-urlencoded"):
            "Content-Type application/x-www-form-urlencoded is not served; it is what curl -d and --data-binary send by "
                + "themselves: use curl -F image=@picture.jpg instead, or add -H 'Content-Type: application/octet-stream'."
        case .unsupportedType(let type):
            "Content-Type \(type) is not served; send multipart/form-data, image/*, application/octet-stream or "
                + "application/json, as with curl -F image=@picture.jpg."
        case .tooManyImages(let found, let limit):
            "The request holds \(found) images; at most \(limit.count) are taken at once (\(limit.key))."
        }
    }
}

extension UploadError: JSONFailure {
    /// A JSON error is the same sentence wherever it stands: the form is short.
    init(_ error: JSONError) { self = .malformedJSON }
}
