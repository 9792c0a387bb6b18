/// What a model's input and outputs are called by clients that address tensors by name.
public struct TensorNames: Sendable, Equatable, Decodable {
    /// The picture, or the network's input made from it.
    public var input = "input"
    /// The outputs behind the soft-max.
    public var probabilities = "probabilities"
    /// The outputs before it.
    public var logits = "logits"

    /// The longest name. Units: bytes.
    static let maxByteCount = 128

    /// The names where `model.json` does not say.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable { case input, probabilities, logits }

    public init(from decoder: any Decoder) throws {
        try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        input = try values.decodeIfPresent(String.self, forKey: .input) ?? input
        probabilities = try values.decodeIfPresent(String.self, forKey: .probabilities) ?? probabilities
        logits = try values.decodeIfPresent(String.self, forKey: .logits) ?? logits
        try check()
    }

    private func check() throws(ModelError) {
        let names = [input, probabilities, logits]
        guard names.allSatisfy({ 1...Self.maxByteCount ~= $0.utf8.count }) else {
            throw ModelError.description("a name in \"tensors\" has to be 1 to \(Self.maxByteCount) bytes long")
        }
        guard Set(names).count == names.count else {
            throw ModelError.description("\"tensors\" calls two tensors \"\(duplicate(names))\"")
        }
    }

    private func duplicate(_ names: [String]) -> String {
        names.first { name in names.count { $0 == name } > 1 } ?? ""
    }
}
