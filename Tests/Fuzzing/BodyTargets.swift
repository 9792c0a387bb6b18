import Files
import Foundation

@testable import HTTPServer
@testable import Inference
@testable import Server

extension FuzzTarget {
    /// Bodies: forms, content codings, JSON and tensors.
    static let bodyTargets = [
        FuzzTarget(name: "multipart", run: multipart),
        FuzzTarget(name: "inflate", run: inflate),
        FuzzTarget(name: "json", run: json),
        FuzzTarget(name: "upload", run: upload),
        FuzzTarget(name: "infer", run: infer),
    ]

    /// A form that comes in pieces has the same parts as one that comes whole; each is within the body.
    private static func multipart(_ bytes: [UInt8]) {
        let whole = parts(bytes, step: bytes.count)
        for step in [1, 13] { require(parts(bytes, step: step) == whole, "pieces of \(step) bytes make no difference") }
        if case .success(let parts) = whole {
            require(parts.count <= 4, "the limit of parts")
            require(parts.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "parts lie within the body")
        }
    }

    private static func parts(_ bytes: [UInt8], step: Int) -> Result<[Part], MultipartError> {
        Result { () throws(MultipartError) in
            let limits = MultipartParser.Limits(partCount: 4, partHeaderByteCount: 200, partFieldCount: 4)
            var parser = try MultipartParser(boundary: "b", limits: limits)
            var end = 0
            repeat {
                end = min(bytes.count, end + max(1, step))
                let result = bytes.withUnsafeBytes { raw in
                    Result { () throws(MultipartError) in try parser.read(UnsafeRawBufferPointer(rebasing: raw[..<end]))
                    }
                }
                try result.get()
            } while end < bytes.count
            return try parser.parts(of: bytes)
        }
    }

    /// Content that inflates keeps its limit, and the pieces in which it comes make no difference.
    private static func inflate(_ bytes: [UInt8]) {
        let limit = 64 << 10
        for coding in [ContentCoding.gzip, .deflate] {
            let whole = inflated(bytes, coding, step: bytes.count, limit: limit)
            require(whole == inflated(bytes, coding, step: 3, limit: limit), "pieces make no difference")
            if case .success(let output) = whole { require(output.count <= limit, "the limit of bodies") }
        }
    }

    private static func inflated(
        _ bytes: [UInt8], _ coding: ContentCoding, step: Int, limit: Int
    ) -> Result<[UInt8], RequestError> {
        Result { () throws(RequestError) in
            let decoder = try ContentDecoder(coding, maxByteCount: limit)
            var output: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: max(1, step)) {
                let piece = Array(bytes[start..<min(bytes.count, start + max(1, step))])
                let result = piece.withUnsafeBytes { raw in
                    Result { () throws(RequestError) in try decoder.push(raw) { output += $0 } }
                }
                try result.get()
            }
            try decoder.finish()
            return output
        }
    }

    /// What is JSON here is JSON to Foundation, with the same strings.
    private static func json(_ bytes: [UInt8]) {
        var cursor = JSONCursor<CheckpointError>(bytes, count: bytes.count)
        let isJSON: Bool
        do {
            try cursor.skipValue()
            try cursor.finish(expecting: "the end")
            isJSON = true
        } catch {
            isJSON = false
        }
        // Numbers beyond a double and text that is not UTF-8 are where the two may differ.
        guard isJSON, String(validating: bytes, as: UTF8.self) != nil else { return }
        let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        let hasNumbers = bytes.contains { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") } || bytes.count > 300
        require(value != nil || hasNumbers, "what is skipped as JSON is JSON")
        var reader = JSONCursor<CheckpointError>(bytes, count: bytes.count)
        if let text = value as? String, let own = try? reader.readString() {
            require(text.unicodeScalars.elementsEqual(own.unicodeScalars), "\(own) is \(text)")
        }
    }

    /// Images in JSON, and in TensorFlow Serving's form.
    private static func upload(_ bytes: [UInt8]) {
        let limit = ImageUpload.CountLimit(count: 4, key: "images.max_per_request")
        for type in [ImageUpload.json, "image/png", nil] {
            guard let upload = try? ImageUpload(.bytes(bytes), type: type, limit: limit) else { continue }
            require((1...limit.count).contains(upload.images.count), "the limit of images")
            require(
                upload.images.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "images are no longer than the body")
        }
        for member in ["instances", "inputs"] {
            guard let list = try? InstanceList(bytes, member: member, limit: limit) else { continue }
            require((1...limit.count).contains(list.images.count), "the limit of instances")
        }
    }

    /// Requests of the V2 protocol: the first byte says how much is JSON, the rest is the body.
    private static func infer(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let signature = ModelSignature(
            names: TensorNames(), shapeRule: ShapeRule(network: [1, 2, 3]), classCount: 3,
            limit: ImageUpload.CountLimit(count: 4, key: "images.max_per_request"),
            pixelLimit: PixelLimit(maxPixels: 4096))
        let body = Array(bytes.dropFirst())
        let lengths: [Int?] = [nil, first == 0xFF ? nil : Int(first) * 4]
        for length in lengths {
            guard let request = try? InferenceRequest(body, headerLength: length, signature: signature) else {
                continue
            }
            require((1...4).contains(request.images.count), "the limit of images")
            require(!request.outputs.isEmpty, "an answer has an output")
        }
    }
}
