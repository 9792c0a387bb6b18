import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ParametersTests {
    @Test func `each parameter begins at a whole vector, and the gaps are zero`() {
        let parameters = Parameters([("a.weight", [3, 5]), ("a.bias", [3]), ("b.weight", [16])])
        #expect(parameters.entries.map(\.range) == [0..<15, 16..<19, 32..<48])
        #expect(parameters.count == 48)
        #expect(parameters.values.allSatisfy { $0 == 0 })
        #expect(parameters.gradients.allSatisfy { $0 == 0 })
    }

    @Test func `a parameter's tensor shows the values as they are now`() throws {
        let parameters = Parameters([("a.weight", [2, 2]), ("a.bias", [2])])
        let bias = parameters.tensor(try #require(parameters["a.bias"]))
        parameters.values[17] = 3
        #expect(bias.scalars == [0, 3])
        #expect(parameters["b.bias"] == nil)
    }
}

@Suite(.timeLimit(.minutes(2))) struct ParameterRangesTests {
    @Test func `neighbours are one stretch with the gap between`() {
        let parameters = Parameters([("a", [3]), ("b", [16]), ("c", [5]), ("d", [1])])
        #expect(parameters.ranges { _ in true } == [0..<49])
        #expect(parameters.ranges { $0.name != "b" } == [0..<3, 32..<49])
        #expect(parameters.ranges { $0.name == "d" } == [48..<49])
        #expect(parameters.ranges { _ in false } == [])
    }
}
