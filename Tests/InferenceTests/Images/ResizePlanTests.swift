import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ResizePlanTests {
    @Test func `An odd margin is rounded to even, as in Python`() {
        #expect(CentreCrop(of: 257, to: 224).window == 16..<240)  // 16.5
        #expect(CentreCrop(of: 259, to: 224).window == 18..<242)  // 17.5
        #expect(CentreCrop(of: 224, to: 224).window == 0..<224)
    }

    @Test func `An image smaller than the crop is padded, with the larger half at the end`() {
        let crop = CentreCrop(of: 3, to: 6)
        #expect(crop.window == 0..<3)
        #expect(crop.padding == 1)
        #expect(crop.isPadded)
    }
}
