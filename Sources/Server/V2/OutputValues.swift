import Files
import HTTPServer
import Inference

/// What stands in one output of an answer, picture after picture.
enum OutputValues {
    /// One value a class.
    case values([[Float]])
    /// The best classes, best first, as `value:index:label`.
    ///
    /// - Source: Triton's classification extension
    case classes([[String]])

    /// The values that `output` asks for.
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

    /// The second extent of the shape.
    var countPerPicture: Int {
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

    /// Writes the values little-endian: four bytes a number, and a text behind its length in four bytes.
    func write(to binary: inout [UInt8]) {
        switch self {
        case .values(let values):
            binary.reserveCapacity(binary.count + values.count * countPerPicture * 4)
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
