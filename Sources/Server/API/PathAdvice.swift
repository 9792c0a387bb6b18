import HTTPServer
import HTTPTypes

/// Suggests the route that a client probably meant with an unknown path or method: "did you mean POST /predict?".
struct PathAdvice: Sendable {
    /// A route of the contract.
    private struct Target: Sendable {
        let method: HTTPRequest.Method
        let pattern: String
        let segments: [String]
        /// Whether it exists only with an admin token.
        let isAdmin: Bool
    }

    private let targets: [Target]
    private let hasAdminRoutes: Bool

    /// Longer paths are not compared: they are no misspelling, and the comparison would take long. Units: bytes.
    private static let maxByteCount = 120

    /// The routes that need an admin token.
    private static let adminPatterns: [RoutePattern] = [
        .modelReload, .v2RepositoryIndex, .v2RepositoryLoad, .v2RepositoryUnload,
    ]

    /// Paths that other servers use or people guess, with the route that does the same. Keys are in lower case, without
    /// slashes at the ends.
    private static let synonyms: [String: RoutePattern] = [
        // TorchServe, TensorFlow Serving, SageMaker and MLflow, FastAPI's tutorials.
        "predictions": .predict, "prediction": .predict, "infer": .predict, "inference": .predict,
        "classify": .predict, "classification": .predict, "upload": .predict, "image": .predict, "images": .predict,
        "predict/{model}": .modelPredict,
        "v1/models/{model}/infer": .modelPredict,
        "v1/models/{model}/classify": .modelPredict, "v2/models/{model}/predict": .modelPredict,
        "v1/models/{model}/load": .v2RepositoryLoad, "v1/models/{model}/unload": .v2RepositoryUnload,
        "models": .models, "v2/models": .models, "v1": .models, "models/{model}": .model,
        "v1/models/{model}/metadata": .model, "v1/models/{model}/status": .model,
        "labels": .classes, "class": .classes, "categories": .classes, "class_indices": .classes,
        "class_indices.json": .classes,
        "health": .healthz, "healthcheck": .healthz, "livez": .healthz, "live": .healthz,
        "alive": .healthz, "status": .healthz, "health/live": .healthz, "ready": .readyz, "readiness": .readyz,
        "health/ready": .readyz, "prometheus": .metrics, "actuator/prometheus": .metrics, "stats": .metrics,
        "docs": .contract, "redoc": .contract, "swagger": .contract, "swagger.json": .contract, "swagger-ui": .contract,
        "openapi": .contract, "openapi.yaml": .contract, "api": .contract, "api-docs": .contract,
    ]

    /// Prefixes that proxies and other servers put in front of paths.
    private static let prefixes: Set = ["api", "v0", "v1", "v2", "v3", "rest", "alexnet"]

    init(routes: [Route]) {
        var targets = routes.map {
            Target(
                method: $0.method, pattern: $0.pattern, segments: Self.segments($0.pattern),
                isAdmin: Self.adminPatterns.map(\.rawValue).contains($0.pattern))
        }
        hasAdminRoutes = targets.contains(where: \.isAdmin)
        if !hasAdminRoutes {
            targets += Self.adminPatterns.map {
                Target(method: .post, pattern: $0.rawValue, segments: Self.segments($0.rawValue), isAdmin: true)
            }
        }
        self.targets = targets
    }

    /// The answer to a request that matches no route, see ``Router/Advice``.
    ///
    /// - Parameter allowed: the methods that the path has; empty for an unknown path.
    func callAsFunction(
        _ method: HTTPRequest.Method, _ path: String, _ allowed: [HTTPRequest.Method]
    ) -> (status: HTTPResponse.Status, detail: String)? {
        let found = Self.excerpt(path)
        guard allowed.isEmpty else {
            // A path of TensorFlow Serving, `models/name:regress`, matches `/v1/models/{model}`.
            // A verb that is served has POST.
            if !allowed.contains(.post), path.utf8.count <= Self.maxByteCount,
                let (target, meant) = verbTarget(Self.segments(path))
            {
                return (.notFound, "There is no '\(found)' here; did you mean \(target.method.rawValue) \(meant)?")
            }
            guard let example = Self.example(of: path) else { return nil }
            return (
                .methodNotAllowed,
                "\(method.rawValue) is not served at '\(found)'; use POST, as with \(example)."
            )
        }
        guard path.utf8.count <= Self.maxByteCount, let (target, meant) = nearest(Self.segments(path)) else {
            return (.notFound, "There is no '\(found)' here; GET /openapi.json lists all paths.")
        }
        if target.isAdmin, !hasAdminRoutes {
            return (
                .notFound,
                "There is no '\(found)' here, because the admin routes are off; to turn them on, set admin.token_file in "
                    + "the configuration to a file with a token."
            )
        }
        return (.notFound, "There is no '\(found)' here; did you mean \(target.method.rawValue) \(meant)?")
    }

