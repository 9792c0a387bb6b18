import Host
import Threads

/// Small layers with known answers: whether the inner loops compute what they should on this very CPU.
public enum ArithmeticTrial {
    /// The largest difference to the layers' textbook loops that any algorithm shows with these instructions, relative to the
    /// layer's largest output; infinite where a result is not a number.
    ///
    /// Limits the whole process to the instructions while it runs: not to be called beside other arithmetic.
    public static func largestDifference(with instructions: InstructionSet) -> Float {
        let previous = InstructionSet.current
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: previous) }
        // Two threads, so that the seams between their shares are in it; sizes that fill no whole vector.
        let workers = WorkerPool(threadCount: 2)
        var values = Values()
        var layers: [(layer: any UnaryLayer, input: Shape)] = [
            (Conv2d(weight: values.tensor([26, 5, 3, 3]), bias: values.tensor([26]), padding: 1), [3, 5, 13, 11]),
            (Conv2d(weight: values.tensor([6, 3, 5, 5]), bias: values.tensor([6]), padding: 2), [2, 3, 9, 9]),
            (Conv2d(weight: values.tensor([9, 3, 11, 11]), bias: values.tensor([9]), stride: 4), [2, 3, 31, 27]),
        ]
        for element in PackedWeights.Element.allCases {
            let weight = PackedWeights(values.tensor([37, 203]), as: element, workers: workers)
            layers.append((Linear(weight: .packed(weight), bias: values.tensor([37])), [17, 203]))
        }
        return layers.reduce(0) { largest, trial in
            let input = values.tensor(trial.input)
            let expected = trial.layer(input)
            let algorithms = trial.layer.algorithms(
                for: [Shape(Array(trial.input.extents.dropFirst()))], activation: nil)
            return algorithms.reduce(largest) { largest, algorithm in
                let found = algorithm.make(workers).values(
                    on: input, outputShape: expected.shape, workers: workers)
                return max(largest, difference(found, expected.scalars))
            }
        }
    }

    /// The largest difference of two arrays, relative to the second one's largest value if that is above 1; NaN counts as
    /// infinite.
    ///
    /// Winograd's transforms mix large and small outputs of a tile, so that an error is relative to the tile and not to the
    /// single value.
    static func difference(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count else { return .infinity }
        let scale = expected.reduce(1) { max($0, abs($1)) }
        return zip(found, expected).reduce(0) { largest, pair in
            let difference = abs(pair.0 - pair.1) / scale
            return difference.isNaN ? .infinity : max(largest, difference)
        }
    }

    /// Numbers in −1…1 without a pattern, the same in every run.
    private struct Values {
        private var state: UInt32 = 1

        mutating func tensor(_ shape: Shape) -> Tensor {
            Tensor(
                shape,
                scalars: (0..<shape.elementCount).map { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return Float(state >> 8) * 0x1p-23 - 1
                })
        }
    }
}
