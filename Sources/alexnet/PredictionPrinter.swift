import Foundation
import Inference
import Server

/// Writes answers to standard output: a table for people, or a line of JSON a picture.
struct PredictionPrinter {
    let model: Model
    let top: Int
    let isJSON: Bool
    /// Units: characters.
    let labelWidth: Int

    func write(_ picture: PictureSource, _ result: Result<[Float], any Error>) {
        switch result {
        case .success(let logits):
            let classification = Classification(logits: logits, classes: model.classes, top: top)
            if isJSON {
                writeJSON(.answer(PredictionAnswer(classification, by: model, filename: picture.path)))
            } else {
                print(row(classification, picture))
            }
        case .failure(let error):
            if isJSON { writeJSON(.error(status: nil, detail: "\(error)", filename: picture.path)) }
            FileHandle.standardError.write(Data("alexnet: \(picture.path): \(error)\n".utf8))
        }
    }

    private func writeJSON(_ entry: PredictionEntry) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(entry) { print(String(decoding: line, as: UTF8.self)) }
    }

    /// The file, the best class, and the runners-up.
    private func row(_ classification: Classification, _ picture: PictureSource) -> String {
        let name = picture.path.count > labelWidth ? "…" + picture.path.suffix(labelWidth - 1) : picture.path
        let candidates = classification.top.map { candidate in
            candidate.label + " " + String(format: "%.1f %%", candidate.probability * 100)
        }
        return name.padding(toLength: labelWidth, withPad: " ", startingAt: 0) + "  "
            + candidates.joined(separator: "  ")
    }
}
