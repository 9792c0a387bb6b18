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
