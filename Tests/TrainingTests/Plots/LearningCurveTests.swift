import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct LearningCurveTests {
    private func history(_ losses: [(Double, Double?)]) -> History {
        var history = History()
        for (index, (train, validation)) in losses.enumerated() {
            history.append(
                HistoryRow(
                    epoch: index + 1, trainLoss: train, trainAccuracy: 1 / (1 + train), validationLoss: validation,
                    validationAccuracy: validation.map { 1 / (1 + $0) }, learningRate: 0.1, imagesPerSecond: 1,
                    seconds: 1))
        }
        return history
    }

    private func count(_ text: String, _ part: String) -> Int { text.components(separatedBy: part).count - 1 }

    @Test func `two panels show two lines each, with a dot an epoch`() {
        let svg = LearningCurve(history([(2, 1.5), (1, 1.25), (0.5, 1.375)]), title: "alexnet").svg
        #expect(count(svg, "<polyline class=\"line train\"") == 2)
        #expect(count(svg, "<polyline class=\"line val\"") == 2)
        #expect(count(svg, "<circle class=\"train-dot\"") == 6)
        #expect(count(svg, "<circle class=\"val-dot\"") == 6)
        // Losses lie in 0.5…2, from 282 up to 62; epochs from 80 to 730.
        #expect(svg.contains(#"<polyline class="line train" points="80.0,62.0 405.0,208.7 730.0,282.0"/>"#))
        #expect(svg.contains("best: epoch 2, validation accuracy 44.44 %"))
        #expect(count(svg, "class=\"best\"") == 2)
    }

    @Test func `what is no number leaves a gap, and a long training has no dots`() {
        let gap = LearningCurve(
            history([(2, 1), (2, nil), (2, 1), (.nan, 1), (1e300, 2), (2, 3)]), title: "gap"
        ).svg
        #expect(count(gap, "<polyline class=\"line val\"") == 2)
        #expect(count(gap, "<circle class=\"val-dot\"") == 10)
        #expect(!gap.contains("nan") && !gap.contains("inf"))
        let long = LearningCurve(history((1...61).map { (1 / Double($0), 1) }), title: "long").svg
        #expect(count(long, "<circle") == 0)
    }

    @Test func `no epoch, one epoch and a title of markup are drawn all the same`() {
        #expect(LearningCurve(History(), title: "").svg.hasSuffix("</svg>\n"))
        let one = LearningCurve(history([(1, 1)]), title: "<a> & \u{1}b").svg
        #expect(one.contains("&lt;a&gt; &amp;  b</text>"))
        #expect(one.contains(#"<circle class="val-dot" cx="405.0""#))
        #expect(count(one, "<polyline") == 0)
    }
}

@Suite(.timeLimit(.minutes(2))) struct AxisTicksTests {
    @Test func `ticks are round, cover the range, and say no more digits than they need`() {
        let losses = AxisTicks(covering: 0.31...2.27, count: 5)
        #expect(losses.values == [0, 0.5, 1, 1.5, 2, 2.5])
        #expect(losses.values.map(losses.label) == ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"])
        let percents = AxisTicks(covering: 91.2...92.9, count: 5)
        #expect(percents.values.map(percents.label) == ["91.0", "91.5", "92.0", "92.5", "93.0"])
        let large = AxisTicks(covering: 0...1234, count: 5)
        #expect(large.values.map(large.label) == ["0", "500", "1000", "1500"])
    }

    @Test(arguments: [(0.0, 0.0), (3, 3), (1e-300, 1e-300), (-5, -5), (1e11, 1e11), (0.1, 0.1 + 1e-17)])
    func `values that are all alike have room around them`(_ low: Double, _ high: Double) {
        let ticks = AxisTicks(covering: low...high, count: 5)
        #expect((2...12).contains(ticks.values.count))
        #expect(ticks.values.first.map { $0 <= low } == true && ticks.values.last.map { $0 >= high } == true)
    }

    @Test func `epochs are counted in whole numbers from the first`() {
        #expect(AxisTicks(countingWithin: 1...1, count: 12).values == [1])
        #expect(AxisTicks(countingWithin: 1...5, count: 12).values == [1, 2, 3, 4, 5])
        #expect(AxisTicks(countingWithin: 1...20, count: 12).values == [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
        #expect(AxisTicks(countingWithin: 1...90, count: 12).values == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90])
        #expect(AxisTicks(countingWithin: 1...1_000_000_000, count: 12).values.count == 11)
        #expect(AxisTicks(countingWithin: 999_999_999...1_000_000_000, count: 12).values == [999_999_999, 1e9])
    }
}
