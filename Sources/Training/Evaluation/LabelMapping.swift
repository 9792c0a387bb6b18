import Inference

/// Maps each class of a data set to the model's class of the same name.
///
/// Case and punctuation are ignored: a folder `t-shirt_top` matches the class `T-shirt/top`. The data may have fewer
/// classes than the model, in any order. Every class of the data must be a class of the model.
public struct LabelMapping: Sendable, Equatable {
    /// For each of the data's classes, its index in the model's class map.
    public let indices: [Int]
    /// The number of the model's classes.
    public let classCount: Int

    /// - Throws: ``EvaluationError`` if a class matches no class of the model, or several.
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

    /// The name in lower case, with every run of characters other than letters and digits replaced by one space.
    private static func plain(_ name: String) -> String {
        name.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: " ")
    }

    /// A sentence about how the data's classes differ from the model's; nil if they do not.
    public var note: String? {
        if indices == Array(0..<classCount) { return nil }
        return indices.count < classCount
            ? "The data have \(indices.count) of the model's \(classCount) classes."
            : "The data have the model's classes in another order; classes are matched by name."
    }
}

/// Why a model cannot be evaluated on this data.
public enum EvaluationError: Error, Equatable, Sendable {
    /// The data has more classes than the model; `example` is one that the model does not have.
    case moreClasses(data: Int, model: Int, example: String)
    /// A class of the data is not a class of the model.
    case unknownClass(name: String, known: [String])
    /// A class of the data matches several classes of the model, or the same class as another one.
    case ambiguousClass(name: String)
    /// None of the images could be read.
    case noImages(skippedCount: Int)
}

extension EvaluationError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .moreClasses(let data, let model, let example):
            "The data have \(data) classes and the model has \(model); it does not know \"\(example)\", for example. Are "
                + "these the data of another model?"
        case .unknownClass(let name, let known):
            "The data's class \"\(name)\" is none of the model's: \(known.prefix(12).joined(separator: ", "))"
                + (known.count > 12 ? " and \(known.count - 12) more." : ".")
        case .ambiguousClass(let name):
            "The data's class \"\(name)\" matches several of the model's classes, or one that another class matches too."
        case .noImages(let skippedCount):
            skippedCount == 0
                ? "The data have no images to evaluate." : "None of the \(skippedCount) images could be read."
        }
    }
}
