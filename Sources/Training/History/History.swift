/// How a training went, one row an epoch: the content of `history.csv` and `history.svg`.
public struct History: Codable, Equatable, Sendable {
    /// Their epochs rise.
    public private(set) var rows: [HistoryRow] = []

    /// Nothing yet.
    public init() {}

    /// Adds the next epoch.
    public mutating func append(_ row: HistoryRow) {
        precondition(row.epoch > rows.last?.epoch ?? 0, "epoch \(row.epoch) does not follow \(rows.last?.epoch ?? 0)")
        rows.append(row)
    }

    /// The epoch that classifies best; of equal accuracies the one of the lowest loss, and of equal losses the earliest. Nil
    /// where nothing was held out.
    public var best: HistoryRow? {
        rows.reduce(nil) { best, row in
            guard let accuracy = row.validationAccuracy, accuracy.isFinite else { return best }
            return best.map(row.isBetter(than:)) ?? true ? row : best
        }
    }

    /// The row of an epoch; nil where there is none.
    public subscript(epoch epoch: Int) -> HistoryRow? { rows.last { $0.epoch == epoch } }

    /// The text of `history.csv`: the columns' names, then a line an epoch, each with its end, so that another can follow.
    public var csv: String { ([HistoryRow.csvHeader] + rows.map(\.csvLine)).map { $0 + "\n" }.joined() }

    /// Reads `history.csv`. A last line without its end, which a crash leaves where lines are appended, is left out.
    ///
    /// - Throws: ``HistoryError``
    public init(csv: String) throws(HistoryError) {
        // By bytes: to Swift a carriage return and a line feed are one character.
        var lines = csv.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }.map { $0.hasSuffix("\r") ? String($0.dropLast()) : $0 }
        lines.removeLast()  // empty, or unfinished
        guard let header = lines.first, header == HistoryRow.csvHeader else {
            throw .invalidHeader(found: String((lines.first ?? csv).prefix(200)), expected: HistoryRow.csvHeader)
        }
        for (index, line) in lines.enumerated().dropFirst() {
            guard let row = HistoryRow(csvLine: line) else {
                throw .invalidLine(number: index + 1, found: String(line.prefix(200)))
            }
            guard row.epoch > rows.last?.epoch ?? 0 else {
                throw .misplacedEpoch(number: index + 1, found: row.epoch, previous: rows.last?.epoch ?? 0)
            }
            rows.append(row)
        }
    }

    /// Reads the rows, as strictly as from text.
    public init(from decoder: any Decoder) throws {
        for (index, row) in try [HistoryRow](from: decoder).enumerated() {
            let previous = rows.last?.epoch ?? 0
            guard row.epoch > previous, HistoryRow.epochs.contains(row.epoch) else {
                throw HistoryError.misplacedEpoch(number: index + 1, found: row.epoch, previous: previous)
            }
            rows.append(row)
        }
    }

    /// An array of the rows.
    public func encode(to encoder: any Encoder) throws { try rows.encode(to: encoder) }
}
