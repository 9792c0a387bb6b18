/// Limits that a `model.json` sets for its model, under `batching`; those it leaves out are the server's.
public struct BatchingDescription: Sendable, Equatable, Decodable {
    /// The most images in one forward pass: 1 to 4096.
    public var maxBatchSize: Int?
    /// The most images that may wait: 1 to 1,000,000.
    public var queueCapacity: Int?

    /// Everything is the server's.
    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case maxBatchSize = "max_batch_size"
        case queueCapacity = "queue_capacity"
    }

    public init(from decoder: any Decoder) throws {
        try UnknownKey.refuse(in: decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func limit(_ key: CodingKeys, _ range: ClosedRange<Int>) throws -> Int? {
            guard let value = try values.decodeIfPresent(Int.self, forKey: key) else { return nil }
            guard range.contains(value) else {
                throw ModelError.description(
                    "batching.\(key.rawValue) is \(value); it takes \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        maxBatchSize = try limit(.maxBatchSize, 1...4096)
        queueCapacity = try limit(.queueCapacity, 1...1_000_000)
    }
}
