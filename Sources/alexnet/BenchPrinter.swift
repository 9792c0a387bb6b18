import Foundation
import Inference

/// Writes measurements to standard output: a table for people, or a line of JSON a row.
struct BenchPrinter {
    let model: Model
    let threadCount: Int
    let isJSON: Bool

    private struct Row: Encodable {
        let model: String
        let precision: String
        let threads: Int
        let batch: Int
        let imagesPerSecond: Double
        let milliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case model, precision, threads, batch, milliseconds
            case imagesPerSecond = "images_per_second"
        }
    }

    private struct LayerRow: Encodable {
        let batch: Int
        let layer: String
        let algorithm: String
        let milliseconds: Double
        let gigaflops: Double
        let share: Double
    }

    func writeHeader() {
        if !isJSON {
            print("\(model.name) (\(model.architecture), \(model.precision.rawValue)), \(threadCount) threads")
        }
    }

    /// The median of some runs of one batch size, which are in ascending order.
    func write(_ profiles: [RunProfile]) {
        let median = profiles[profiles.count / 2]
        let milliseconds = Self.milliseconds(median.duration)
        let rate = Double(median.batchSize) / milliseconds * 1000
        if isJSON {
            writeJSON(
                Row(
                    model: model.name, precision: model.precision.rawValue, threads: threadCount,
                    batch: median.batchSize,
                    imagesPerSecond: rate, milliseconds: milliseconds))
        } else {
            print(
                String(
                    format: "batch %4d  %9.1f images/s  %9.3f ms", median.batchSize, rate, milliseconds))
        }
    }

    /// The median of each layer.
    func writeLayers(_ profiles: [RunProfile]) {
        let total = Self.milliseconds(profiles[profiles.count / 2].duration)
        let width = profiles[0].steps.reduce(18) { max($0, $1.node.count + 1) }
        for (index, step) in profiles[0].steps.enumerated() {
            let sorted = profiles.map { Self.milliseconds($0.steps[index].duration) }.sorted()
            let milliseconds = sorted[sorted.count / 2]
            let gigaflops = Double(2 * step.multiplyAddCount) / milliseconds / 1e6
            if isJSON {
                writeJSON(
                    LayerRow(
                        batch: profiles[0].batchSize, layer: step.node, algorithm: step.algorithm,
                        milliseconds: milliseconds, gigaflops: gigaflops, share: milliseconds / total))
            } else {
                let label = step.node.padding(toLength: width, withPad: " ", startingAt: 0)
                let algorithm = step.algorithm.padding(toLength: 14, withPad: " ", startingAt: 0)
                print(
                    "  " + label + algorithm
                        + String(
                            format: "%9.3f ms %8.1f GFLOP/s %5.1f %%", milliseconds, gigaflops,
                            milliseconds / total * 100))
            }
        }
    }

    private func writeJSON(_ row: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(row) { print(String(decoding: line, as: UTF8.self)) }
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
