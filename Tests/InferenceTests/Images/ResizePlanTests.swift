import Testing

@testable import Inference

struct ResizePlanTests {
    @Test("An odd rest goes to the even side, as Python rounds")
    func rounding() {
        #expect(CentreCrop(of: 257, to: 224).window == 16..<240)  // 16.5
        #expect(CentreCrop(of: 259, to: 224).window == 18..<242)  // 17.5
        #expect(CentreCrop(of: 224, to: 224).window == 0..<224)
    }

    @Test("What is too short is padded, the larger half after it")
    func padding() {
        let crop = CentreCrop(of: 3, to: 6)
        #expect(crop.window == 0..<3)
        #expect(crop.padding == 1)
        #expect(crop.isPadded)
    }
}
