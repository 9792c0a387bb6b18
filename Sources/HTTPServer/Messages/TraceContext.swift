import HTTPTypes

/// The place of a request in a distributed trace, as its client sent it.
///
/// - Source: W3C Trace Context (2021-11-23), §3.2 (traceparent)
public struct TraceContext: Sendable, Equatable {
    /// Identifies the whole trace: 32 lowercase hexadecimal digits.
    public let traceID: String
    /// Identifies the client's own part of it: 16 lowercase hexadecimal digits.
    public let parentID: String

    /// The context in a request's fields; nil if there is none, or none that is well-formed.
    init?(in fields: HTTPFields) {
        guard let name = HTTPField.Name("traceparent"), let text = fields[name] else { return nil }
        self.init(text)
    }

    /// Parses `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`; nil for anything else.
    ///
    /// A later version may append fields, which are ignored (§4.3).
    public init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(Self.byteCount + 1))
        guard bytes.count >= Self.byteCount, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else {
            return nil
        }
        let (version, trace, parent, flags) = (bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55])
        guard [version, trace, parent, flags].allSatisfy({ $0.allSatisfy(Self.isDigit) }),
            !version.elementsEqual("ff".utf8), trace.contains(where: Self.isNotZero),
            parent.contains(where: Self.isNotZero)
        else { return nil }
        if bytes.count > Self.byteCount {
            let continues = bytes[Self.byteCount] == UInt8(ascii: "-")
            guard continues, !version.elementsEqual("00".utf8) else { return nil }
        }
        traceID = String(decoding: trace, as: UTF8.self)
        parentID = String(decoding: parent, as: UTF8.self)
    }

    /// The length of version 00. Units: bytes.
    private static let byteCount = 55

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }

    private static func isNotZero(_ byte: UInt8) -> Bool { byte != UInt8(ascii: "0") }
}
