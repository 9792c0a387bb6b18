import Foundation

/// The plot of a confusion matrix.
extension ConfusionMatrix {
    /// The matrix as SVG on white. The larger a cell's share of its true class, the darker its colour.
    ///
    /// The plot grows with the number of classes, so that every class has its name and every cell its number. A key
    /// explains the colours, and each cell has a tooltip with its classes and its share.
    ///
    /// Limits: with more than a thousand classes, only the colours are drawn, because viewers refuse larger images.
    /// - Parameter classNames: one for each class.
    public func svg(classNames: [String], title: String) -> String {
        precondition(classNames.count == classCount, "\(classNames.count) names for \(classCount) classes")
        return ConfusionPlot(matrix: self, classNames: classNames, title: title).svg
    }
}

/// The layout of a confusion matrix's plot. Units: pixels.
private struct ConfusionPlot {
    let matrix: ConfusionMatrix
    let classNames: [String]
    let title: String

    private let isLabelled: Bool
    private let cell: Int
    private let fontSize: Int
    /// The position of the matrix's upper left corner.
    private let left: Int
    private let top: Int

    private var side: Int { cell * matrix.classCount }
    private var right: Int { left + side }
    private var bottom: Int { top + side }

    private static let edge = 16
    private static let titleSize = 15
    private static let headerHeight = 56
    /// The height of an axis title.
    private static let axisHeight = 24
    private static let keyHeight = 74
    private static let swatchWidth = 52
    /// The shares that the key shows.
    private static let keyShares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1]
    /// The most classes with large cells. With more, cells are smaller; three digits still fit.
    private static let roomyClassCount = 24
    private static let labelledClassCount = 1000

    init(matrix: ConfusionMatrix, classNames: [String], title: String) {
        self.matrix = matrix
        self.classNames = classNames
        self.title = title
        let isLarge = matrix.classCount > Self.roomyClassCount
        let isLabelled = matrix.classCount <= Self.labelledClassCount
        let fontSize = isLarge ? 10 : 13
        let largest = (0..<matrix.classCount).map { matrix.row($0).max() ?? 0 }.max() ?? 0
        let nameWidth = isLabelled ? classNames.map { Self.width(of: $0, fontSize: fontSize) }.max() ?? 0 : 0
        (self.isLabelled, self.fontSize) = (isLabelled, fontSize)
        cell =
            isLabelled
            ? max(isLarge ? 22 : 44, Self.width(of: "\(largest)", fontSize: fontSize) + 8)
            : max(2, 20_000 / matrix.classCount)
        left = Self.edge + Self.axisHeight + nameWidth + 8
        top = Self.headerHeight + Self.axisHeight + nameWidth + 8
    }

    var svg: String {
        let keyWidth = 60 + Self.keyShares.count * Self.swatchWidth
        let width = max(
            right + Self.edge, Self.edge * 2 + Self.width(of: title, fontSize: Self.titleSize),
            Self.edge * 2 + keyWidth)
        let height = bottom + Self.keyHeight + Self.edge
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(width) \#(height)" width="\#(width)" "#
                + #"height="\#(height)" font-family="sans-serif" font-size="\#(fontSize)" fill="black">"#,
            #"<rect width="100%" height="100%" fill="white"/>"#,
            #"<text x="\#(Self.edge)" y="24" font-size="\#(Self.titleSize)" font-weight="bold">\#(title.escapedForXML)</text>"#,
            #"<text x="\#(Self.edge)" y="44" font-size="12">\#(summary)</text>"#,
            #"<text x="\#(left + side / 2)" y="\#(Self.headerHeight + 14)" text-anchor="middle" font-size="12">"#
                + "predicted class</text>",
            #"<text transform="translate(\#(Self.edge + 10) \#(top + side / 2)) rotate(-90)" text-anchor="middle" "#
                + #"font-size="12">true class</text>"#,
        ]
        if isLabelled { lines += grid + names }
        for label in 0..<matrix.classCount { lines += row(label) }
        lines.append(
            #"<rect x="\#(left)" y="\#(top)" width="\#(side)" height="\#(side)" fill="none" stroke="dimgrey"/>"#)
        return (lines + key).joined(separator: "\n") + "\n</svg>\n"
    }

    private var summary: String {
        let share = matrix.count == 0 ? "" : ", \(percent(matrix.correctCount, of: matrix.count)) right"
        return "\(matrix.count) images\(share)"
    }

    /// Faint lines between the cells, which lead the eye from a name to a cell.
    private var grid: [String] {
        (1..<max(matrix.classCount, 1)).map { index in
            let (x, y) = (left + index * cell, top + index * cell)
            return #"<path d="M\#(left) \#(y)H\#(right)M\#(x) \#(top)V\#(bottom)" stroke="gainsboro"/>"#
        }
    }

    /// The distance from a text line's middle down to its baseline.
    private var baseline: Int { fontSize * 3 / 8 }

    private var names: [String] {
        classNames.enumerated().flatMap { index, name -> [String] in
            let (x, y) = (left + index * cell + cell / 2, top + index * cell + cell / 2)
            return [
                #"<text x="\#(left - 6)" y="\#(y + baseline)" text-anchor="end">\#(name.escapedForXML)</text>"#,
                #"<text transform="translate(\#(x + baseline) \#(top - 6)) rotate(-90)">\#(name.escapedForXML)</text>"#,
            ]
        }
    }

    private func row(_ label: Int) -> [String] {
        let row = matrix.row(label)
        let total = row.reduce(0, +)
        return row.enumerated().filter { $0.element > 0 }.map { predicted, count -> String in
            let colour = CellColour(share: Double(count) / Double(total), isCorrect: label == predicted)
            let (x, y) = (left + predicted * cell, top + label * cell)
            let tooltip: String =
                label == predicted
                ? "\(classNames[label]): \(count) of \(total) right"
                : "\(classNames[label]) taken for \(classNames[predicted]): \(count) of \(total)"
            let square = #"<rect x="\#(x)" y="\#(y)" width="\#(cell)" height="\#(cell)" fill="\#(colour.fill)"/>"#
            guard isLabelled else { return square }
            return #"<g><title>\#(tooltip.escapedForXML) (\#(percent(count, of: total)))</title>\#(square)"#
                + #"<text x="\#(x + cell / 2)" y="\#(y + cell / 2 + baseline)" text-anchor="middle" "#
                + #"fill="\#(colour.text)">\#(count)</text></g>"#
        }
    }

    /// The key: the colours of some shares of a row.
    private var key: [String] {
        let y = bottom + 16
        var lines = [
            #"<text x="\#(Self.edge)" y="\#(y + 10)" font-size="12">share of the true class</text>"#
        ]
        for (line, isCorrect) in [true, false].enumerated() {
            let y = y + 18 + line * 20
            lines.append(
                #"<text x="\#(Self.edge)" y="\#(y + 13)" font-size="12">\#(isCorrect ? "right" : "wrong")</text>"#)
            for (place, share) in Self.keyShares.enumerated() {
                let colour = CellColour(share: share, isCorrect: isCorrect)
                let x = Self.edge + 60 + place * Self.swatchWidth
                lines.append(
                    #"<rect x="\#(x)" y="\#(y)" width="\#(Self.swatchWidth)" height="18" fill="\#(colour.fill)" "#
                        + #"stroke="gainsboro"/><text x="\#(x + Self.swatchWidth / 2)" y="\#(y + 13)" font-size="12" "#
                        + #"text-anchor="middle" fill="\#(colour.text)">\#(Int(share * 100)) %</text>"#)
            }
        }
        return lines
    }

    private func percent(_ part: Int, of whole: Int) -> String {
        String(format: "%.1f %%", 100 * Double(part) / Double(whole))
    }

    /// An upper bound of a text's width in a common sans-serif font. It is an estimate by the kind of each letter.
    private static func width(of text: String, fontSize: Int) -> Int {
        let ems = text.unicodeScalars.reduce(0.0) { sum, scalar in
            switch scalar.value {
            case 0x300..<0x370, 0x200B..<0x2010: sum  // marks above the letter before, and what has no width
            case 0x1100...: sum + 1.05  // from Hangul on: East Asian, emoji
            default: sum + (scalar.properties.isUppercase || "mwMW@%".unicodeScalars.contains(scalar) ? 0.85 : 0.6)
            }
        }
        return Int((ems * Double(fontSize)).rounded(.up))
    }
}

/// The colour of a cell (blue for correct predictions, red for mistakes), and that of the number in it.
struct CellColour {
    /// The cell's colour in SVG.
    let fill: String
    /// The number's colour: black or white, whichever has more contrast.
    let text: String
    /// The contrast ratio of text and fill, 1…21.
    let contrast: Double

    init(share: Double, isCorrect: Bool) {
        // A few mistakes must be visible too: a share of 0.1 gets the same strength of colour as 0.4 of correct
        // predictions.
        let strength = isCorrect ? share : pow(share, 0.4)
        let full = isCorrect ? [31.0, 90.0, 166.0] : [196.0, 45.0, 38.0]
        let channels = full.map { (255 + ($0 - 255) * strength).rounded() }
        fill = "rgb(\(channels.map { "\(Int($0))" }.joined(separator: ",")))"
        let luminance = Self.luminance(channels)
        let (onBlack, onWhite) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05))
        text = onBlack >= onWhite ? "black" : "white"
        contrast = max(onBlack, onWhite)
    }

    /// - Source: WCAG 2.2, "relative luminance" and "contrast ratio"
    private static func luminance(_ channels: [Double]) -> Double {
        let linear = channels.map { channel in
            let value = channel / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}
