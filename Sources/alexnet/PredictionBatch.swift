import Inference
import Synchronization
import Threads

/// Classifies a handful of pictures together: decoded side by side, then one forward pass.
struct PredictionBatch {
    let model: Model
    let decoder: ImageDecoder
    let workers: WorkerPool

    /// What became of each picture, in order: its logits, or why there are none.
    func run(_ pictures: [PictureSource]) -> [Result<[Float], any Error>] {
        let inputs = Mutex<[Result<Tensor, any Error>?]>(Array(repeating: nil, count: pictures.count))
        workers.parallelFor(pictures.count) { [model, decoder] index, _ in
            let input = Result<Tensor, any Error> {
                try decoder.input(pictures[index].read(), for: model.preprocessing)
            }
            inputs.withLock { $0[index] = input }
        }
        let decoded = inputs.withLock { $0.compactMap(\.self) }
        var logits = model.logits(decoded.compactMap { try? $0.get() })[...]
        return decoded.map { input in input.map { _ in logits.removeFirst() } }
    }
}
