/// Damaged copies of good bytes, the same in every run.
struct Mutations: RandomNumberGenerator {
    private var state: UInt64

    /// Begins at `seed`.
    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// `bytes` with one to three bytes replaced, removed, put in or repeated.
    mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
        let interesting = Array("\r\n\0 \t:;,-+0fF%/.\"\\".utf8) + [0x7F, 0x80, 0xFF]
        var damaged = bytes
        for _ in 0..<Int.random(in: 1...3, using: &self) where !damaged.isEmpty {
            let index = Int.random(in: 0..<damaged.count, using: &self)
            let byte = interesting.randomElement(using: &self) ?? 0
            switch Int.random(in: 0..<4, using: &self) {
            case 0: damaged[index] = byte
            case 1: damaged.remove(at: index)
            case 2: damaged.insert(byte, at: index)
            default:
                let end = min(damaged.count, index + Int.random(in: 1...12, using: &self))
                damaged.insert(contentsOf: Array(damaged[index..<end]), at: index)
            }
        }
        return damaged
    }
}
