import Inference
import Synchronization

/// A request whose images are being decoded and classified; answered exactly once.
final class InFlightRequest: Sendable {
    typealias Outcome = Result<PredictionReport, PredictionError>

    private struct State {
        /// The images that have not been handed out yet; nil in place of the others.
        var images: [ImageInput?]
        var predictions: [Prediction?]
        /// The network's inputs; none unless they are kept.
        var inputs: [Int: Tensor] = [:]
        var missingCount: Int
        var batchSize = 0
        var queueWait = Duration.zero
        var decoding = Duration.zero
        var inference = Duration.zero
        var outcome: Outcome?
        var continuation: CheckedContinuation<Outcome, Never>?
    }

    let model: Model
    /// Whether the report holds the network's inputs.
    private let keepsInputs: Bool
    private let state: Mutex<State>
    private let hasOutcome = Atomic(false)

    /// Whether it is answered, so that further work for it is useless. Asked in the middle of decoding.
    var isOver: Bool { hasOutcome.load(ordering: .relaxed) }

    init(images: [ImageInput], model: Model, keepsInputs: Bool = false) {
        self.model = model
        self.keepsInputs = keepsInputs
        state = Mutex(
            State(
                images: images, predictions: Array(repeating: nil, count: images.count), missingCount: images.count))
    }

    /// Hands an image out, once; nil also where the request is answered already.
    func takeImage(_ index: Int) -> ImageInput? {
        state.withLock { state in
            guard state.outcome == nil else { return nil }
            defer { state.images[index] = nil }
            return state.images[index]
        }
    }

    /// Waits for the answer; to be called once.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.continuation = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }

    /// Adds what an image took to decode and preprocess.
    func didDecode(in duration: Duration) { state.withLock { $0.decoding += duration } }

    /// Notes an image's input to the network, if the report wants it.
    func didPrepare(_ index: Int, _ input: Tensor) {
        if keepsInputs { state.withLock { $0.inputs[index] = input } }
    }

    /// Notes the batch that an image ran in.
    func didRun(batchSize: Int, queueWait: Duration, inference: Duration) {
        state.withLock { state in
            state.batchSize = max(state.batchSize, batchSize)
            state.queueWait = max(state.queueWait, queueWait)
            state.inference = max(state.inference, inference)
        }
    }

    /// Sets an image's result; the last one answers the request.
    func resolve(_ index: Int, with prediction: Prediction) {
        finish { state in
            guard state.predictions[index] == nil else { return nil }
            state.predictions[index] = prediction
            state.missingCount -= 1
            guard state.missingCount == 0 else { return nil }
            return .success(
                PredictionReport(
                    predictions: state.predictions.compactMap(\.self), batchSize: state.batchSize,
                    queueWait: state.queueWait, decoding: state.decoding, inference: state.inference,
                    inputs: state.inputs))
        }
    }

    /// Answers the request with an error; false if it had been answered already.
    @discardableResult
    func fail(_ error: PredictionError) -> Bool { finish { _ in .failure(error) } }

    /// Answers the request if `decide` returns an outcome and there was none yet.
    @discardableResult
    private func finish(_ decide: (inout State) -> Outcome?) -> Bool {
        let (outcome, continuation): (Outcome?, CheckedContinuation<Outcome, Never>?) = state.withLock { state in
            guard state.outcome == nil, let outcome = decide(&state) else { return (nil, nil) }
            state.outcome = outcome
            hasOutcome.store(true, ordering: .relaxed)
            state.images = []
            defer { state.continuation = nil }
            return (outcome, state.continuation)
        }
        if let outcome { continuation?.resume(returning: outcome) }
        return outcome != nil
    }
}
