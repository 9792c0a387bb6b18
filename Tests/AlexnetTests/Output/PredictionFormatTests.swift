import Testing

@testable import alexnet

@Suite("What an earlier run of predict wrote", .timeLimit(.minutes(1)))
struct PredictionFormatTests {
    private static let version = "0123456789ab"

    /// Three answers and an error, with all that has to be quoted, and how much of the text each ends.
    private static func csv() -> (text: [UInt8], ends: [Int]) {
        var text = CSV.record(PredictionFormat.columns(top: 1))
        var ends: [Int] = []
        for name in ["a.png", "b, \"c\".png", "d\ne.png"] {
            text += CSV.record([name, "a \"class\"", "1", "0.5", version, ""])
            ends.append(text.utf8.count)
        }
        text += CSV.record(["f.png", "", "", "", "", "It cannot be read, alas."])
        ends.append(text.utf8.count)
        return (Array(text.utf8), ends)
    }

    @Test func `CSV cut anywhere gives the complete entries before the cut`() throws {
        let (text, ends) = Self.csv()
        let whole = try PredictionFormat.csv.entries(in: text, top: 1)
        #expect(whole.map(\.filename) == ["a.png", "b, \"c\".png", "d\ne.png", "f.png"])
        #expect(whole.map(\.version) == [Self.version, Self.version, Self.version, nil])
        #expect(whole.map(\.end) == ends)
        for cut in 0...text.count {
            let entries = try PredictionFormat.csv.entries(in: Array(text.prefix(cut)), top: 1)
            #expect(entries == Array(whole.prefix { $0.end <= cut }), "\(cut) bytes")
        }
    }

    @Test func `JSON cut anywhere gives the complete entries before the cut`() throws {
        let lines = [
            #"{"class":"x","filename":"a\n.png","version":"0123456789ab"}"#,
            #"{"error":{"detail":"It cannot be read."},"filename":"b.png"}"#,
        ]
        let text = Array(lines.map { $0 + "\n" }.joined().utf8)
        let whole = try PredictionFormat.json.entries(in: text, top: 1)
        #expect(whole.map(\.filename) == ["a\n.png", "b.png"])
        #expect(whole.map(\.version) == [Self.version, nil])
        for cut in 0...text.count {
            let entries = try PredictionFormat.json.entries(in: Array(text.prefix(cut)), top: 1)
            #expect(entries == Array(whole.prefix { $0.end <= cut }), "\(cut) bytes")
        }
    }

    @Test func `a file of something else is not continued`() {
        func error(_ format: PredictionFormat, _ text: String) -> PredictionFileError? {
            do throws(PredictionFileError) {
                _ = try format.entries(in: Array(text.utf8), top: 1)
                return nil
            } catch {
                return error
            }
        }
        let columns = PredictionFormat.columns(top: 1)
        #expect(error(.csv, "a,b\n") == .otherColumns(found: ["a", "b"], expected: columns))
        #expect(error(.csv, CSV.record(columns) + "a,b\n") == .notContinuable(line: 2, format: .csv))
        #expect(error(.json, "{}\n") == .notContinuable(line: 1, format: .json))
        #expect(error(.json, "\n") == .notContinuable(line: 1, format: .json))
        // Without a line feed nothing is complete, and all would be cut off.
        for text in ["notes", "a,b", #"{"name": "model.json of somebody"}"#] {
            #expect(error(.csv, text) == .notContinuable(line: 1, format: .csv))
            #expect(error(.json, text) == .notContinuable(line: 1, format: .json))
        }
        #expect(error(.csv, "") == nil)
        #expect(error(.json, "") == nil)
    }

    @Test func `fields are quoted where they must be, and read back`() {
        for fields in [["a", "", "b"], ["\"", "\"\"", "a\"b"], ["a,b", "\n", "\r\n", "é"], [""]] {
            var found: [[String]] = []
            CSV.forEachRecord(in: Array(CSV.record(fields).utf8)) { record, _ in found.append(record) }
            #expect(found == [fields])
        }
        #expect(CSV.record(["a", "b c", "d\"e"]) == "a,b c,\"d\"\"e\"\n")
    }
}
