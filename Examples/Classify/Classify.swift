import Foundation
import Inference

/// Classifies image files with a model folder: `Classify weights/fashion-mnist docs/dress.jpg`.
@main
struct Classify {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else { return print("usage: Classify MODEL-FOLDER IMAGE…") }
        let loader = ModelLoader(threadCount: ProcessInfo.processInfo.activeProcessorCount)
        let model = try loader.load(ModelFiles(folder: arguments[1]))
        for path in arguments.dropFirst(2) {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let input = try ImageDecoder().input(bytes, for: model.preprocessing)
            let best = Classification(logits: model.logits([input])[0], classes: model.classes, top: 1).best
            print("\(path): \(best.label) \(String(format: "%.3f", best.probability))")
        }
    }
}
