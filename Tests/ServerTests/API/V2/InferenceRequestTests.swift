import Foundation
import Inference
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct InferenceRequestTests {
    /// Valid requests of every form, whose mutations are what a hostile client might send.
    private static let calls = [
        V2Call(
            "UINT8", [2, 1, 2, 1], data: "[[[[1],[2]]],[[[3],[4]]]]", also: #""id":"a","parameters":{"timeout":7}"#),
        V2Call("UINT8", [1, 2, 2, 3], binary: [UInt8](0..<12), also: #""parameters":{"binary_data_output":true}"#),
        V2Call("BYTES", [2], data: #"["AAEC","data:image/png;base64,AwQ="]"#),
        V2Call(
            "BYTES", [2, 1], binary: V2Call.element([1, 2, 3]) + V2Call.element([4]),
            also: #""outputs":[{"name":"logits","parameters":{"classification":2,"binary_data":false}}]"#),
        V2Call("FP32", [1, 3, 2, 2], binary: V2Call.bytes((0..<12).map(Float.init))),
        V2Call("FP32", [1, 3, 2, 2], data: "[1,2.5,-3e0,4E-1,5,6,7,8,9,10,11,12]"),
    ]

    private static func signature() -> ModelSignature {
        ModelSignature(
            names: TensorNames(), shapeRule: ShapeRule(network: [3, 2, 2]), classCount: 3,
            limit: ImageUpload.CountLimit(count: 4, key: "images.max_per_request"),
            pixelLimit: PixelLimit(maxPixels: 100))
    }

    @Test func `every form is parsed`() throws {
        for call in Self.calls {
            let count = call.binary == nil ? nil : call.json.utf8.count
            let request = try InferenceRequest(call.body, headerLength: count, signature: Self.signature())
            #expect(1...2 ~= request.images.count && !request.outputs.isEmpty)
        }
    }

    @Test func `planar channels become interleaved, in their order`() throws {
        for call in Self.calls.suffix(2) {
            let count = call.binary == nil ? nil : call.json.utf8.count
            let request = try InferenceRequest(call.body, headerLength: count, signature: Self.signature())
            guard case .tensor(let tensor) = request.images[0] else { return #expect(Bool(false), "no tensor") }
            #expect(tensor.shape == [2, 2, 3])
            let values: [Float] =
                call.binary == nil
                ? [1, 5, 9, 2.5, 6, 10, -3, 7, 11, 0.4, 8, 12] : [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
            #expect(tensor.scalars == values)
        }
    }

    @Test func `without JSON the content is an image file or whole inputs, and outputs are binary`() throws {
        func read(_ content: [UInt8]) throws -> InferenceRequest {
            try InferenceRequest(content, headerLength: 0, signature: Self.signature())
        }
        let file: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 1, 2]
        guard case .encoded(let bytes) = try read(file).images[0] else { return #expect(Bool(false), "no file") }
        #expect(Array(bytes) == file)
        let values = V2Call.bytes((0..<12).map(Float.init))
        for count in 1...4 {
            let request = try read([[UInt8]](repeating: values, count: count).flatMap(\.self))
            #expect(request.images.count == count)
            #expect(request.outputs.map(\.name) == ["probabilities", "logits"])
            #expect(request.outputs.allSatisfy { $0.isBinary == true })
            guard case .tensor(let tensor) = request.images[count - 1] else { return #expect(Bool(false), "no tensor") }
            #expect(tensor.scalars == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
        }
        #expect(throws: V2Error.rawByteCount(found: 0, imageByteCount: 48)) { try read([]) }
        #expect(throws: V2Error.rawByteCount(found: 47, imageByteCount: 48)) { try read(Array(values.dropLast())) }
        #expect(throws: V2Error.rawByteCount(found: 49, imageByteCount: 48)) { try read(values + [0]) }
        #expect(throws: V2Error.self) { try read([[UInt8]](repeating: values, count: 5).flatMap(\.self)) }
        #expect(throws: V2Error.notFinite(index: 0)) { try read(V2Call.bytes([.nan] + (1..<12).map(Float.init))) }
    }

    @Test func `mutated requests are parsed or refused with a sentence`() {
        var random = SeededGenerator(seed: 11)
        var counts = (read: 0, refused: 0)
        for _ in 0..<20_000 {
            let call = Self.calls[Int.random(in: 0..<Self.calls.count, using: &random)]
            var body = call.body
            var count = call.binary == nil ? nil : call.json.utf8.count
            for _ in 0...Int.random(in: 0...2, using: &random) where !body.isEmpty {
                let index = Int.random(in: 0..<body.count, using: &random)
                switch Int.random(in: 0...5, using: &random) {
                case 0: body[index] = UInt8.random(in: 0...255, using: &random)
                case 1: body.removeLast(body.count - index)
                case 2: body.insert(contentsOf: body[index..<min(index + 20, body.count)], at: index)
                case 3: body.remove(at: index)
                case 4: count = Int.random(in: 0...body.count + 1, using: &random)
                default: body[index] = [0x30, 0x39, 0x5B, 0x5D, 0x7B, 0x7D, 0x2C, 0x22, 0x2D][index % 9]
                }
            }
            do throws(V2Error) {
                _ = try InferenceRequest(body, headerLength: count, signature: Self.signature())
                counts.read += 1
            } catch {
                #expect(error.description.hasSuffix("."))
                #expect([400, 413, 415].contains(error.status.code))
                counts.refused += 1
            }
        }
        #expect(counts.read > 100 && counts.refused > 10_000)
    }
}
