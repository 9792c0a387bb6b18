/// Tensors that lie beside a network's because a training script's module held them too: class weights of a loss, the state
/// of metrics, counters of a profiler. No prediction depends on them.
enum TrainingCompanion {
    /// Whether a tensor's name is that of such a one. The check goes by the components of the name, as `criterion` in
    /// `model.criterion.weight`.
    static func isOne(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: ".")
        guard let last = parts.last else { return false }
        if counters.contains(String(last)) { return true }
        if parts.count == 1, classWeights.contains(String(last)) { return true }
        return parts.dropLast().contains { isLoss($0) || isMetric($0) }
    }

    /// What thop, a counter of operations, registers in every module.
    private static let counters: Set = ["total_ops", "total_params"]
    /// Class weights that a module registers for its loss.
    private static let classWeights: Set = [
        "class_weights", "class_weight", "pos_weight", "loss_weights", "loss_weight",
    ]

    private static func isLoss(_ part: Substring) -> Bool {
        part == "criterion" || part.hasPrefix("criterion_") || part.hasSuffix("_criterion") || part == "loss"
            || part.hasPrefix("loss_") || part.hasSuffix("_loss") || part == "lossfn" || part.hasSuffix("loss_fn")
            || part == "losses"
    }

    private static func isMetric(_ part: Substring) -> Bool {
        if part == "metric" || part == "metrics" || part.hasSuffix("_metrics") || part.hasSuffix("_metric") {
            return true
        }
        let measures = ["acc", "accuracy", "f1", "auroc", "auc", "precision", "recall", "confmat", "confusion", "top"]
        return ["train", "val", "valid", "validation", "test"].contains { phase in
            part.hasPrefix(phase + "_") && measures.contains { part.dropFirst(phase.count + 1).hasPrefix($0) }
        }
    }
}

extension Checkpoint {
    /// The names of tensors that no network reads: those of losses, metrics and counters.
    public var companionNames: [String] { tensors.names.filter(TrainingCompanion.isOne) }
}
