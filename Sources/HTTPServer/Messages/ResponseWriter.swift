import Foundation
import HTTPTypes
import Synchronization

/// Encodes the head of a response; does no I/O.
///
/// - Source: RFC 9112 §4; RFC 9110 §6.6.1 (Date), §8.6 (Content-Length)
enum ResponseWriter {
    /// What depends on the request and the connection.
    struct Context {
        /// The value of X-Request-ID.
        var requestID: String
        /// The value of Date.
        var date: String
        /// Whether the request was a HEAD: the fields are sent, the body is not (RFC 9110 §9.3.2).
        var isHead = false
        /// Whether the connection closes after this answer (RFC 9112 §9.6).
        var closes = false
        /// Whether an HTTP/1.0 client must be told that the connection stays open.
        var tellsKeepAlive = false
    }

    /// The interim response that asks for the body (RFC 9110 §15.2.1).
    static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// The status line and fields of `response`, with the empty line.
    static func head(_ response: Response, _ context: Context) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes += "HTTP/1.1 \(response.status.code) ".utf8
        bytes += response.status.reasonPhrase.utf8
        bytes += "\r\n".utf8
        for field in response.headerFields where !isOwnField(field.name.canonicalName) {
            bytes += field.name.rawName.utf8
            bytes += ": ".utf8
            // HTTPField admits no CR, LF or NUL, so that no value can end its line early (response splitting).
            field.withUnsafeBytesOfValue { bytes += $0 }
            bytes += "\r\n".utf8
        }
        // 204 must not have a Content-Length, and 304 only that of the 200 it stands for (RFC 9110 §8.6). Every other
        // answer has one, so that its end is clear.
        if hasContent(response) { bytes += "Content-Length: \(response.body.count)\r\n".utf8 }
        bytes += "Date: \(context.date)\r\nX-Request-ID: \(context.requestID)\r\n".utf8
        if context.closes {
            bytes += "Connection: close\r\n".utf8
        } else if context.tellsKeepAlive {
            bytes += "Connection: keep-alive\r\n".utf8
        }
        bytes += "\r\n".utf8
        return bytes
    }

    /// Whether the body of `response` is sent at all (RFC 9112 §6.3, rule 1).
    static func sendsBody(_ response: Response, _ context: Context) -> Bool {
        !context.isHead && hasContent(response)
    }

    private static func hasContent(_ response: Response) -> Bool {
        response.status != .noContent && response.status != .notModified
    }

    /// Whether this writer sets the field, whatever the handler has set.
    private static func isOwnField(_ canonicalName: String) -> Bool {
        switch canonicalName {
        case "content-length", "transfer-encoding", "connection", "date", "x-request-id", "keep-alive": true
        default: false
        }
    }
}

/// The value of Date, formatted once a second and shared by all connections.
///
/// - Source: RFC 9110 §5.6.7 (IMF-fixdate), §6.6.1
final class HTTPDate: Sendable {
    private let cache = Mutex<(second: Int, text: String)>((.min, ""))

    /// The text for this second. It is kept for the next call.
    ///
    /// - Parameter second: the number of seconds since 1970.
    func text(_ second: Int) -> String {
        cache.withLock { cache in
            if cache.second != second { cache = (second, Self.text(second)) }
            return cache.text
        }
    }

    /// The text for a number of seconds since 1970, for example `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(_ second: Int) -> String {
        var clock = time_t(second)
        var parts = tm()
        guard gmtime_r(&clock, &parts) != nil else { return "Thu, 01 Jan 1970 00:00:00 GMT" }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
        let day = days[Int(parts.tm_wday) % 7]
        let month = months[Int(parts.tm_mon) % 12]
        return "\(day), \(pad(parts.tm_mday)) \(month) \(1900 + Int(parts.tm_year)) \(time) GMT"
    }

    private static func pad(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
