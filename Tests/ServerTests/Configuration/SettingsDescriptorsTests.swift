import Host
import Logging
import Testing

@testable import Server

@Suite("How many connections there are descriptors for")
struct SettingsDescriptorsTests {
    @Test("Fewer connections are taken where there are too few descriptors, and the log says so")
    func settings() {
        for (soft, connections, lineCount) in [(1216, 1024, 0), (1215, 1023, 1), (384, 192, 1)] {
            let sink = RecordingSink()
            let logger = Logger(label: "test") { _ in LineLogHandler(level: .info, format: .text, sink: sink) }
            let settings = Settings().fittingDescriptors(DescriptorLimit(soft: soft, hard: soft), logger)
            #expect(settings.server.maxConnections == connections)
            #expect(sink.lines.filter { $0.contains("connections=\(connections)") }.count == lineCount)
        }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        #expect(Settings().fittingDescriptors(nil, logger) == Settings())
    }
}
