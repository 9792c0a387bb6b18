import ArgumentParser
import Files
import Foundation
import Inference
import Server

/// How `alexnet predict` writes its answers.
enum PredictionFormat: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// For people: a row with the most probable classes.
    case table
    /// For programs: a line of JSON for each image, as `POST /predict` answers.
    case json
    /// For spreadsheets and data frames: a record for each image.
    case csv

    /// The format of a file by its suffix; nil if it has no suffix of a format.
    init?(suffixOf path: String) {
        switch path.split(separator: ".").last?.lowercased() {
        case "csv": self = .csv
        case "json", "jsonl", "ndjson": self = .json
        default: return nil
        }
    }

    /// The names of the columns of ``csv``.
    static func columns(top: Int) -> [String] {
        let classes = (1...top).flatMap { place in
            ["class", "index", "probability"].map { place == 1 ? $0 : "\($0)_\(place)" }
        }
        return ["filename"] + classes + ["version", "error"]
    }

    /// What an earlier run wrote for an image.
    struct Entry: Sendable, Equatable {
        let filename: String
        /// The version of the model; nil for an error.
        let version: String?
        /// The offset of what follows the entry in the file. Units: bytes.
        let end: Int
    }

    /// The complete entries at the beginning of a file's text; what is left of a run that was interrupted in the middle of a
    /// line is ignored.
    ///
    /// - Parameter top: how many classes an entry lists.
    /// - Throws: ``PredictionFileError/notContinuable(line:format:)``
    func entries(in text: [UInt8], top: Int) throws(PredictionFileError) -> [Entry] {
        var entries: [Entry] = []
        switch self {
        case .table: throw .notContinuable(line: 1, format: self)
        case .json:
            var start = 0
            while let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) {
                struct Line: Decodable {
                    let filename: String
                    let version: String?
                }
                guard let line = try? JSONDecoder().decode(Line.self, from: Data(text[start..<end])) else {
                    throw .notContinuable(line: entries.count + 1, format: self)
                }
                entries.append(Entry(filename: line.filename, version: line.version, end: end + 1))
                start = end + 1
            }
            // Half of a line is cut off, but only of one that this format writes: another file is not touched.
            let rest = text[start...]
            let isOurs = ["{\"class\":", "{\"error\":"].contains {
                rest.starts(with: $0.utf8) || $0.utf8.starts(with: rest)
            }
            guard isOurs else { throw .notContinuable(line: entries.count + 1, format: self) }
        case .csv:
            let columns = Self.columns(top: top)
            var isHeader = true
            try CSV.forEachRecord(in: text) { (fields, end) throws(PredictionFileError) in
                guard !isHeader else {
                    guard fields == columns else { throw .otherColumns(found: fields, expected: columns) }
                    isHeader = false
                    return
                }
                guard fields.count == columns.count else {
                    throw .notContinuable(line: entries.count + 2, format: self)
                }
                let version = fields[fields.count - 2]
                entries.append(Entry(filename: fields[0], version: version.isEmpty ? nil : version, end: end))
            }
            guard !isHeader || CSV.record(columns).utf8.starts(with: text) else {
                throw .notContinuable(line: 1, format: self)
            }
        }
        return entries
    }
}
