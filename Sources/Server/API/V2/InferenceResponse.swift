import Files
import HTTPServer
import HTTPTypes
import Inference

/// The answer to `POST …/infer`: JSON, followed by the outputs that were requested in binary.
///
/// - Source: Open Inference Protocol V2, "Inference Response JSON Object"; Triton's binary tensor data extension
struct InferenceResponse {
    let model: Model
    let id: String?
    let outputs: [RequestedOutput]
    /// The network's outputs, one array for each image.
    let logits: [[Float]]

    /// The whole answer.
    var response: Response {
        var json = "{"
        if let id { json += #""id":\#(JSONText.quoted(id)),"# }
        json += #""model_name":\#(JSONText.quoted(model.name)),"model_version":"\#(model.version)","outputs":["#
        var binary: [UInt8] = []
        for (index, output) in outputs.enumerated() {
            if index > 0 { json += "," }
            write(output, to: &json, &binary)
        }
        json += "]}"
        guard !binary.isEmpty else {
            return .json(text: json)
        }
        let header = Array(json.utf8)
        return Response(
            headerFields: [
                .contentType: "application/octet-stream", .inferenceHeaderContentLength: "\(header.count)",
            ],
            body: header + binary)
    }

    private func write(_ output: RequestedOutput, to json: inout String, _ binary: inout [UInt8]) {
        let values = OutputValues(output, logits: logits, classes: model.classes)
        json += #"{"name":\#(JSONText.quoted(output.name)),"datatype":"\#(values.datatype.rawValue)","#
        json += #""shape":[\#(logits.count),\#(values.countPerImage)],"#
        if output.isBinary == true {
            let start = binary.count
            values.write(to: &binary)
            json += #""parameters":{"binary_data_size":\#(binary.count - start)}}"#
        } else {
            json += #""data":["#
            values.write(to: &json)
            json += "]}"
        }
    }
}

extension HTTPField.Name {
    /// The length of the JSON that precedes binary tensors. Units: bytes.
    static let inferenceHeaderContentLength: HTTPField.Name = .init("Inference-Header-Content-Length") ?? .contentLength
}

/// The values of one output, image after image.
enum OutputValues {
    /// One value for each class.
    case values([[Float]])
    /// The best classes, best first, as `value:index:label`.
    ///
    /// - Source: Triton's classification extension
    case classes([[String]])

    /// Selects and computes the values of an output.
    init(_ output: RequestedOutput, logits: [[Float]], classes: ClassMap) {
        if let count = output.classCount {
            self = .classes(
                logits.map { logits in
                    Classification(logits: logits, classes: classes, top: count).top.map { candidate in
                        let value =
                            output.source == .logits ? logits[candidate.index] : candidate.probability
                        return "\(value):\(candidate.index):\(candidate.label)"
                    }
                })
        } else {
            self = .values(output.source == .logits ? logits : logits.map(Softmax.probabilities))
        }
    }

    var datatype: TensorDatatype {
        switch self {
        case .values: .float32
        case .classes: .bytes
        }
    }

    /// The second extent of the output's shape.
    var countPerImage: Int {
        switch self {
        case .values(let values): values.first?.count ?? 0
        case .classes(let classes): classes.first?.count ?? 0
        }
    }

    /// Writes the values as items of a JSON array; numbers in the fewest digits that read back as the same float32.
    func write(to json: inout String) {
        var isFirst = true
        func write(_ item: String) {
            if !isFirst { json += "," }
            isFirst = false
            json += item
        }
        switch self {
        case .values(let values): for value in values.joined() { write("\(value)") }
        case .classes(let classes): for text in classes.joined() { write(JSONText.quoted(text)) }
        }
    }

    /// Writes the values little-endian: a number in four bytes, a text after its length in four bytes.
    func write(to binary: inout [UInt8]) {
        switch self {
        case .values(let values):
            binary.reserveCapacity(binary.count + values.count * countPerImage * 4)
            for value in values.joined() { Self.append(value.bitPattern, to: &binary) }
        case .classes(let classes):
            for text in classes.joined() {
                Self.append(UInt32(text.utf8.count), to: &binary)
                binary += text.utf8
            }
        }
    }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }
}
