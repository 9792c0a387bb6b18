/// The history of a training, with one row per epoch: the content of `history.csv` and `history.svg`.
public struct History: Codable, Equatable, Sendable {
    /// The rows, by ascending epoch.
    public private(set) var rows: [HistoryRow] = []

    /// A history without epochs.
    public init() {}

    /// Adds the next epoch.
    public mutating func append(_ row: HistoryRow) {
        precondition(row.epoch > rows.last?.epoch ?? 0, "epoch \(row.epoch) does not follow \(rows.last?.epoch ?? 0)")
        rows.append(row)
    }

    /// The row of the best epoch: highest validation accuracy, then lowest validation loss, then earliest epoch. Nil
    /// without validation.
    public var best: HistoryRow? {
        rows.reduce(nil) { best, row in
            guard let accuracy = row.validationAccuracy, accuracy.isFinite else { return best }
            return best.map(row.isBetter(than:)) ?? true ? row : best
        }
    }

    /// The row of an epoch; nil if there is none.
    public subscript(epoch epoch: Int) -> HistoryRow? { rows.last { $0.epoch == epoch } }

    /// The text of `history.csv`: a header and one line per epoch, each ending with a line feed.
    public var csv: String { ([HistoryRow.csvHeader] + rows.map(\.csvLine)).map { $0 + "\n" }.joined() }

    /// Parses `history.csv`. A last line without a line feed, which a crash may leave, is skipped.
    ///
    /// - Throws: ``HistoryError`` if the text is not a history.
    public init(csv: String) throws(HistoryError) {
        // Lines are split by bytes, because CR LF is a single Character in Swift.
        var lines = csv.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }.map { $0.hasSuffix("\r") ? String($0.dropLast()) : $0 }
        lines.removeLast()  // empty or unfinished
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

    /// Decodes the rows with the same checks as in text.
    public init(from decoder: any Decoder) throws {
        for (index, row) in try [HistoryRow](from: decoder).enumerated() {
            let previous = rows.last?.epoch ?? 0
            guard row.epoch > previous, HistoryRow.epochs.contains(row.epoch) else {
                throw HistoryError.misplacedEpoch(number: index + 1, found: row.epoch, previous: previous)
            }
            rows.append(row)
        }
    }

    /// Writes the rows as an array.
    public func encode(to encoder: any Encoder) throws { try rows.encode(to: encoder) }
}

/// The metrics of one epoch.
public struct HistoryRow: Codable, Equatable, Sendable {
    /// The epoch's number, from 1.
    public let epoch: Int
    /// The mean training loss over the epoch's steps, including augmentation and dropout. Units: nats.
    public let trainLoss: Double
    /// The share of training images that were predicted correctly during the epoch's steps, 0…1.
    public let trainAccuracy: Double
    /// The mean validation loss after the epoch; nil without validation. Units: nats.
    public let validationLoss: Double?
    /// The share of validation images that are predicted correctly after the epoch, 0…1; nil without validation.
    public let validationAccuracy: Double?
    /// The learning rate of the epoch's last step.
    public let learningRate: Double
    /// The training throughput, without validation, rounded to 0.001. Units: images per second.
    public let imagesPerSecond: Double
    /// The epoch's duration, including validation, rounded to 0.001. Units: seconds.
    public let seconds: Double

    /// The valid epoch numbers.
    static let epochs = 1...1_000_000_000

    /// The columns of `history.csv`, in order.
    enum CodingKeys: String, CodingKey, CaseIterable {
        case epoch
        case trainLoss = "train_loss"
        case trainAccuracy = "train_accuracy"
        case validationLoss = "val_loss"
        case validationAccuracy = "val_accuracy"
        case learningRate = "learning_rate"
        case imagesPerSecond = "images_per_second"
        case seconds
    }

    /// A row. The last two numbers are rounded here.
    public init(
        epoch: Int, trainLoss: Double, trainAccuracy: Double, validationLoss: Double?, validationAccuracy: Double?,
        learningRate: Double, imagesPerSecond: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.trainLoss = trainLoss
        self.trainAccuracy = trainAccuracy
        self.validationLoss = validationLoss
        self.validationAccuracy = validationAccuracy
        self.learningRate = learningRate
        self.imagesPerSecond = (imagesPerSecond * 1000).rounded() / 1000
        self.seconds = (seconds * 1000).rounded() / 1000
    }

    /// Whether this epoch is better: a higher validation accuracy, or an equal one with a lower validation loss.
    ///
    /// Ties are frequent with small validation parts: twenty images have only 21 possible accuracies.
    public func isBetter(than other: HistoryRow) -> Bool {
        let (accuracy, otherAccuracy) = (validationAccuracy ?? -.infinity, other.validationAccuracy ?? -.infinity)
        guard accuracy == otherAccuracy else { return accuracy > otherAccuracy }
        func loss(_ row: HistoryRow) -> Double { row.validationLoss.flatMap { $0.isNaN ? nil : $0 } ?? .infinity }
        return loss(self) < loss(other)
    }
}

extension HistoryRow {
    /// The header of `history.csv`.
    static let csvHeader = CodingKeys.allCases.map(\.rawValue).joined(separator: ",")

    /// The line without its line feed. Parsing a number gives the same bits back; nil is an empty field.
    var csvLine: String {
        let numbers: [Double?] = [
            trainLoss, trainAccuracy, validationLoss, validationAccuracy, learningRate, imagesPerSecond, seconds,
        ]
        return (["\(epoch)"] + numbers.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",")
    }

    /// Parses a line; nil if it is malformed.
    init?(csvLine: some StringProtocol) {
        let fields = csvLine.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count == CodingKeys.allCases.count, let epoch = Int(fields[0]), fields[0].first != "+",
            Self.epochs.contains(epoch)
        else { return nil }
        var numbers: [Double?] = []
        for field in fields.dropFirst() {
            let number = Double(field)
            guard number != nil || field.isEmpty else { return nil }
            numbers.append(number)
        }
        guard let trainLoss = numbers[0], let trainAccuracy = numbers[1], let learningRate = numbers[4],
            let imagesPerSecond = numbers[5], let seconds = numbers[6]
        else { return nil }
        self.init(
            epoch: epoch, trainLoss: trainLoss, trainAccuracy: trainAccuracy, validationLoss: numbers[2],
            validationAccuracy: numbers[3], learningRate: learningRate, imagesPerSecond: imagesPerSecond,
            seconds: seconds)
    }
}

/// Why a text is not a training history. Line numbers start at 1.
public enum HistoryError: Error, Equatable, Sendable {
    /// The first line does not contain the column names.
    case invalidHeader(found: String, expected: String)
    /// A line is not an epoch and seven numbers.
    case invalidLine(number: Int, found: String)
    /// An epoch's number is not larger than that of the line before.
    case misplacedEpoch(number: Int, found: Int, previous: Int)
}

extension HistoryError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .invalidHeader(let found, let expected):
            "the history begins with \"\(found)\", but the columns \(expected) are expected"
        case .invalidLine(let number, let found):
            "line \(number) of the history is \"\(found)\", not an epoch and seven numbers"
        case .misplacedEpoch(let number, let found, let previous):
            "line \(number) of the history is of epoch \(found), which cannot follow \(previous)"
        }
    }
}
