import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ScalarConversionTests {
    @Test func `Every float16 converts exactly`() {
        for bits in UInt16.min...UInt16.max {
            let found = ScalarConversion.float(float16: bits)
            let expected = Float(Float16(bitPattern: bits))
            #expect(found.bitPattern == expected.bitPattern || found.isNaN && expected.isNaN, "\(bits)")
        }
    }

    @Test func `A bfloat16 is the upper half of a float32`() {
        #expect(ScalarConversion.float(bfloat16: 0x3F80) == 1)
        #expect(ScalarConversion.float(bfloat16: 0xC020) == -2.5)
        #expect(ScalarConversion.float(bfloat16: 0x8000).sign == .minus)
        #expect(ScalarConversion.float(bfloat16: 0xFF80) == -.infinity)
        #expect(ScalarConversion.float(bfloat16: 0x0001) == Float(bitPattern: 0x10000))
    }

    @Test func `A float64 is rounded to nearest, ties to even`() {
        func float(_ value: Double) -> Float { ScalarConversion.float(float64: value.bitPattern) }
        #expect(float(0.1) == 0.1)
        #expect(float(1 + 0x1p-24) == 1)
        #expect(float(1 + 0x1.8p-23) == 1 + 0x1p-22)
        #expect(float(1 + 0x1p-24 + 0x1p-50) == 1 + 0x1p-23)
        #expect(float(1e300) == .infinity)
        #expect(float(-1e-300).bitPattern == 0x8000_0000)
    }

    @Test func `Every float16 and bfloat16 survives conversion to float32 and back`() {
        for bits in UInt16.min...UInt16.max {
            #expect(ScalarConversion.float16(ScalarConversion.float(float16: bits)) == bits)
            #expect(ScalarConversion.bfloat16(ScalarConversion.float(bfloat16: bits)) == bits)
        }
    }

    @Test func `A float32 is rounded to the nearest float16, ties to even, on both sides of every boundary`() {
        for bits in UInt16.min..<0x7C00 {
            let (lower, upper) = (Float(Float16(bitPattern: bits)), Float(Float16(bitPattern: bits + 1)))
            let middle = upper.isFinite ? (lower + upper) / 2 : 65520
            let even = bits & 1 == 0 ? bits : bits + 1
            for (value, expected) in [(middle.nextDown, bits), (middle, even), (middle.nextUp, bits + 1)] {
                #expect(ScalarConversion.float16(value) == expected, "\(value)")
                #expect(ScalarConversion.float16(-value) == expected | 0x8000, "\(-value)")
            }
        }
        #expect(ScalarConversion.float16(.greatestFiniteMagnitude) == 0x7C00)
        #expect(ScalarConversion.float16(.leastNonzeroMagnitude) == 0)
        #expect(ScalarConversion.float16(Float(bitPattern: 0x7F80_0001)) == 0x7E00)
    }

    @Test func `A float32 is rounded to the nearest bfloat16, ties to even`() {
        #expect(ScalarConversion.bfloat16(1 + 0x1p-8) == 0x3F80)
        #expect(ScalarConversion.bfloat16((1 + 0x1p-8 as Float).nextUp) == 0x3F81)
        #expect(ScalarConversion.bfloat16(1 + 0x1.8p-7) == 0x3F82)
        #expect(ScalarConversion.bfloat16(-(1 + 0x1p-8)) == 0xBF80)
        #expect(ScalarConversion.bfloat16(.greatestFiniteMagnitude) == 0x7F80)
        #expect(ScalarConversion.bfloat16(Float(bitPattern: 0x7F7F_7FFF)) == 0x7F7F)
        #expect(ScalarConversion.bfloat16(Float(bitPattern: 0x7F80_0001)) == 0x7FC0)
        #expect(ScalarConversion.bfloat16(Float(bitPattern: 0xFF80_0001)) == 0xFFC0)
    }
}
