import CKernels

/// A sum of inputs, with a rectifier in the last pass.
struct ElementwiseSum: Operation {
    let name = "elementwise"
    let inputCount: Int
    let elementCount: Int
    let activation: Activation?

    func run(_ run: OperationRun) {
        run.parallelForRanges(run.batchSize * elementCount, minCount: 16 << 10) { range, _ in
            let output = run.output + range.lowerBound
            for index in 1..<inputCount {
                kernel_add_pairs(
                    index == 1 ? run.input() + range.lowerBound : UnsafePointer(output),
                    run.input(index) + range.lowerBound, output, range.count,
                    activation == .relu && index == inputCount - 1)
            }
        }
    }
}
