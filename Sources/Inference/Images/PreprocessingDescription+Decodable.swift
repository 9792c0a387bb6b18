extension PreprocessingDescription: Decodable {
    /// Reads a preset's name or an object of steps.
    ///
    /// - Throws: ``PreprocessingError``
    public init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            try self.init(preset: name)
            return
        }
        let fields = try Fields(
            decoder, within: "",
            allowed: [
                "colour", "resize", "crop", "scale", "mean", "deviation",
            ])
        var steps = Steps()
        steps.colour = try fields.word("colour")
        steps.scale = try fields.word("scale")
        steps.mean = try fields.numbers("mean")
        steps.deviation = try fields.numbers("deviation")
        if let sides = try fields.crop() { (steps.cropHeight, steps.cropWidth) = sides }
        if let resize = try fields.nested("resize") { steps.resize = try Self.resize(resize) }
        self = .steps(steps)
    }

    private static func resize(_ decoder: any Decoder) throws -> Preprocessing.Resize {
        let all = try Fields(decoder, within: "resize.", allowed: ["mode", "height", "width", "side"])
        let mode: ResizeMode = try all.needed(all.word("mode"), "mode")
        switch mode {
        case .stretch:
            let fields = try Fields(decoder, within: "resize.", allowed: ["mode", "height", "width"])
            return .stretch(
                height: try fields.needed(fields.side("height"), "height"),
                width: try fields.needed(fields.side("width"), "width"))
        case .shortest:
            let fields = try Fields(decoder, within: "resize.", allowed: ["mode", "side"])
            return .shortest(side: try fields.needed(fields.side("side"), "side"))
        }
    }

    private enum ResizeMode: String, CaseIterable { case stretch, shortest }
}

/// The fields of one object, each of a known name.
private struct Fields {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Name>
    private let path: String

    init(_ decoder: any Decoder, within path: String, allowed: [String]) throws(PreprocessingError) {
        guard let container = try? decoder.container(keyedBy: Name.self) else {
            throw path.isEmpty
                ? .wrongType(field: "preprocessing", expected: "a preset's name or an object of steps")
                : .wrongType(field: String(path.dropLast()), expected: "an object")
        }
        self.container = container
        self.path = path
        if let unknown = container.allKeys.map(\.stringValue).sorted().first(where: { !allowed.contains($0) }) {
            throw .unknownField(found: path + unknown, expected: allowed)
        }
    }

    func needed<Value>(_ value: Value?, _ name: String) throws(PreprocessingError) -> Value {
        guard let value else { throw .missingField(field: path + name) }
        return value
    }

    func side(_ name: String) throws(PreprocessingError) -> Int? {
        try value(name, expected: "a whole number of pixels")
    }

    func numbers(_ name: String) throws(PreprocessingError) -> [Float]? {
        try value(name, expected: "an array of numbers")
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(PreprocessingError) -> Word? where Word.RawValue == String {
        guard let found: String = try value(name, expected: "a word") else { return nil }
        guard let word = Word(rawValue: found) else {
            throw .unknownValue(field: path + name, found: found, expected: Word.allCases.map(\.rawValue))
        }
        return word
    }

    /// One side for a square, or height and width.
    func crop() throws(PreprocessingError) -> (Int, Int)? {
        let key = Name(stringValue: "crop")
        if let side = try? container.decode(Int.self, forKey: key) { return (side, side) }
        guard let sides: [Int] = try value("crop", expected: "a side, or an array of height and width") else {
            return nil
        }
        guard sides.count == 2 else {
            throw .wrongType(field: "crop", expected: "a side, or an array of height and width")
        }
        return (sides[0], sides[1])
    }

    func nested(_ name: String) throws -> (any Decoder)? {
        let key = Name(stringValue: name)
        return container.contains(key) ? try container.superDecoder(forKey: key) : nil
    }

    private func value<Value: Decodable>(
        _ name: String, expected: String
    ) throws(PreprocessingError) -> Value? {
        let key = Name(stringValue: name)
        guard container.contains(key) else { return nil }
        guard let value = try? container.decode(Value.self, forKey: key) else {
            throw .wrongType(field: path + name, expected: expected)
        }
        return value
    }
}
