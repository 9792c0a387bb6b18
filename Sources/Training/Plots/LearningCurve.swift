import Foundation

/// The learning curve of a training as SVG: losses above, accuracies below, over the epochs.
///
/// The background is transparent. The greys have contrast to both white and black, so that the plot suits light and
/// dark pages. It uses the reader's own font.
public struct LearningCurve {
    private let history: History
    private let title: String

    /// - Parameter title: the heading, such as the model's name.
    public init(_ history: History, title: String) {
        self.history = history
        self.title = title
    }

    /// The text of `history.svg`.
    public var svg: String {
        var elements = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.width) \(Self.height)" \
            width="\(Self.width)" height="\(Self.height)" role="img">
            <title>\(title.escapedForXML)</title>
            <style>
            text { font: 12px sans-serif; fill: #6b7480 }
            .title { font-size: 15px; font-weight: bold }
            .grid { stroke: #8b949e; stroke-opacity: 0.3 }
            .axis { stroke: #8b949e }
            .line { fill: none; stroke-width: 2; stroke-linejoin: round }
            .train { stroke: #3d85c6; stroke-dasharray: 5 3 }
            .val { stroke: #d9772b }
            .train-dot { fill: #3d85c6 }
            .val-dot { fill: #d9772b }
            .best { stroke: #8b949e; stroke-dasharray: 2 3 }
            @media (prefers-color-scheme: dark) { text { fill: #9da7b3 } }
            </style>
            <text class="title" x="\(Self.left)" y="24">\(title.escapedForXML)</text>
            """
        ]
        if let best = history.best, let accuracy = best.validationAccuracy {
            let percent = String(format: "%.2f", accuracy * 100)
            elements.append(
                #"<text x="\#(Self.left)" y="42">best: epoch \#(best.epoch), validation accuracy \#(percent) %</text>"#)
        }
        elements += legend
        elements += panel(
            name: "loss", top: 62, bottom: 282, unit: "", train: history.rows.map(\.trainLoss),
            validation: history.rows.map(\.validationLoss))
        elements += panel(
            name: "accuracy", top: 312, bottom: 532, unit: " %", train: history.rows.map { $0.trainAccuracy * 100 },
            validation: history.rows.map { $0.validationAccuracy.map { $0 * 100 } })
        elements.append(
            #"<text x="\#((Self.left + Self.right) / 2)" y="\#(Self.height - 8)" text-anchor="middle">epoch</text>"#)
        return elements.joined(separator: "\n") + "\n</svg>\n"
    }

    // Units: pixels.
    private static let width = 760
    private static let height = 576
    private static let left = 70
    private static let right = 740
    /// The most epochs for which dots are drawn on the curves.
    private static let dotLimit = 60

    private var legend: [String] {
        [("train", "training", Self.right - 210), ("val", "validation", Self.right - 105)].flatMap { kind, name, x in
            [
                #"<line class="line \#(kind)" x1="\#(x)" y1="38" x2="\#(x + 32)" y2="38"/>"#,
                #"<text x="\#(x + 38)" y="42">\#(name)</text>"#,
            ]
        }
    }

    /// The value if it can be drawn. NaN leaves a gap, and so does a value that would flatten the rest of the curve.
    private static func drawable(_ value: Double?) -> Double? {
        value.flatMap { abs($0) < 1e12 ? $0 : nil }
    }

    /// One pair of axes with its two curves; nil leaves gaps.
    private func panel(
        name: String, top: Int, bottom: Int, unit: String, train: [Double?], validation: [Double?]
    ) -> [String] {
        let train = train.map(Self.drawable), validation = validation.map(Self.drawable)
        let finite = (train + validation).compactMap { $0 }
        let vertical = AxisTicks(covering: (finite.min() ?? 0)...(finite.max() ?? 1), count: 5)
        let low = vertical.values.first ?? 0
        let high = vertical.values.last ?? 1
        let y = { (value: Double) in Double(bottom) - (value - low) / (high - low) * Double(bottom - top) }

        var elements: [String] = []
        for value in vertical.values {
            let place = Self.pixels(y(value))
            elements.append(
                #"<line class="grid" x1="\#(Self.left)" y1="\#(place)" x2="\#(Self.right)" y2="\#(place)"/>"#)
            elements.append(
                #"<text x="\#(Self.left - 8)" y="\#(Self.pixels(y(value) + 4))" text-anchor="end">"#
                    + vertical.label(value) + unit + "</text>")
        }
        let middle = (top + bottom) / 2
        elements.append(
            #"<text x="16" y="\#(middle)" text-anchor="middle" transform="rotate(-90 16 \#(middle))">\#(name)</text>"#)
        let horizontal = AxisTicks(countingWithin: epochs, count: 12)
        for value in horizontal.values {
            let place = Self.pixels(x(value))
            elements.append(#"<line class="axis" x1="\#(place)" y1="\#(bottom)" x2="\#(place)" y2="\#(bottom + 4)"/>"#)
            elements.append(
                #"<text x="\#(place)" y="\#(bottom + 18)" text-anchor="middle">\#(horizontal.label(value))</text>"#)
        }
        elements.append(
            #"<line class="axis" x1="\#(Self.left)" y1="\#(bottom)" x2="\#(Self.right)" y2="\#(bottom)"/>"#)
        if let best = history.best {
            let place = Self.pixels(x(Double(best.epoch)))
            elements.append(#"<line class="best" x1="\#(place)" y1="\#(top)" x2="\#(place)" y2="\#(bottom)"/>"#)
        }
        for (kind, values) in [("train", train), ("val", validation)] {
            let points = zip(history.rows, values).map { row, value in
                value.map { (x: Self.pixels(x(Double(row.epoch))), y: Self.pixels(y($0))) }
            }
            for run in points.split(whereSeparator: { $0 == nil }).map({ $0.compactMap { $0 } }) where run.count > 1 {
                let list = run.map { "\($0.x),\($0.y)" }.joined(separator: " ")
                elements.append(#"<polyline class="line \#(kind)" points="\#(list)"/>"#)
            }
            guard points.count <= Self.dotLimit else { continue }
            for case let point? in points {
                elements.append(#"<circle class="\#(kind)-dot" cx="\#(point.x)" cy="\#(point.y)" r="3"/>"#)
            }
        }
        return elements
    }

    private var epochs: ClosedRange<Int> {
        guard let first = history.rows.first, let last = history.rows.last else { return 1...1 }
        return first.epoch...last.epoch
    }

    /// The horizontal position of an epoch; a single epoch is in the middle. Units: pixels.
    private func x(_ epoch: Double) -> Double {
        let span = Double(epochs.upperBound - epochs.lowerBound)
        let share = span == 0 ? 0.5 : (epoch - Double(epochs.lowerBound)) / span
        // A margin keeps the outermost dots inside the axes.
        return Double(Self.left + 10) + share * Double(Self.right - Self.left - 20)
    }

    private static func pixels(_ value: Double) -> String { String(format: "%.1f", value) }
}

/// Ticks of an axis at round numbers, spaced by 1, 2 or 5 times a power of ten.
struct AxisTicks: Equatable {
    /// The ticks; the axis begins at the first and ends at the last.
    let values: [Double]
    /// The number of decimals in the labels.
    let decimalCount: Int

    /// Ticks that cover a range, about `count` of them.
    ///
    /// Limits: the range's bounds and its length are finite.
    init(covering range: ClosedRange<Double>, count: Int) {
        let range = Self.widened(range)
        let step = Self.roundStep(atLeast: (range.upperBound - range.lowerBound) / Double(count))
        let first = (range.lowerBound / step.value).rounded(.down)
        let last = max((range.upperBound / step.value).rounded(.up), first + 1)
        values = (0...Int(last - first)).map { (first + Double($0)) * step.value }
        decimalCount = max(0, -step.exponent)
    }

    /// Ticks at whole numbers within a range, starting with its first number; at most `count + 1` of them.
    ///
    /// Limits: numbers from 1 to 10¹².
    init(countingWithin range: ClosedRange<Int>, count: Int) {
        let step = max(1, Int(Self.roundStep(atLeast: Double(range.count) / Double(count)).value.rounded(.up)))
        let second = (range.lowerBound / step + 1) * step
        let values = [range.lowerBound] + stride(from: second, through: range.upperBound, by: step)
        self.values = values.map(Double.init)
        decimalCount = 0
    }

    /// Widens a range whose bounds are equal or almost equal.
    private static func widened(_ range: ClosedRange<Double>) -> ClosedRange<Double> {
        let scale = max(abs(range.lowerBound), abs(range.upperBound))
        if scale == 0 { return 0...1 }
        guard range.upperBound - range.lowerBound < scale * 1e-6 else { return range }
        return range.lowerBound - scale * 0.05...range.upperBound + scale * 0.05
    }

    /// The text at a tick.
    func label(_ value: Double) -> String { String(format: "%.\(decimalCount)f", value) }

    private static func roundStep(atLeast least: Double) -> (value: Double, exponent: Int) {
        let exponent = log10(least).rounded(.down)
        let power = pow(10, exponent)
        for factor in [1.0, 2, 5] where factor * power >= least * (1 - 1e-9) { return (factor * power, Int(exponent)) }
        return (10 * power, Int(exponent) + 1)
    }
}

extension String {
    /// The text for XML: markup is escaped, and characters that XML does not allow are replaced by spaces.
    var escapedForXML: String {
        unicodeScalars.map { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default:
                scalar.properties.generalCategory == .control || scalar.value & 0xFFFE == 0xFFFE ? " " : String(scalar)
            }
        }.joined()
    }
}
