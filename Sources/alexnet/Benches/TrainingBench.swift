import Foundation
import Inference
import Threads
import Training

/// Measures training steps on random input in memory: forward pass, backward pass and Adam.
struct TrainingBench {
    /// The medians of several steps, as they are printed.
    struct Row: Encodable {
        /// The model's name.
        let model: String
        /// Distinguishes this row from a row of inference.
        let training = true
        /// The number of threads.
        let threads: Int
        /// The batch size. Units: images.
        let batch: Int
        /// The throughput: the batch size divided by the duration of a step. Units: images per second.
        let imagesPerSecond: Double
        /// The duration of a step. Units: milliseconds.
        let milliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case model, training, threads, batch, milliseconds
            case imagesPerSecond = "images_per_second"
        }
    }

    let model: Model
    let workers: WorkerPool

    /// The least number of steps for a meaningful median.
    private static let minRunCount = 5

    /// Takes steps until the time is up, after two warm-up steps.
    ///
    /// - Throws: ``TrainingError`` for a network that cannot be trained.
    func measure(batchSize: Int, seconds: Double) throws(TrainingError) -> Row {
        let learner = try TrainableNetwork(model.network, maxBatchSize: batchSize, workers: workers)
        let optimizer = Adam(count: learner.parameters.count)
        let labels = (0..<batchSize).map { $0 % model.classes.count }
        let images = Tensor([batchSize, model.network.inputShape.elementCount]) { images in
            for index in images.indices {
                images[index] = Float((index &* 2_654_435_761) & 0xFFFF) / 32_768 - 1
            }
        }
        var times: [Double] = []
        let end = ContinuousClock.now + .seconds(seconds)
        var stepCount = 0
        while stepCount < Self.minRunCount + 2 || .now < end {
            let start = ContinuousClock.now
            images.withUnsafeScalars { images in
                guard let images = images.baseAddress else { return }
                _ = learner.gradients(images: images, labels: labels, seed: UInt64(stepCount))
            }
            optimizer.step(
                learner.parameters, ranges: learner.trainableRanges, learningRate: 1e-5, workers: workers)
            stepCount += 1
            if stepCount > 2 { times.append((.now - start) / .seconds(1)) }
        }
        let median = times.sorted()[times.count / 2]
        return Row(
            model: model.name, threads: workers.threadCount, batch: batchSize,
            imagesPerSecond: Double(batchSize) / median, milliseconds: median * 1000)
    }
}

extension TrainingBench.Row {
    /// Prints the row as text or as JSON.
    func write(isJSON: Bool) {
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            if let line = try? encoder.encode(self) { print(String(decoding: line, as: UTF8.self)) }
        } else {
            print(
                String(
                    format: "training, batch %4d  %9.1f images/s  %9.3f ms a step", batch, imagesPerSecond,
                    milliseconds))
        }
    }
}