    private static func example(of path: String) -> String? {
        let last = segments(path).last
        if last == "predict" { return "curl -F image=@photo.jpg http://HOST:PORT\(excerpt(path))" }
        if last == "infer" { return "an inference request of the Open Inference Protocol V2 as its content" }
        return nil
    }

    /// The segments that are not empty.
    private static func segments(_ path: String) -> [String] { path.split(separator: "/").map(String.init) }

    /// The path, cut after ``maxByteCount`` characters, and percent-encoded, so that the client can send it unchanged.
    static func excerpt(_ path: String) -> String {
        var text = ""
        for scalar in path.unicodeScalars.prefix(maxByteCount) {
            let isPlain = scalar.isASCII && scalar.value > 0x20 && scalar.value != 0x7F && scalar != "'"
            if isPlain {
                text.unicodeScalars.append(scalar)
            } else {
                for byte in String(scalar).utf8 {
                    text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
                }
            }
        }
        return path.unicodeScalars.count > maxByteCount ? text + "…" : text
    }
}

// The nearest route
extension PathAdvice {
    /// The route that was probably meant, and the path to send.
    private func nearest(_ segments: [String]) -> (Target, path: String)? {
        guard !segments.isEmpty else { return nil }
        if let verb = verbTarget(segments) { return verb }
        // Equal except for slashes and capitals.
        if let target = targets.first(where: { Self.cost(segments, $0) == 0 }) {
            return (target, Self.path(target, segments))
        }
        if let synonym = synonymTarget(segments) { return synonym }
        var best: (cost: Int, target: Target, path: String)?
        // The path itself, without known prefixes, without its last segment, and behind v1 and v2; each with a penalty.
        var variants = [(segments, 0)]
        var rest = segments[...]
        while rest.count > 1, let first = rest.first, Self.prefixes.contains(first.lowercased()) {
            rest = rest.dropFirst()
            variants.append((Array(rest), 1))
            if let synonym = synonymTarget(Array(rest)) { return synonym }
        }
        if segments.count > 1 { variants.append((segments.dropLast(), 4)) }
        for prefix in ["v1", "v2"] { variants.append(([prefix] + segments, 2)) }
        for (variant, penalty) in variants {
            for target in targets {
                guard let cost = Self.cost(variant, target), cost + penalty < best?.cost ?? .max else { continue }
                best = (cost + penalty, target, Self.path(target, variant))
            }
        }
        return best.map { ($0.target, $0.path) }
    }

    /// The edit distance from a path to a target; nil if they are too different.
    private static func cost(_ segments: [String], _ target: Target) -> Int? {
        guard segments.count == target.segments.count else { return nil }
        var cost = 0
        for (segment, wanted) in zip(segments, target.segments) {
            let found = segment.lowercased()
            if wanted.hasPrefix("{") {
                // What follows a parameter in its segment, as in `{model}:predict`.
                guard found.hasSuffix(wanted.drop { $0 != "}" }.dropFirst()) else { return nil }
                continue
            }
            let edits = NearestName.editDistance(Array(found.utf8), Array(wanted.utf8))
            // At most a third of a word may be misspelt.
            guard edits * 3 <= max(found.utf8.count, wanted.utf8.count) else { return nil }
            cost += edits
        }
        return cost
    }

    /// The target's path with the names that the client sent in place of its parameters.
    private static func path(_ target: Target, _ segments: [String]) -> String {
        "/"
            + zip(segments, target.segments).map { $1.hasPrefix("{") ? excerpt($0) : $1 }.joined(separator: "/")
    }

    /// TensorFlow Serving's `v1/models/name:predict`, also with `versions/7` in front of the verb.
    private func verbTarget(_ segments: [String]) -> (Target, path: String)? {
        let verbs = [":predict", ":classify", ":regress"]
        guard let last = segments.last, let verb = verbs.first(where: last.lowercased().hasSuffix) else { return nil }
        var segments = Array(segments.dropLast()) + [String(last.dropLast(verb.count))]
        if segments.count > 2, ["versions", "labels"].contains(segments[segments.count - 2].lowercased()) {
            segments.removeLast(2)
        }
        guard let model = segments.last, !model.isEmpty else { return nil }
        return target(.instances).map { ($0, "/v1/models/\(Self.excerpt(model)):predict") }
    }

    private func synonymTarget(_ segments: [String]) -> (Target, path: String)? {
        let lowercased = segments.map { $0.lowercased() }
        if let pattern = Self.synonyms[lowercased.joined(separator: "/")] {
            return target(pattern).map { ($0, $0.pattern) }
        }
        // A model's name stands where the synonym has {model}.
        for index in segments.indices {
            var generic = lowercased
            generic[index] = "{model}"
            guard let pattern = Self.synonyms[generic.joined(separator: "/")], let target = target(pattern) else {
                continue
            }
            let path = target.segments.map { $0 == "{model}" ? Self.excerpt(segments[index]) : $0 }
            return (target, "/" + path.joined(separator: "/"))
        }
        return nil
    }

    private func target(_ pattern: RoutePattern) -> Target? { targets.first { $0.pattern == pattern.rawValue } }
}
