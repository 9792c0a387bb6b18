import Files
import Testing

@Suite(.timeLimit(.minutes(1)))
struct Mix64Tests {
    /// The first numbers of the reference implementation (splitmix64.c by Sebastiano Vigna) for the seed 1234567.
    @Test func `A counter gives the reference implementation's numbers`() {
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        let numbers = (1...5).map { Mix64.mix(1_234_567 &+ UInt64($0) &* Mix64.increment) }
        #expect(numbers == expected)
    }
}
