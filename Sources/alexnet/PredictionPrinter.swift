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

    /// - Throws: ``OutputStream/Failure`` when standard output takes no more.
    func write(_ picture: PictureSource, _ result: Result<[Float], any Error>) throws(OutputStream.Failure) {
        switch result {
        case .success(let logits):
            let classification = Classification(logits: logits, classes: model.classes, top: top)
            if isJSON {
                try writeJSON(.answer(PredictionAnswer(classification, by: model, filename: picture.path)))
            } else {
                try OutputStream.output.write(row(classification, picture) + "\n")
            }
        case .failure(let error):
            if isJSON { try writeJSON(.error(status: nil, detail: "\(error)", filename: picture.path)) }
            OutputStream.error.writeIfPossible("alexnet: \(picture.label): \(error)\n")
        }
    }

    private func writeJSON(_ entry: PredictionEntry) throws(OutputStream.Failure) {
        try OutputStream.output.write(entry.json + "\n")
    }

    /// The file, the best class, and the runners-up.
    private func row(_ classification: Classification, _ picture: PictureSource) -> String {
        let name = picture.label.count > labelWidth ? "…" + picture.label.suffix(labelWidth - 1) : picture.label
        let candidates = classification.top.map { candidate in
            candidate.label + " " + String(format: "%.1f %%", candidate.probability * 100)
        }
        return name.padding(toLength: labelWidth, withPad: " ", startingAt: 0) + "  "
            + candidates.joined(separator: "  ")
    }
}
