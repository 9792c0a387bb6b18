import Foundation
import Testing

@testable import Inference

@Suite("Checkpoints of quantized weights")
struct QuantizedCheckpointTests {
    private static let advice =
        ", and quantized weights are not read: save the network before it is quantized, or its weights made float32 again "
        + "with their scales; \"precision\": \"int8\" in model.json makes them small here"

    @Test(
        "They can be inspected, and are refused as networks with what to do",
        arguments: [
            ("dynamic.pth", "fc._packed_params._packed_params", "qint8"),
            ("dynamic-stacked.pth", "fc._packed_params._packed_params", "qint8"),
            ("static.pth", "1.conv.weight", "qint8"),
            ("float8.pth", "conv.weight", "float8_e4m3fn"),
            ("float8-stacked.pth", "conv.weight", "float8_e4m3fn"),
            ("float8.safetensors", "conv.weight", "F8_E4M3"),
            ("int8.pth", "conv.weight", "int8"),
            ("int8.safetensors", "conv.weight", "I8"),
        ])
    func refuses(_ file: String, _ name: String, _ type: String) throws {
        let checkpoint = try Checkpoint(contentsOf: FixtureFile.url("Quantized/" + file).path)
        #expect(checkpoint.skipped.contains(SkippedTensor(name: name, scalarName: type)))
        let error = #expect(throws: CheckpointError.self) { try ParameterSet(checkpoint) }
        #expect(error?.description == "tensor \"\(name)\" is \"\(type)\"" + Self.advice)
    }

    @Test("A count in integers is no weight, and is passed over")
    func passesOverCounts() throws {
        let parameters = try ParameterSet(try Checkpoint(bytes: try CheckpointFixtures.bytes("state-dict.pth")))
        #expect(parameters.layers.map(\.name) == ["0", "1", "3"])
    }
}
