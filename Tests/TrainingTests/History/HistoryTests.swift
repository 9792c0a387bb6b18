import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct HistoryTests {
    private static func row(_ epoch: Int, accuracy: Double? = 0.5, loss: Double? = 0.25) -> HistoryRow {
        HistoryRow(
            epoch: epoch, trainLoss: 1.0 / Double(epoch) / 3, trainAccuracy: 0.1 + 0.2, validationLoss: loss,
            validationAccuracy: accuracy, learningRate: 1e-5 / 3, imagesPerSecond: 123.4567, seconds: 60.0004)
    }

    private static func history(_ rows: HistoryRow...) -> History {
        var history = History()
        for row in rows { history.append(row) }
        return history
    }

    @Test func `the text is the one that spreadsheets read`() {
        let history = Self.history(
            HistoryRow(
                epoch: 1, trainLoss: 2.25, trainAccuracy: 0.125, validationLoss: 2, validationAccuracy: 0.25,
                learningRate: 0.001, imagesPerSecond: 123.4567, seconds: 60.0004),
            HistoryRow(
                epoch: 2, trainLoss: 1.5, trainAccuracy: 0.5, validationLoss: nil, validationAccuracy: nil,
                learningRate: 1e-5, imagesPerSecond: 125, seconds: 59.5))
        #expect(
            history.csv == """
                epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,images_per_second,seconds
                1,2.25,0.125,2.0,0.25,0.001,123.457,60.0
                2,1.5,0.5,,,1e-05,125.0,59.5

                """)
    }

    @Test func `what is written is read back bit for bit, as text and as JSON`() throws {
        let history = Self.history(Self.row(1), Self.row(2, accuracy: nil), Self.row(7))
        #expect(try History(csv: history.csv) == history)
        #expect(try History(csv: history.csv.replacingOccurrences(of: "\n", with: "\r\n")) == history)
        #expect(try JSONDecoder().decode(History.self, from: JSONEncoder().encode(history)) == history)
        #expect(try History(csv: History().csv) == History())
    }

    @Test func `a line that a crash cut off is left out, wherever it was cut`() throws {
        let whole = Self.history(Self.row(1), Self.row(2))
        let text = Array(whole.csv.utf8)
        let lineStart = Self.history(Self.row(1)).csv.utf8.count
        for end in lineStart..<text.count {
            #expect(try History(csv: String(decoding: text[..<end], as: UTF8.self)) == Self.history(Self.row(1)))
        }
    }

    @Test func `a text that is no history is refused in a sentence`() {
        let header = HistoryRow.csvHeader + "\n"
        let lines = [
            "", "1", "1,2,3,4,5,6,7,8,9", "1,2,3,4,5,6,7,", "x,1,1,1,1,1,1,1", "0,1,1,1,1,1,1,1", "-1,1,1,1,1,1,1,1",
            "+1,1,1,1,1,1,1,1", "1,,1,1,1,1,1,1", "1,1,,1,1,1,1,1", "1,1,1,1,1,,1,1", "1,1,1,1,1,1,,1",
            "1,1,1,a,1,1,1,1",
            "1000000001,1,1,1,1,1,1,1", "99999999999999999999,1,1,1,1,1,1,1",
        ]
        for line in lines {
            #expect(throws: HistoryError.invalidLine(number: 2, found: line)) {
                try History(csv: header + line + "\n")
            }
        }
        #expect(throws: HistoryError.misplacedEpoch(number: 3, found: 2, previous: 2)) {
            try History(csv: header + "2,1,1,1,1,1,1,1\n2,1,1,1,1,1,1,1\n")
        }
        for text in ["", "epoch", "epoch\n", HistoryRow.csvHeader, "\n" + header] {
            #expect(throws: HistoryError.self) { try History(csv: text) }
        }
        #expect(
            "\(HistoryError.invalidLine(number: 2, found: "1"))"
                == "line 2 of the history is \"1\", not an epoch and seven numbers")
    }

    @Test func `epochs that do not rise are refused in JSON too`() throws {
        let row = String(decoding: try JSONEncoder().encode(Self.row(1)), as: UTF8.self)
        for text in ["[\(row),\(row)]", "[\(row.replacingOccurrences(of: #""epoch":1"#, with: #""epoch":0"#))]"] {
            #expect(throws: HistoryError.self) { try JSONDecoder().decode(History.self, from: Data(text.utf8)) }
        }
    }

    @Test func `of equal accuracies the lower loss is better, and of equal losses the earlier epoch`() {
        func best(_ losses: Double?...) -> Int? {
            var history = History()
            for (index, loss) in losses.enumerated() { history.append(Self.row(index + 1, loss: loss)) }
            return history.best?.epoch
        }
        #expect(best(0.5, 0.4, 0.45) == 2)
        #expect(best(0.4, 0.5, 0.4) == 1)
        #expect(best(nil, 0.9, nil) == 2)
        #expect(best(.nan, 0.9, .nan) == 2)
        #expect(Self.row(2, accuracy: 0.6, loss: 9).isBetter(than: Self.row(1, accuracy: 0.5, loss: 0.1)))
        #expect(!Self.row(2, accuracy: 0.4, loss: 0.1).isBetter(than: Self.row(1, accuracy: 0.5, loss: 9)))
    }

    @Test func `the best epoch is the first that classifies best`() {
        #expect(History().best == nil)
        #expect(Self.history(Self.row(1, accuracy: nil), Self.row(2, accuracy: .nan)).best == nil)
        let history = Self.history(
            Self.row(1, accuracy: 0), Self.row(2, accuracy: 0.7), Self.row(3, accuracy: nil), Self.row(4, accuracy: 0.7)
        )
        #expect(history.best?.epoch == 2)
    }
}
