import Foundation
import Host
import Inference
import Server

/// Whether a model loads and answers.
struct ModelCheck: Check {
    /// What came of loading.
    enum Outcome {
        /// It loaded, and answered two pictures.
        case loaded(architecture: String, precision: Precision, classCount: Int, duration: Duration)
        /// The loader's sentence.
        case refused(String)
        /// Loading it would have taken more memory than there is. Units: bytes.
        case tooLarge(need: Int)
    }

    let name: String
    let outcome: Outcome

    /// Loads a model, lets it answer and forgets it; nothing is measured, so that nothing is kept.
    static func load(_ files: ModelFiles, by loader: ModelLoader) -> Self {
        let need = MemoryCheck.need(of: files.checkpointByteCount ?? 0)
        if let available = AvailableMemory.current, available < need {
            return Self(name: files.name, outcome: .tooLarge(need: need))
        }
        let start = ContinuousClock.now
        do {
            let model = try loader.load(files)
            return Self(
                name: files.name,
                outcome: .loaded(
                    architecture: model.architecture, precision: model.precision, classCount: model.classes.count,
                    duration: .now - start))
        } catch {
            return Self(name: files.name, outcome: .refused("\(error)"))
        }
    }

    var finding: Finding {
        switch outcome {
        case .loaded(let architecture, let precision, let classCount, let duration):
            let seconds = String(format: "%.1f s", duration / .seconds(1))
            return .ok(
                "model",
                "\(name), \(architecture) in \(precision.rawValue) with \(classCount) classes, loaded and answered in \(seconds)"
            )
        case .refused(let sentence):
            return .failed("model", name, advice: sentence)
        case .tooLarge(let need):
            return .warning(
                "model", "\(name), not loaded", advice: "Free \((need >> 20) + 1) MiB of memory, then look again.")
        }
    }
}
