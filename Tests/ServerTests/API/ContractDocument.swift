import Foundation

@testable import Server

/// The OpenAPI document, and what of JSON Schema it uses.
struct ContractDocument {
    private let root: [String: Any]

    init() throws {
        root = try JSONSerialization.jsonObject(with: Data(ContractRoute.document)) as? [String: Any] ?? [:]
    }

    /// `info.version`.
    var version: String? { (root["info"] as? [String: Any])?["version"] as? String }

    /// Every operation as `GET /path`.
    var operations: Set<String> {
        Set(paths.flatMap { path, item in item.keys.map { "\($0.uppercased()) \(path)" } })
    }

    private var paths: [String: [String: Any]] { root["paths"] as? [String: [String: Any]] ?? [:] }

    /// Every reference in the document that leads nowhere.
    var danglingReferences: [String] {
        var found: [String] = []
        func visit(_ value: Any) {
            if let object = value as? [String: Any] {
                if let reference = object["$ref"] as? String, target(reference) == nil { found.append(reference) }
                object.values.forEach(visit)
            } else if let array = value as? [Any] {
                array.forEach(visit)
            }
        }
        visit(root)
        return found
    }

    private func target(_ reference: String) -> [String: Any]? {
        reference.split(separator: "/").dropFirst().reduce(root as Any?) { ($0 as? [String: Any])?[String($1)] }
            as? [String: Any]
    }

    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        return (object["$ref"] as? String).map(target) ?? object
    }

    /// What the document says of an answer that is not as it says; nil where it is.
    ///
    /// - Parameter pattern: the path as the document has it.
    func complaint(
        about content: [UInt8], status: Int, type: String, of method: String, _ pattern: String
    ) throws -> String? {
        let operation = paths[pattern]?[method.lowercased()] as? [String: Any]
        let responses = operation?["responses"] as? [String: Any]
        guard let response = resolved(responses?["\(status)"]) else { return "\(status) is not documented" }
        guard let media = (response["content"] as? [String: Any])?[type] as? [String: Any] else {
            return "\(type) is not documented for \(status)"
        }
        guard type.hasSuffix("json") else { return nil }
        let value = try JSONSerialization.jsonObject(with: Data(content), options: .fragmentsAllowed)
        return complaint(about: value, schema: media["schema"], at: "$")
    }

    private func complaint(about value: Any, schema: Any?, at place: String) -> String? {
        guard let schema = resolved(schema) else { return "\(place) has no schema" }
        if let allowed = schema["enum"] as? [AnyHashable], !allowed.contains(where: { $0 == value as? AnyHashable }) {
            return "\(place) is \(value), not one of \(allowed)"
        }
        if let constant = schema["const"] as? AnyHashable, constant != value as? AnyHashable {
            return "\(place) is \(value), not \(constant)"
        }
        for key in ["oneOf", "anyOf"] {
            guard let choices = schema[key] as? [Any] else { continue }
            let complaints = choices.map { complaint(about: value, schema: $0, at: place) }
            let count = complaints.count { $0 == nil }
            guard key == "oneOf" ? count == 1 : count > 0 else {
                return "\(place) fits \(count) of the choices: \(complaints.compactMap(\.self).joined(separator: "; "))"
            }
        }
        if let pattern = schema["pattern"] as? String, let text = value as? String,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            return "\(place) is \(text), not \(pattern)"
        }
        if let minimum = schema["minimum"] as? Double, let number = value as? Double, number < minimum {
            return "\(place) is \(number), below \(minimum)"
        }
        switch schema["type"] as? String {
        case "string" where !(value is String): return "\(place) is no string"
        case "number" where !(value is NSNumber): return "\(place) is no number"
        case "integer" where (value as? NSNumber).map({ $0.doubleValue.rounded() != $0.doubleValue }) ?? true:
            return "\(place) is no integer"
        case "boolean" where !(value is Bool): return "\(place) is no boolean"
        case "array":
            guard let array = value as? [Any] else { return "\(place) is no array" }
            if let least = schema["minItems"] as? Int, array.count < least {
                return "\(place) has \(array.count) items"
            }
            guard let items = schema["items"] else { return nil }
            return array.enumerated().lazy.compactMap { complaint(about: $1, schema: items, at: "\(place)[\($0)]") }
                .first
        case "object":
            guard let object = value as? [String: Any] else { return "\(place) is no object" }
            for name in schema["required"] as? [String] ?? [] where object[name] == nil {
                return "\(place) has no \(name)"
            }
            let properties = schema["properties"] as? [String: Any] ?? [:]
            for (name, member) in object {
                // A member that nobody documented is one that nobody can rely on.
                guard let known = properties[name] ?? schema["additionalProperties"] else {
                    if properties.isEmpty { continue }
                    return "\(place).\(name) is not documented"
                }
                if let complaint = complaint(about: member, schema: known, at: "\(place).\(name)") { return complaint }
            }
        default: break
        }
        return nil
    }
}
