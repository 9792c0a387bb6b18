import Testing

@testable import Inference

@Suite("Shapes", .timeLimit(.minutes(2)))
struct ShapeTests {
    @Test func `elements are counted, and a count that overflows is noticed`() {
        #expect((([2, 3, 4] as Shape)).elementCount == 24)
        #expect(Shape([]).elementCount == 1)
        #expect(([5, 0] as Shape).checkedElementCount == 0)
        #expect(Shape([Int.max, 2]).checkedElementCount == nil)
        #expect(Shape([Int.max, 1]).checkedElementCount == Int.max)
    }

    @Test func `contiguous strides count elements, last axis fastest`() {
        #expect(([2, 3, 4] as Shape).contiguousStrides == [12, 4, 1])
        #expect(Shape([]).contiguousStrides.isEmpty)
        #expect(([7] as Shape).contiguousStrides == [1])
    }

    @Test func `a shape prints as PyTorch prints it`() { #expect("\([64, 3, 11, 11] as Shape)" == "[64, 3, 11, 11]") }
}
