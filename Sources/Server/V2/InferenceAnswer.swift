import Files
import HTTPServer
import HTTPTypes
import Inference

/// The answer to `POST …/infer`: JSON, and behind it the outputs that were asked for as bytes.
///
/// - Source: Open Inference Protocol V2, "Inference Response JSON Object"; Triton's binary tensor data extension
struct InferenceAnswer {
    let model: Model
    let id: String?
    let outputs: [RequestedOutput]
    /// The network's outputs, one array a picture.
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
        json += #""shape":[\#(logits.count),\#(values.countPerPicture)],"#
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
    /// Where the JSON of a content ends and its binary tensors begin. Units: bytes.
    static let inferenceHeaderContentLength: HTTPField.Name = .init("Inference-Header-Content-Length") ?? .contentLength
}
