import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ConfusionMatrixTests {
    /// Rows are true classes: the third is never predicted, the fourth never occurs.
    private static let rows = [[5, 1, 0, 0], [2, 6, 0, 0], [1, 3, 0, 0], [0, 0, 0, 0]]

    static func matrix(_ rows: [[Int]] = rows) -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classCount: rows.count)
        for (label, row) in rows.enumerated() {
            for (predicted, count) in row.enumerated() {
                for _ in 0..<count { matrix.add(label: label, predicted: predicted) }
            }
        }
        return matrix
    }

    @Test func `counts stand where they belong`() {
        let matrix = Self.matrix()
        #expect(matrix.count == 18)
        #expect(matrix.correctCount == 11)
        #expect(matrix[label: 1, predicted: 0] == 2)
        #expect(matrix[label: 0, predicted: 1] == 1)
        #expect(matrix.row(2) == [1, 3, 0, 0])
    }

    @Test
    func
        `precision, recall and F1 are those that can be worked out by hand, and nil where there is nothing to divide by`()
    {
        let scores = (0..<4).map(Self.matrix().score)
        #expect(scores[0].precision == 5.0 / 8)
        #expect(scores[0].recall == 5.0 / 6)
        #expect(scores[0].f1 == 10.0 / 14)
        #expect(scores[2].precision == nil)
        #expect(scores[2].recall == 0)
        #expect(scores[2].f1 == 0)
        #expect(scores[3] == ClassScore(correctCount: 0, count: 0, predictedCount: 0))
        #expect(scores[3].precision == nil && scores[3].recall == nil && scores[3].f1 == nil)
    }

    @Test func `the most frequent confusions come first, equal ones by their classes`() {
        #expect(
            Self.matrix().mostFrequentConfusions(3) == [
                .init(label: 2, predicted: 1, count: 3), .init(label: 1, predicted: 0, count: 2),
                .init(label: 0, predicted: 1, count: 1),
            ])
        #expect(Self.matrix().mostFrequentConfusions(9).count == 4)
        #expect(Self.matrix([[3, 0], [0, 4]]).mostFrequentConfusions(9).isEmpty)
    }

    @Test func `two halves merge into the whole`() {
        var matrix = Self.matrix()
        matrix.merge(Self.matrix())
        #expect(matrix == Self.matrix(Self.rows.map { $0.map { 2 * $0 } }))
    }

    @Test func `the image is well-formed XML with every count, whatever classes are called`() throws {
        let svg = Self.matrix().svg(
            classNames: ["<b>&\"", "\u{1B}\u{7}ü", String(repeating: "x", count: 30), "d"], title: "a < b")
        let parser = XMLChecker()
        #expect(parser.check(svg))
        #expect(parser.texts.contains("a < b"))
        #expect(parser.texts.contains("<b>&\""))
        #expect(parser.texts.contains("ü"))
        #expect(parser.texts.contains(String(repeating: "x", count: 30)))
        #expect(["1", "2", "3", "5", "6"].allSatisfy(parser.texts.contains))
        #expect(!parser.texts.contains("0"))
        #expect(parser.texts.contains("18 images, 61.1 % right"))
        #expect(parser.texts.contains("<b>&\": 5 of 6 right (83.3 %)"))
        #expect(parser.texts.contains("ü taken for <b>&\": 2 of 8 (25.0 %)"))
        // The key.
        #expect(["right", "wrong", "share of the true class"].allSatisfy(parser.texts.contains))
        #expect(["1 %", "10 %", "100 %"].allSatisfy { text in parser.texts.count { $0 == text } == 2 })
    }

    @Test func `the image grows with the classes, their names and the numbers, and the title fits`() throws {
        func width(_ count: Int, name: String = "n", title: String = "t", cell: Int = 1) throws -> Int {
            var matrix = ConfusionMatrix(classCount: count)
            for _ in 0..<cell { matrix.add(label: 0, predicted: 0) }
            let svg = matrix.svg(classNames: Array(repeating: name, count: count), title: title)
            return try #require(svg.firstMatch(of: /width="([0-9]+)" height/).flatMap { Int($0.1) })
        }
        #expect(try width(20) >= 20 * 44)
        #expect(try width(100) >= 100 * 22)
        #expect(try width(1000) >= 1000 * 22)
        let name = String(repeating: "m", count: 60)
        #expect(try width(20, name: name) - width(20) >= 59 * 10)
        #expect(try width(100, name: name) - width(100) >= 59 * 8)
        #expect(try width(3, title: String(repeating: "m", count: 200)) >= 200 * 12)
        #expect(try width(30, cell: 10_000) > width(30))
    }

    @Test(arguments: [true, false])
    func `numbers stand out from every cell, as WCAG wants it`(_ isCorrect: Bool) {
        for percent in 0...100 {
            let colour = CellColour(share: Double(percent) / 100, isCorrect: isCorrect)
            #expect(colour.contrast >= 4.5, "\(percent) %: \(colour.text) on \(colour.fill)")
        }
        #expect(CellColour(share: 0, isCorrect: isCorrect).text == "black")
        #expect(CellColour(share: 1, isCorrect: isCorrect).text == "white")
    }

    @Test(arguments: [100, 1001])
    func `a hundred classes have their names and numbers, more than a thousand are colours alone`(_ count: Int) {
        var matrix = ConfusionMatrix(classCount: count)
        matrix.add(label: 40, predicted: 3)
        let svg = matrix.svg(classNames: (0..<count).map { "class \($0)" }, title: "many")
        let parser = XMLChecker()
        #expect(parser.check(svg))
        #expect(["many", "predicted class", "true class"].allSatisfy(parser.texts.contains))
        #expect(parser.texts.count { $0 == "class 77" } == (count == 100 ? 2 : 0))
        #expect(parser.texts.contains("1") == (count == 100))
    }
}

/// Reads just enough XML to see that every element is closed, and what the texts are.
private final class XMLChecker {
    var texts: [String] = []

    /// Whether elements nest.
    func check(_ xml: String) -> Bool {
        var open: [String] = []
        var rest = xml[...]
        while let start = rest.firstIndex(of: "<") {
            let text = rest[..<start].trimmingCharacters(in: .whitespacesAndNewlines)
            if !text.isEmpty { texts.append(unescaped(text)) }
            guard let end = rest[start...].firstIndex(of: ">") else { return false }
            let tag = rest[rest.index(after: start)..<end]
            guard !tag.contains("<") else { return false }
            if tag.hasPrefix("/") {
                guard open.popLast() == String(tag.dropFirst()) else { return false }
            } else if !tag.hasSuffix("/") {
                open.append(String(tag.prefix { $0 != " " }))
            }
            rest = rest[rest.index(after: end)...]
        }
        return open.isEmpty && rest.allSatisfy(\.isWhitespace)
            && !xml.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" }
    }

    private func unescaped(_ text: String) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")].reduce(text) {
            $0.replacingOccurrences(of: $1.0, with: $1.1)
        }
    }
}
