import Foundation

extension ConfusionMatrix {
    /// Cells have numbers and axes have names up to this many classes; of more, only the colours can be seen.
    private static let maxLabelledCount = 40

    /// The matrix as a picture: each row's cells are the darker, the larger their share of the true class.
    ///
    /// - Parameter classNames: one for each class.
    public func svg(classNames: [String], title: String) -> String {
        precondition(classNames.count == classCount, "\(classNames.count) names for \(classCount) classes")
        let isLabelled = classCount <= Self.maxLabelledCount
        // Units: pixels.
        let cell = isLabelled ? 44 : max(2, 800 / classCount)
        let margin = isLabelled ? 40 + 7 * min(classNames.map(\.count).max() ?? 0, 24) : 40
        let side = cell * classCount
        var lines = [
            #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(margin + side + 20) \#(margin + side + 40)" "#
                + #"font-family="sans-serif" font-size="12" fill="black">"#,
            #"<rect width="100%" height="100%" fill="white"/>"#,
            #"<text x="10" y="20" font-size="14" font-weight="bold">\#(Self.escaped(title))</text>"#,
            #"<text x="\#(margin + side / 2)" y="\#(margin + side + 28)" text-anchor="middle">predicted class</text>"#,
            #"<text transform="translate(14 \#(margin + side / 2)) rotate(-90)" text-anchor="middle">true class</text>"#,
        ]
        if isLabelled {
            for (index, name) in classNames.enumerated() {
                let shown = Self.escaped(name.count > 24 ? name.prefix(23) + "…" : name)
                let centre = margin + index * cell + cell / 2
                lines.append(#"<text x="\#(margin - 6)" y="\#(centre + 4)" text-anchor="end">\#(shown)</text>"#)
                lines.append(
                    #"<text transform="translate(\#(centre + 4) \#(margin - 6)) rotate(-90)">\#(shown)</text>"#)
            }
        }
        for label in 0..<classCount {
            let row = row(label)
            let total = row.reduce(0, +)
            for (predicted, count) in row.enumerated() where count > 0 {
                let share = Double(count) / Double(total)
                lines.append(
                    Self.cell(
                        x: margin + predicted * cell, y: margin + label * cell, side: cell, share: share,
                        isCorrect: label == predicted, count: isLabelled ? count : nil))
            }
        }
        lines.append(
            #"<rect x="\#(margin)" y="\#(margin)" width="\#(side)" height="\#(side)" fill="none" stroke="grey"/>"#)
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    /// Blue where the class is right, red where it is not.
    private static func cell(x: Int, y: Int, side: Int, share: Double, isCorrect: Bool, count: Int?) -> String {
        // A mistake of a tenth is as visible as nine tenths of right answers.
        let strength = isCorrect ? share : min(1, share.squareRoot() * 1.5)
        let full = isCorrect ? (31.0, 90.0, 166.0) : (196.0, 45.0, 38.0)
        func mix(_ channel: Double) -> Int { Int((255 + (channel - 255) * strength).rounded()) }
        let fill = "rgb(\(mix(full.0)),\(mix(full.1)),\(mix(full.2)))"
        var text = #"<rect x="\#(x)" y="\#(y)" width="\#(side)" height="\#(side)" fill="\#(fill)"/>"#
        if let count {
            let colour = strength > 0.55 ? "white" : "black"
            text +=
                #"<text x="\#(x + side / 2)" y="\#(y + side / 2 + 4)" text-anchor="middle" fill="\#(colour)">\#(count)</text>"#
        }
        return text
    }

    /// Text that may stand in XML: markup escaped, controls left out.
    private static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default:
                let isNoncharacter = scalar.value & 0xFFFE == 0xFFFE
                if scalar.properties.generalCategory != .control, !isNoncharacter {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}
