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

/// How one epoch went.
public struct HistoryRow: Codable, Equatable, Sendable {
    /// From 1.
    public let epoch: Int
    /// The mean over the epoch's images, each as it was when the network saw it, dropout and all.
    public let trainLoss: Double
    /// 0…1, in the same way.
    public let trainAccuracy: Double
    /// After the epoch; nil where nothing was held out.
    public let validationLoss: Double?
    /// 0…1; nil where nothing was held out.
    public let validationAccuracy: Double?
    /// Of the epoch's last step.
    public let learningRate: Double
    /// While training, to the thousandth.
    public let imagesPerSecond: Double
    /// Training and validation, to the thousandth.
    public let seconds: Double

    /// What an epoch's number can be.
    static let epochs = 1...1_000_000_000

    /// The names are those of `history.csv`, in its order.
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

    /// Whether the epoch classifies better what was held out: more of it right, or as much with a lower loss.
    ///
    /// Small validation parts tie often: of twenty images there are 21 accuracies.
    public func isBetter(than other: HistoryRow) -> Bool {
        let (accuracy, otherAccuracy) = (validationAccuracy ?? -.infinity, other.validationAccuracy ?? -.infinity)
        guard accuracy == otherAccuracy else { return accuracy > otherAccuracy }
        func loss(_ row: HistoryRow) -> Double { row.validationLoss.flatMap { $0.isNaN ? nil : $0 } ?? .infinity }
        return loss(self) < loss(other)
    }
}

extension HistoryRow {
    /// The names of the columns.
    static let csvHeader = CodingKeys.allCases.map(\.rawValue).joined(separator: ",")

    /// The line without its end. Numbers are written so that reading gives the same bits; what is not known is empty.
    var csvLine: String {
        let numbers: [Double?] = [
            trainLoss, trainAccuracy, validationLoss, validationAccuracy, learningRate, imagesPerSecond, seconds,
        ]
        return (["\(epoch)"] + numbers.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",")
    }

    /// Reads a line; nil where it is none.
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

/// Why a text is no history of a training. Lines count from 1.
public enum HistoryError: Error, Equatable, Sendable {
    case invalidHeader(found: String, expected: String)
    case invalidLine(number: Int, found: String)
    case misplacedEpoch(number: Int, found: Int, previous: Int)
}

extension HistoryError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .invalidHeader(let found, let expected):
            "the history begins with \"\(found)\" where the columns \(expected) are expected"
        case .invalidLine(let number, let found):
            "line \(number) of the history is \"\(found)\", not an epoch and seven numbers"
        case .misplacedEpoch(let number, let found, let previous):
            "line \(number) of the history is of epoch \(found), which cannot follow \(previous)"
        }
    }
}
