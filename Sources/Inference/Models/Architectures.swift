/// The networks that are known: what `model.json` may name, and what checkpoints are compared with.
package enum Architectures {
    /// In the order in which they are tried.
    package static let all: [any Architecture] =
        AlexNet.Form.allCases + LeNet.Form.allCases + VGG.Form.allCases + GoogLeNet.Form.allCases
        + ResNet.Form.allCases

    /// The one that `model.json` names.
    package static func named(_ name: String) -> (any Architecture)? { all.first { $0.name == name } }

    /// The one that a checkpoint holds.
    ///
    /// - Throws: ``CheckpointError/fitsNoArchitecture(closest:differences:count:)``
    package static func recognize(_ parameters: ParameterSet) throws(CheckpointError) -> any Architecture {
        if let known = all.first(where: { $0.fits(parameters) }) { return known }
        throw closest(to: parameters)
    }

    private static func closest(to parameters: ParameterSet) -> CheckpointError {
        let ranked = all.map { (architecture: $0, closeness: $0.closeness(to: parameters)) }
        guard let closest = ranked.max(by: { $0.closeness < $1.closeness })?.architecture else {
            return .unknownArchitecture(found: parameters.shapes.map { "\($0.name) \($0.shape)" })
        }
        return .differs(parameters, from: closest)
    }
}
