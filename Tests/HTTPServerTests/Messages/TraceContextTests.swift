import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct TraceContextTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"

    @Test(arguments: [
        "00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-ff", "01-\(trace)-\(parent)-00-what-comes-later",
        "fe-\(trace)-\(parent)-00",
    ])
    func `version 00 is read, and of later versions what they share with it`(text: String) throws {
        let context = try #require(TraceContext(text))
        #expect(context.traceID == Self.trace && context.parentID == Self.parent)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-0", "00-\(trace)-\(parent)-01-x",
        "00-\(trace)-\(parent)-010", "ff-\(trace)-\(parent)-01", "00-\(trace.uppercased())-\(parent)-01",
        "00-\(String(repeating: "0", count: 32))-\(parent)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01",
        "00-\(trace)_\(parent)-01", "0g-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-0é", "01-\(trace)-\(parent)-00x",
    ])
    func `anything else is no trace`(text: String) {
        #expect(TraceContext(text) == nil)
    }
}
