import Inference

/// How a picture becomes a network's input, in the words of `model.json`.
struct PreprocessingEntry: Encodable {
    private struct Resize: Encodable {
        let mode: String
        var height: Int?
        var width: Int?
        var side: Int?
    }

    private let colour: String
    private let resize: Resize
    private let crop: [Int]
    private let scale: String
    private let mean: [Float]
    private let deviation: [Float]

    init(_ preprocessing: Preprocessing) {
        colour = preprocessing.colour.rawValue
        resize =
            switch preprocessing.resize {
            case .stretch(let height, let width): Resize(mode: "stretch", height: height, width: width)
            case .shortest(let side): Resize(mode: "shortest", side: side)
            }
        crop = Array(preprocessing.outputShape.extents.dropFirst())
        scale = preprocessing.scale.rawValue
        mean = preprocessing.mean
        deviation = preprocessing.deviation
    }

    /// On one line.
    var text: String {
        let size =
            resize.side.map { "shortest side to \($0), centre crop \(crop[0])×\(crop[1])" }
            ?? "stretch to \(resize.height ?? 0)×\(resize.width ?? 0)"
            + (crop == [resize.height ?? 0, resize.width ?? 0] ? "" : ", centre crop \(crop[0])×\(crop[1])")
        return "\(colour), \(size), \(scale == "unit" ? "0…1" : "0…255"), mean \(mean), deviation \(deviation)"
    }
}
