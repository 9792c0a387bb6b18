import Files
import HTTPTypes
import Inference

/// An inference request is not one that the model can answer.
enum V2Error: Error, Equatable, Sendable {
    case form
    case headerLength(found: String)
    case headerTooLong(found: Int, available: Int)
    case headerLengthMissing(size: Int)
    case json(JSONError)
    case repeatedMember(String)
    case longID(limit: Int)
    case timeout
    case sharedMemory(tensor: String)
    case parameter(name: String, tensor: String, expected: String)
    case noInput(name: String)
    case incompleteInput(member: String)
    case inputName(found: String, expected: String)
    case repeatedInput(String)
    case outputName(found: String, known: [String])
    case repeatedOutput(String)
    case datatype(found: String, ShapeRule)
    case shape(found: [Int], ShapeRule)
    case noData(input: String)
    case doubleData(input: String)
    case byteCount(found: Int, expected: Int, shape: [Int])
    case missingBytes(expected: Int, available: Int)
    case excessBytes(Int)
    case element(index: Int, count: Int)
    case notFinite(index: Int)
    case picture(index: Int, ImageError)
    case upload(UploadError)
}

extension V2Error: JSONFailure {
    init(_ error: JSONError) { self = .json(error) }
}

extension V2Error {
    /// The status it deserves: 413 for too much, 415 for what is not read at all, else 400.
    var status: HTTPResponse.Status {
        switch self {
        case .form: .unsupportedMediaType
        case .upload(let error): error.status
        case .picture(_, let error): error.status
        default: .badRequest
        }
    }
}
