import Foundation
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct LearningRateScheduleTests {
    /// One row of `Fixtures/Schedules/schedules.json`.
    private struct Fixture: Decodable {
        let form: LearningRateSchedule.Form
        let base: Double
        let warmupStepCount: Int
        let epochCount: Int
        let stepsPerEpoch: Int
        /// One an epoch, where the form asks for them.
        let losses: [Double]
        let rates: [Double]

        var schedule: LearningRateSchedule {
            get throws {
                try LearningRateSchedule(
                    form, base: base, warmupStepCount: warmupStepCount, epochCount: epochCount,
                    stepsPerEpoch: stepsPerEpoch)
            }
        }
    }

    @Test func `every step's rate is PyTorch's`() throws {
        let fixtures = try FixtureFile.decode([Fixture].self, from: "Schedules/schedules.json")
        #expect(fixtures.count == 8)
        for fixture in fixtures {
            var schedule = try fixture.schedule
            for (step, expected) in fixture.rates.enumerated() {
                #expect(abs(schedule.rate(at: step) / expected - 1) < 1e-12, "\(fixture.form) at step \(step)")
                let (epoch, rest) = (step + 1).quotientAndRemainder(dividingBy: fixture.stepsPerEpoch)
                if rest == 0, !fixture.losses.isEmpty {
                    schedule.endEpoch(validationLoss: fixture.losses[epoch - 1])
                }
            }
        }
    }

    @Test func `a warm-up rises in a straight line and ends at the base`() throws {
        let schedule = try LearningRateSchedule(
            .cosine(minimum: 0), base: 0.4, warmupStepCount: 4, epochCount: 2, stepsPerEpoch: 6)
        let rates = (0..<5).map { schedule.rate(at: $0) }
        for (found, expected) in zip(rates, [0.1, 0.2, 0.3, 0.4, 0.4]) { #expect(abs(found - expected) < 1e-15) }
        #expect(schedule.rate(at: 8) == 0.2)
        #expect(schedule.rate(at: 12) == 0)
        #expect(schedule.rate(at: 1000) == 0)
    }

    @Test func `a warm-up longer than the training only rises`() throws {
        let schedule = try LearningRateSchedule(
            .cosine(minimum: 0), base: 1, warmupStepCount: 10, epochCount: 2, stepsPerEpoch: 3)
        #expect((0..<6).map { schedule.rate(at: $0) } == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    }

    @Test func `a plateau divides by ten after its patience, tells so, and forgives a loss that is no number`() throws {
        var schedule = try LearningRateSchedule(
            .plateau(patience: 1, factor: 0.1), base: 1, epochCount: 9, stepsPerEpoch: 1)
        let falls = [1, 0.9, 0.9, .nan, 0.8, 0.9, 0.8].map { schedule.endEpoch(validationLoss: $0) }
        #expect(falls == [false, false, false, true, false, false, true])
        #expect(abs(schedule.rate(at: 7) - 0.01) < 1e-15)
        #expect(schedule.plateau.best == 0.8)
    }

    @Test func `a stored schedule continues as the one that was stored`() throws {
        var schedule = try LearningRateSchedule(
            .plateau(patience: 2, factor: 0.3), base: 0.1 + 0.2, warmupStepCount: 3, epochCount: 9, stepsPerEpoch: 4)
        for loss in [1.0 / 3, 0.4, 0.5] { schedule.endEpoch(validationLoss: loss) }
        var restored = try JSONDecoder().decode(LearningRateSchedule.self, from: JSONEncoder().encode(schedule))
        #expect(restored == schedule)
        for loss in [0.4, 0.3, 0.3, 0.3, 0.3] {
            #expect(schedule.endEpoch(validationLoss: loss) == restored.endEpoch(validationLoss: loss))
            #expect(schedule.rate(at: 20).bitPattern == restored.rate(at: 20).bitPattern)
        }
        var begun = try LearningRateSchedule(
            .plateau(patience: 2, factor: 0.3), base: 0.1 + 0.2, warmupStepCount: 3, epochCount: 9, stepsPerEpoch: 4)
        begun.resume(schedule.plateau)
        #expect(begun == schedule)
    }

    @Test func `numbers that no training works with are refused in a sentence`() {
        let broken: [(LearningRateSchedule.Form, Double, Int, Int, Int)] = [
            (.constant, 0, 0, 1, 1), (.constant, -1, 0, 1, 1), (.constant, .nan, 0, 1, 1), (.constant, 1e4, 0, 1, 1),
            (.constant, 1, -1, 1, 1), (.constant, 1, 0, 0, 1), (.constant, 1, 0, 1, 0), (.constant, 1, 0, .max, 1),
            (.step(epochCount: 0, factor: 0.1), 1, 0, 1, 1), (.step(epochCount: 1, factor: 0), 1, 0, 1, 1),
            (.step(epochCount: 1, factor: 1.1), 1, 0, 1, 1), (.plateau(patience: -1, factor: 0.1), 1, 0, 1, 1),
            (.plateau(patience: 1, factor: .nan), 1, 0, 1, 1), (.cosine(minimum: -1), 1, 0, 1, 1),
            (.cosine(minimum: 1.1), 1, 0, 1, 1),
        ]
        for (form, base, warmup, epochs, steps) in broken {
            #expect(throws: HyperparameterError.self) {
                try LearningRateSchedule(
                    form, base: base, warmupStepCount: warmup, epochCount: epochs, stepsPerEpoch: steps)
            }
        }
        #expect {
            try LearningRateSchedule(.constant, base: 1, epochCount: 0, stepsPerEpoch: 1)
        } throws: {
            "\($0)" == "the number of epochs is 0, but a number from 1 to 1099511627776 is expected"
        }
    }
}
