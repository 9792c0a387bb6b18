import Testing

@testable import Inference

@Suite("Scalar conversion")
struct ScalarConversionTests {
    @Test("Every float16 has exactly its value")
    func convertsEveryFloat16() {
        for bits in UInt16.min...UInt16.max {
            let found = ScalarConversion.float(float16: bits)
            let expected = Float(Float16(bitPattern: bits))
            #expect(found.bitPattern == expected.bitPattern || found.isNaN && expected.isNaN, "\(bits)")
        }
    }

    @Test("A bfloat16 is the upper half of a float32")
    func convertsBFloat16() {
        #expect(ScalarConversion.float(bfloat16: 0x3F80) == 1)
        #expect(ScalarConversion.float(bfloat16: 0xC020) == -2.5)
        #expect(ScalarConversion.float(bfloat16: 0x8000).sign == .minus)
        #expect(ScalarConversion.float(bfloat16: 0xFF80) == -.infinity)
        #expect(ScalarConversion.float(bfloat16: 0x0001) == Float(bitPattern: 0x10000))
    }

    @Test("A float64 is rounded to nearest, ties to even")
    func convertsFloat64() {
        func float(_ value: Double) -> Float { ScalarConversion.float(float64: value.bitPattern) }
        #expect(float(0.1) == 0.1)
        #expect(float(1 + 0x1p-24) == 1)
        #expect(float(1 + 0x1.8p-23) == 1 + 0x1p-22)
        #expect(float(1 + 0x1p-24 + 0x1p-50) == 1 + 0x1p-23)
        #expect(float(1e300) == .infinity)
        #expect(float(-1e-300).bitPattern == 0x8000_0000)
    }
}
