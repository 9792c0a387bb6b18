import Foundation
import TestSupport

/// A request to `…/infer` as a client puts it together: JSON, and binary tensors behind it.
struct V2Call {
    var json: String
    var binary: [UInt8]?

    /// One input and, in JSON, what else the request says.
    init(_ datatype: String, _ shape: [Int], data: String? = nil, binary: [UInt8]? = nil, also: String = "") {
        var input = #"{"name":"input","datatype":"\#(datatype)","shape":\#(shape)"#
        if let data { input += #","data":\#(data)"# }
        if let binary { input += #","parameters":{"binary_data_size":\#(binary.count)}"# }
        json = #"{"inputs":[\#(input)}]\#(also.isEmpty ? "" : "," + also)}"#
        self.binary = binary
    }

    /// This JSON and nothing else.
    init(json: String) { self.json = json }

    var body: [UInt8] { Array(json.utf8) + (binary ?? []) }

    var fields: [String: String] {
        binary == nil ? [:] : ["Inference-Header-Content-Length": "\(json.utf8.count)"]
    }

    func send(to server: LiveServer, _ path: String = "/v2/models/tiny/infer") async throws -> TestClient.Answer {
        try await server.exchange("POST", path, fields: fields, body: body)
    }

    /// Numbers as they lie in a binary tensor.
    static func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
    }

    /// A text or file as it lies in a binary tensor.
    static func element(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian, Array.init) + bytes
    }
}

extension TestClient.Answer {
    /// The JSON in front of binary tensors, or all of the content.
    func v2() throws -> [String: Any] {
        let count = fields["inference-header-content-length"].flatMap { Int($0) } ?? bytes.count
        return try JSONSerialization.jsonObject(with: Data(bytes.prefix(count))) as? [String: Any] ?? [:]
    }

    /// What is behind the JSON.
    var binary: [UInt8] {
        fields["inference-header-content-length"].flatMap { Int($0) }.map { Array(bytes.dropFirst($0)) } ?? []
    }

    /// An output by name.
    func output(_ name: String) throws -> [String: Any] {
        (try v2()["outputs"] as? [[String: Any]])?.first { $0["name"] as? String == name } ?? [:]
    }

    /// The numbers of an output in JSON.
    func values(_ name: String) throws -> [Float] {
        (try output(name)["data"] as? [NSNumber])?.map(\.floatValue) ?? []
    }

    /// The probabilities of `/predict`, by index.
    func probabilities() throws -> [Float] {
        let top = try json()["top"] as? [[String: Any]] ?? []
        return top.sorted { ($0["index"] as? Int ?? 0) < ($1["index"] as? Int ?? 0) }
            .compactMap { ($0["probability"] as? NSNumber)?.floatValue }
    }
}
