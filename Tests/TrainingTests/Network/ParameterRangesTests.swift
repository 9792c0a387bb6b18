import Inference
import Testing
import Training

@Suite struct ParameterRangesTests {
    @Test func `neighbours are one stretch with the gap between`() {
        let parameters = Parameters([("a", [3]), ("b", [16]), ("c", [5]), ("d", [1])])
        #expect(parameters.ranges { _ in true } == [0..<49])
        #expect(parameters.ranges { $0.name != "b" } == [0..<3, 32..<49])
        #expect(parameters.ranges { $0.name == "d" } == [48..<49])
        #expect(parameters.ranges { _ in false } == [])
    }
}
