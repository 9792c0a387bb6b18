/// A colour as hue, saturation and value, one byte each, as Pillow's mode `HSV`.
///
/// - Source: Pillow `Convert.c`, `rgb2hsv_row` and `hsv2rgb`; Smith 1978
struct HueColour: Equatable {
    /// 256 is once around the circle.
    var hue: UInt8
    var saturation: UInt8
    var value: UInt8

    init(red: UInt8, green: UInt8, blue: UInt8) {
        let most = max(red, green, blue)
        let least = min(red, green, blue)
        value = most
        guard least < most else {
            (hue, saturation) = (0, 0)
            return
        }
        let range = Float(most - least)
        let saturation = range / Float(most)
        let (r, g, b) = (Float(most - red) / range, Float(most - green) / range, Float(most - blue) / range)
        let sixths: Float =
            if red == most {
                b - g
            } else if green == most {
                Float(2.0 + Double(r) - Double(b))
            } else {
                Float(4.0 + Double(g) - Double(r))
            }
        let turn = Float((Double(sixths) / 6 + 1).truncatingRemainder(dividingBy: 1))
        hue = UInt8(min(max(Double(turn) * 255, 0), 255))
        self.saturation = UInt8(min(max(Double(saturation) * 255, 0), 255))
    }

    init(hue: UInt8, saturation: UInt8, value: UInt8) {
        (self.hue, self.saturation, self.value) = (hue, saturation, value)
    }

    var rgb: (UInt8, UInt8, UInt8) {
        guard saturation > 0 else { return (value, value, value) }
        let turn = Double(hue) * 6 / 255
        let sector = turn.rounded(.down)
        let rest = Double(Float(turn - sector))
        let share = Double(Float(Double(saturation) / 255))
        func scaled(_ factor: Double) -> UInt8 { UInt8(min(max((Double(value) * factor).rounded(), 0), 255)) }
        let p = scaled(1 - share)
        let q = scaled(1 - share * rest)
        let t = scaled(1 - share * (1 - rest))
        return switch Int(sector) % 6 {
        case 0: (value, t, p)
        case 1: (q, value, p)
        case 2: (p, value, t)
        case 3: (p, q, value)
        case 4: (t, p, value)
        default: (value, p, q)
        }
    }
}
