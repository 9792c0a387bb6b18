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
    case image(index: Int, ImageError)
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
        case .image(_, let error): error.status
        default: .badRequest
        }
    }
}

extension V2Error: CustomStringConvertible {
    /// One sentence that says what was wrong and what would be right.
    var description: String {
        switch self {
        case .form:
            "The content is a form; send an inference request as JSON, with or without binary tensors behind it."
        case .headerLength(let found):
            "Inference-Header-Content-Length is \"\(found)\"; it takes the number of bytes of the JSON, in digits."
        case .headerTooLong(let found, let available):
            "Inference-Header-Content-Length announces \(found) bytes of JSON, but the content has \(available)."
        case .headerLengthMissing(let size):
            "The input's binary_data_size announces \(size) bytes behind the JSON; say in Inference-Header-Content-Length "
                + "where the JSON ends."
        case .json(let error):
            "The JSON is not an inference request: at byte \(error.offset) there is \(error.found) where \(error.expected) "
                + "would be right."
        case .repeatedMember(let name): "\"\(name)\" is there more than once; send it once."
        case .longID(let limit): "The id is longer than \(limit) bytes; shorten it."
        case .timeout: "The parameter timeout takes a whole number of microseconds; 0 means none."
        case .sharedMemory(let tensor):
            "\(tensor) lies in shared memory, which is not served; send its data in the request."
        case .parameter(let name, let tensor, let expected): "The parameter \(name) of \(tensor) takes \(expected)."
        case .noInput(let name): "The request has no \"inputs\"; send one, named \"\(name)\"."
        case .incompleteInput(let member): "An input has no \"\(member)\"; it needs name, shape, datatype and data."
        case .inputName(let found, let expected):
            "There is no input \"\(found)\"; the model has one, named \"\(expected)\"."
        case .repeatedInput(let name):
            "The input \"\(name)\" is there more than once; put its images into one tensor."
        case .outputName(let found, let known):
            "There is no output \"\(found)\"; the model has \(known.map { "\"\($0)\"" }.joined(separator: " and "))."
        case .repeatedOutput(let name): "The output \"\(name)\" is asked for more than once; once is enough."
        case .datatype(let found, let rule): "The input's datatype is \"\(found)\"; it takes \(rule.all)."
        case .shape(let found, let rule):
            "The input's shape is \(found); it takes \(rule.all), where N counts the images, 1 or more."
        case .noData(let input):
            "The input \"\(input)\" has no data; send them as \"data\", or behind the JSON with the parameter "
                + "binary_data_size."
        case .doubleData(let input): "The input \"\(input)\" has both data and binary_data_size; send one of them."
        case .byteCount(let found, let expected, let shape):
            "binary_data_size is \(found); the shape \(shape) takes \(expected) bytes."
        case .missingBytes(let expected, let available):
            "binary_data_size announces \(expected) bytes behind the JSON; \(available) follow it."
        case .excessBytes(let count):
            "\(count) bytes at the end of the content belong to no input; binary_data_size has to announce them."
        case .element(let index, let count):
            "Element \(index) of the \(count) BYTES is not whole; each is its length in four bytes, little-endian, and "
                + "as many bytes."
        case .notFinite(let index): "Value \(index) of the input is not a finite number."
        case .image(let index, let error): "Image \(index): \(error.description(naming: .configuration))"
        case .upload(let error): error.description
        }
    }
}
