/// Why a model cannot be evaluated on some data.
public enum EvaluationError: Error, Equatable, Sendable {
    case moreClasses(data: Int, model: Int, example: String)
    case unknownClass(name: String, known: [String])
    case ambiguousClass(name: String)
    /// Not one picture could be read.
    case noPicture(skippedCount: Int)
}

extension EvaluationError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .moreClasses(let data, let model, let example):
            "The data have \(data) classes and the model \(model); \"\(example)\" is one that it does not know. Is it "
                + "another model's data?"
        case .unknownClass(let name, let known):
            "The data's class \"\(name)\" is none of the model's: \(known.prefix(12).joined(separator: ", "))"
                + (known.count > 12 ? " and \(known.count - 12) more." : ".")
        case .ambiguousClass(let name):
            "The data's class \"\(name)\" could be several of the model's, or is one of them twice."
        case .noPicture(let skippedCount):
            skippedCount == 0
                ? "The data have no picture to evaluate." : "None of the \(skippedCount) pictures could be read."
        }
    }
}
