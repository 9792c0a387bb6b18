import CKernels

/// A linear layer as one matrix product, cut into blocks of outputs so that every thread reads its own share of the
/// weights.
struct MatrixLinear: Operation {
    let name = "gemm"
    private let layer: Linear
    private let activation: Activation?

    /// Enough rows of weights to be worth a task, few enough to balance.
    private static let blockSize = 128

    init(layer: Linear, activation: Activation?) {
        self.layer = layer
        self.activation = activation
    }

    var multiplyAddCount: Int { layer.inputFeatures * layer.outputFeatures }

    func run(_ run: OperationRun) {
        let (outputs, inputs) = (layer.outputFeatures, layer.inputFeatures)
        run.workers.parallelFor((outputs + Self.blockSize - 1) / Self.blockSize) { index, _ in
            let first = index * Self.blockSize
            let count = min(Self.blockSize, outputs - first)
            let output = run.output + first
            layer.weight.withUnsafeScalars { weight in
                guard let rows = weight.baseAddress.map({ $0 + first * inputs }) else { return }
                if run.batchSize == 1 {
                    BLAS.multiply(rows: count, columns: inputs, matrix: rows, vector: run.input(), into: output)
                } else {
                    BLAS.multiply(
                        rows: run.batchSize, columns: count, depth: inputs,
                        left: run.input(), leftStride: inputs,
                        right: rows, rightStride: inputs, transposesRight: true,
                        into: output, stride: outputs)
                }
            }
            layer.bias.withUnsafeScalars { bias in
                kernel_bias_columns(
                    output, run.batchSize, count, outputs, bias.baseAddress.map { $0 + first }, activation == .relu)
            }
        }
    }
}
