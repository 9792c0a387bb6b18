/// A function of each element by itself, for networks that are too small to want more.
struct ElementwiseFunction: Operation {
    let name: String
    let elementCount: Int
    let function: @Sendable (Float) -> Float

    func run(_ run: OperationRun) {
        run.parallelForRanges(run.batchSize * elementCount, minCount: 4096) { range, _ in
            for index in range { run.output[index] = function(run.input()[index]) }
        }
    }
}
