import Inference

/// Which of a model's classes each class of a data set is, by their names.
///
/// Case and punctuation make no difference, so that a folder `t-shirt_top` holds images of the class `T-shirt/top`. The
/// data may have fewer classes than the model, and in another order; but no class that the model does not know.
public struct LabelMapping: Sendable, Equatable {
    /// The index in the model's class map of each of the data's classes.
    public let indices: [Int]
    /// How many classes the model has.
    public let classCount: Int

    /// - Throws: ``EvaluationError`` where a class has no counterpart, or several.
    public init(dataClasses: [String], modelClasses: [String]) throws(EvaluationError) {
        classCount = modelClasses.count
        if dataClasses == modelClasses {
            indices = Array(modelClasses.indices)
            return
        }
        guard dataClasses.count <= modelClasses.count else {
            throw .moreClasses(
                data: dataClasses.count, model: modelClasses.count,
                example: dataClasses.first { !modelClasses.contains($0) } ?? dataClasses[0])
        }
        var places: [String: [Int]] = [:]
        for (index, name) in modelClasses.enumerated() { places[Self.plain(name), default: []].append(index) }
        var indices: [Int] = []
        for name in dataClasses {
            let exact = modelClasses.indices.filter { modelClasses[$0] == name }
            let found = exact.isEmpty ? places[Self.plain(name)] ?? [] : exact
            guard found.count == 1, !indices.contains(found[0]) else {
                throw found.isEmpty
                    ? .unknownClass(name: name, known: modelClasses) : .ambiguousClass(name: name)
            }
            indices.append(found[0])
        }
        self.indices = indices
    }

    /// Lower case, and one space for whatever is neither letter nor digit.
    private static func plain(_ name: String) -> String {
        name.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: " ")
    }

    /// What is worth knowing about data that differ from the model; nil where they do not.
    public var note: String? {
        if indices == Array(0..<classCount) { return nil }
        return indices.count < classCount
            ? "The data have \(indices.count) of the model's \(classCount) classes."
            : "The data have the model's classes in another order; they are matched by name."
    }
}

/// Why a model cannot be evaluated on some data.
public enum EvaluationError: Error, Equatable, Sendable {
    case moreClasses(data: Int, model: Int, example: String)
    case unknownClass(name: String, known: [String])
    case ambiguousClass(name: String)
    /// Not one image could be read.
    case noImages(skippedCount: Int)
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
        case .noImages(let skippedCount):
            skippedCount == 0
                ? "The data have no image to evaluate." : "None of the \(skippedCount) images could be read."
        }
    }
}
