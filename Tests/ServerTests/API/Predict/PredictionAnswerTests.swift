import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct PredictionAnswerTests {
    /// A model with three classes of awkward names.
    private static func model(_ names: [String]) throws -> Model {
        let tiny = try TinyModel()
        try tiny.write("class_indices.json", String(decoding: try JSONEncoder().encode(names), as: UTF8.self))
        return try ModelLoader(workers: WorkerPool(threadCount: 1)).load(ModelFiles(folder: tiny.folder.path))
    }

    @Test func `an answer is JSON with sorted names, and numbers read back exactly`() throws {
        let model = try Self.model(["rose", "tulip", "daisy"])
        let logits: [Float] = [1, 3, -80]
        let classification = Classification(logits: logits, classes: model.classes, top: 3)
        let probabilities = classification.top.map(\.probability)
        let answer = PredictionAnswer(classification, by: model, filename: "a.png").json
        #expect(
            answer == #"""
                {"class":"tulip","filename":"a.png","index":1,"model":"\#(model.name)","probability":\#(probabilities[0]),\#
                "top":[{"class":"tulip","index":1,"probability":\#(probabilities[0])},\#
                {"class":"rose","index":0,"probability":\#(probabilities[1])},\#
                {"class":"daisy","index":2,"probability":\#(probabilities[2])}],"version":"\#(model.version)"}
                """#)
        #expect(!PredictionAnswer(classification, by: model, filename: nil).json.contains("filename"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
        let top = try #require(object["top"] as? [[String: Any]])
        #expect(probabilities[2] < 1e-35)
        for (candidate, probability) in zip(top, probabilities) {
            #expect((candidate["probability"] as? Double).map(Float.init) == probability)
        }
    }

    @Test func `names of classes and files are escaped`() throws {
        let names = ["\"quoted\" \\ back", "line\nbreak \u{1}\u{8}\u{c}", "ünïcödé 🌹 </script>"]
        let model = try Self.model(names)
        let classification = Classification(logits: [3, 2, 1], classes: model.classes, top: 3)
        for entry in [
            PredictionEntry.answer(PredictionAnswer(classification, by: model, filename: names[0])),
            .error(status: 400, detail: names[1], filename: names[2]),
            .error(status: nil, detail: names[2], filename: nil),
        ] {
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(entry.json.utf8)) as? [String: Any])
            switch entry {
            case .answer:
                #expect((object["top"] as? [[String: Any]])?.map { $0["class"] as? String } == names)
                #expect(object["filename"] as? String == names[0])
            case .error(let status, let detail, let filename):
                let error = object["error"] as? [String: Any]
                #expect(error?["status"] as? Int == status)
                #expect(error?["detail"] as? String == detail)
                #expect(object["filename"] as? String == filename)
            }
        }
    }
}
