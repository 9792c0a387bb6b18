import Foundation
import Logging
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct LineLogHandlerTests {
    /// 2026-11-21T06:31:00.123Z
    private static let moment = LogTimestamp(milliseconds: 1_795_242_660_123)

    private func lines(
        _ format: LogFormat, level: Logger.Level = .trace, provider: Logger.MetadataProvider? = nil,
        _ body: (inout Logger) -> Void
    ) -> [String] {
        let sink = RecordingSink()
        var logger = Logger(label: "test") { _ in
            LineLogHandler(level: level, format: format, sink: sink, metadataProvider: provider) { Self.moment }
        }
        body(&logger)
        return sink.lines
    }

    @Test func `text lines have time, level, message and sorted metadata`() {
        let lines = lines(.text) { logger in
            logger.info("message", metadata: ["key": "value"])
            logger.warning(
                "model refused", metadata: ["reason": "no such tensor", "model": "flowers", "count": "\(3)"])
            logger.debug("bare")
        }
        #expect(
            lines == [
                "2026-11-21T06:31:00.123Z info  message key=value\n",
                "2026-11-21T06:31:00.123Z warning model refused count=3 model=flowers reason=\"no such tensor\"\n",
                "2026-11-21T06:31:00.123Z debug bare\n",
            ])
    }

    @Test func `JSON lines have the same fields, with numbers and booleans as literals`() {
        let lines = lines(.json) { logger in
            logger.notice(
                "served",
                metadata: [
                    "status": .stringConvertible(200), "seconds": .stringConvertible(0.25), "id": "a1",
                    "ready": .stringConvertible(true), "share": .stringConvertible(Double.infinity),
                    "sizes": .array([.stringConvertible(UInt8(1)), "two"]),
                    "nested": .dictionary(["b": "2", "a": .array([])]),
                ])
            logger.error("bare")
        }
        let head = #"{"time":"2026-11-21T06:31:00.123Z","level":"#
        #expect(
            lines == [
                head + #""notice","message":"served","id":"a1","nested":{"a":[],"b":"2"},"ready":true,"#
                    + #""seconds":0.25,"share":"inf","sizes":[1,"two"],"status":200}"# + "\n",
                head + #""error","message":"bare"}"# + "\n",
            ])
    }

    @Test func `a client cannot forge lines, fields or terminal commands in text`() {
        let lines = lines(.text) { logger in
            logger.info(
                "got\n2026-11-21T06:31:00.123Z info  forged \u{1B}[2J",
                metadata: [
                    "path": "/a b=c", "agent": "x\"y\\z", "empty": "", "bidi": "a\u{202E}b", "line": "a\r\n\u{2028}b",
                    "k=v x": "\u{85}", "plain": "ä/ö:é?🐱",
                ])
        }
        #expect(
            lines == [
                "2026-11-21T06:31:00.123Z info  got\\n2026-11-21T06:31:00.123Z info  forged \\u001b[2J "
                    + #"agent="x\"y\\z" bidi="a\u202eb" empty="" "k=v x"="\u0085" line="a\r\n\u2028b" "#
                    + #"path="/a b=c" plain=ä/ö:é?🐱"# + "\n"
            ])
    }

    @Test func `a JSON line is one object that reads back exactly, whatever a client sends`() throws {
        let hostile = "\"}\n{\"level\":\"\\ \u{0}\u{7F}\u{1B}\t\u{2028}\u{202E}\u{E0001}🐱"
        let lines = lines(.json) { $0.info("\(hostile)", metadata: ["value": "\(hostile)", "\(hostile)": "key"]) }
        #expect(lines.count == 1)
        #expect(lines[0].filter(\.isNewline) == "\n")
        #expect(lines[0].unicodeScalars.filter { $0.value < 32 || $0.value == 127 } == ["\n"])
        let object = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String])
        #expect(object["message"] == hostile)
        #expect(object["value"] == hostile)
        #expect(object[hostile] == "key")
    }

    @Test func `metadata cannot replace a line's own fields in JSON`() {
        let lines = lines(.json) { logger in
            logger.info("m", metadata: ["level": "x", "time": "y", "time_": "z", "message": "w"])
        }
        #expect(
            lines == [
                #"{"time":"2026-11-21T06:31:00.123Z","level":"info","message":"m","level_":"x","message_":"w","#
                    + #""time__":"y","time_":"z"}"# + "\n"
            ])
    }

    @Test func `the event's metadata replace the provider's, which replace the logger's`() {
        let provider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
        let lines = lines(.text, provider: provider) { logger in
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "b"] = "logger"
            logger[metadataKey: "c"] = "logger"
            logger.info("m", metadata: ["c": "event"])
        }
        #expect(lines == ["2026-11-21T06:31:00.123Z info  m a=logger b=provider c=event\n"])
    }

    @Test func `events below the level are not written`() {
        let lines = lines(.text, level: .warning) { logger in
            logger.notice("below")
            logger.warning("at")
            logger.logLevel = .trace
            logger.trace("lowered")
        }
        #expect(
            lines == ["2026-11-21T06:31:00.123Z warning at\n", "2026-11-21T06:31:00.123Z trace lowered\n"])
    }

    @Test func `arrays and dictionaries are one word of a text line`() {
        let lines = lines(.text) { logger in
            logger.info("m", metadata: ["a": .array(["1", "x y"]), "d": .dictionary(["k": "v", "j": .array([])])])
        }
        #expect(lines == [#"2026-11-21T06:31:00.123Z info  m a="[1, x y]" d="{j: [], k: v}""# + "\n"])
    }
}
