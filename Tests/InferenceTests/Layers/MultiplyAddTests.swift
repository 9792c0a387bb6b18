import Testing

@testable import Inference

@Suite("Multiply-adds of a layer")
struct MultiplyAddTests {
    @Test("A convolution takes a product for each weight at each position, of its own group only")
    func convolution() {
        // The paper's second layer: 223.9 million, as published for Caffe's AlexNet.
        let layer = Conv2d(
            weight: Tensor([256, 48, 5, 5]) { $0.initialize(repeating: 0) },
            bias: Tensor([256]) { $0.initialize(repeating: 0) }, padding: 2, groups: 2)
        #expect(layer.multiplyAddCount(for: [[96, 27, 27]]) == 223_948_800)
    }

    @Test("A linear layer takes one for each weight, however it holds them")
    func linear() {
        let layer = Linear(
            weight: Tensor([3, 5]) { $0.initialize(repeating: 0) }, bias: Tensor([3]) { $0.initialize(repeating: 0) })
        #expect(layer.multiplyAddCount(for: [[5]]) == 15)
    }

    @Test("Layers without weights take none")
    func others() {
        #expect(ReLU().multiplyAddCount(for: [[3, 4, 4]]) == 0)
        #expect(MaxPool2d(kernelSize: 3, stride: 2).multiplyAddCount(for: [[3, 9, 9]]) == 0)
    }
}
