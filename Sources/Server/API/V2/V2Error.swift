import Files
import HTTPTypes
import Inference

/// Why an inference request is refused.
enum V2Error: Error, Equatable, Sendable {
    /// The content is a form.
    case form
    /// `Inference-Header-Content-Length` is not a number.
    case headerLength(found: String)
    /// `Inference-Header-Content-Length` exceeds the content. Units: bytes.
    case headerTooLong(found: Int, available: Int)
    /// `Inference-Header-Content-Length` is missing although an input has `binary_data_size`. Units: bytes.
    case headerLengthMissing(size: Int)
    /// Content without JSON is neither an image file nor whole inputs of `imageByteCount` bytes each.
    case rawByteCount(found: Int, imageByteCount: Int)
    /// The content is not JSON, or a member has the wrong type.
    case json(JSONError)
    /// A member occurs twice in one object.
    case repeatedMember(String)
    /// `id` is longer than `limit` bytes.
    case longID(limit: Int)
    /// `timeout` is not a whole number.
    case timeout
    /// A tensor's data are in shared memory.
    case sharedMemory(tensor: String)
    /// A parameter of `tensor` (of an input, an output or the request) has the wrong type.
    case parameter(name: String, tensor: String, expected: String)
    /// `inputs` is missing or empty.
    case noInput(name: String)
    /// An input lacks one of its members.
    case incompleteInput(member: String)
    /// The model has no such input.
    case inputName(found: String, expected: String)
    /// `inputs` has more than one item.
    case repeatedInput(String)
    /// The model has no such output.
    case outputName(found: String, known: [String])
    /// An output is requested twice.
    case repeatedOutput(String)
    /// The input's datatype is not supported.
    case datatype(found: String, ShapeRule)
    /// The input's shape does not fit its datatype or the network.
    case shape(found: [Int], ShapeRule)
    /// The input has neither `data` nor `binary_data_size`.
    case noData(input: String)
    /// The input has both `data` and `binary_data_size`.
    case doubleData(input: String)
    /// `binary_data_size` does not fit the shape. Units: bytes.
    case byteCount(found: Int, expected: Int, shape: [Int])
    /// The content ends before the binary data does. Units: bytes.
    case missingBytes(expected: Int, available: Int)
    /// This many bytes follow the last input. Units: bytes.
    case excessBytes(Int)
    /// Element `index` of a binary BYTES tensor of `count` elements is cut off.
    case element(index: Int, count: Int)
    /// A value of an FP32 tensor is infinite or not a number.
    case notFinite(index: Int)
    /// An image of raw pixels is too large; indices count from 0.
    case image(index: Int, ImageError)
    /// An error that `/predict` has as well.
    case upload(UploadError)
}

extension V2Error: JSONFailure {
    init(_ error: JSONError) { self = .json(error) }
}

extension V2Error {
    /// The status of the answer: 413 for what exceeds a limit, 415 for a form or an unsupported image, else 400.
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
    /// One sentence that says what was found and what is expected.
    var description: String {
        switch self {
        case .form:
            "The content is a form; send an inference request as JSON, with or without binary tensors behind it."
        case .headerLength(let found):
            "Inference-Header-Content-Length is \"\(found)\"; it takes the length of the JSON in bytes, in digits."
        case .headerTooLong(let found, let available):
            "Inference-Header-Content-Length announces \(found) bytes of JSON, but the content has \(available)."
        case .headerLengthMissing(let size):
            "The input's binary_data_size announces \(size) bytes behind the JSON; say in "
                + "Inference-Header-Content-Length where the JSON ends."
        case .rawByteCount(let found, let imageByteCount):
            "Inference-Header-Content-Length is 0, so the content takes a JPEG, PNG or WebP file, or normalised FP32 values of "
                + "\(imageByteCount) bytes for each image; it has \(found) bytes."
        case .json(let error):
            "The JSON is not an inference request: at byte \(error.offset) there is \(error.found) where "
                + "\(error.expected) was expected."
        case .repeatedMember(let name): "\"\(name)\" occurs more than once; send it once."
        case .longID(let limit): "The id is longer than \(limit) bytes; shorten it."
        case .timeout: "The parameter timeout takes a whole number of microseconds; 0 means none."
        case .sharedMemory(let tensor):
            "\(tensor) is in shared memory, which is not supported; send its data in the request."
        case .parameter(let name, let tensor, let expected): "The parameter \(name) of \(tensor) takes \(expected)."
        case .noInput(let name): "The request has no \"inputs\"; send one, named \"\(name)\"."
        case .incompleteInput(let member): "An input has no \"\(member)\"; it needs name, shape, datatype and data."
        case .inputName(let found, let expected):
            "There is no input \"\(found)\"; the model has one, named \"\(expected)\"."
        case .repeatedInput(let name):
            "The input \"\(name)\" occurs more than once; put all images into one tensor."
        case .outputName(let found, let known):
            "There is no output \"\(found)\"; the model has \(known.map { "\"\($0)\"" }.joined(separator: " and "))."
        case .repeatedOutput(let name): "The output \"\(name)\" is requested more than once; request it once."
        case .datatype(let found, let rule): "The input's datatype is \"\(found)\"; it takes \(rule.all)."
        case .shape(let found, let rule):
            "The input's shape is \(found); it takes \(rule.all), where N counts the images, 1 or more."
        case .noData(let input):
            "The input \"\(input)\" has no data; send \"data\", or binary data behind the JSON with the parameter "
                + "binary_data_size."
        case .doubleData(let input): "The input \"\(input)\" has both data and binary_data_size; send one of them."
        case .byteCount(let found, let expected, let shape):
            "binary_data_size is \(found); the shape \(shape) takes \(expected) bytes."
        case .missingBytes(let expected, let available):
            "binary_data_size announces \(expected) bytes behind the JSON; \(available) follow it."
        case .excessBytes(let count):
            "\(count) bytes at the end of the content belong to no input; announce them in binary_data_size."
        case .element(let index, let count):
            "Element \(index) of the \(count) BYTES is cut off; each element is its length in four bytes, "
                + "little-endian, and as many bytes."
        case .notFinite(let index): "Value \(index) of the input is not a finite number."
        case .image(let index, let error): "Image \(index): \(error.description(naming: .configuration))"
        case .upload(let error): error.description
        }
    }
}
