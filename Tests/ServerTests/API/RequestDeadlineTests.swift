import HTTPServer
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct RequestDeadlineTests {
    private let start = ContinuousClock.now

    @Test func `the deadline starts at the request's last byte, however long its upload took`() {
        let request = Request(startedAt: start, receivedAt: start + .seconds(25))
        #expect(RequestDeadline(request, settings: Settings()).time == start + .seconds(35))
        let impatient = RequestDeadline(request, settings: Settings(), timeout: .seconds(2))
        #expect(impatient.time == start + .seconds(27) && impatient.origin == "the request's timeout")
        let patient = RequestDeadline(request, settings: Settings(), timeout: .seconds(11))
        #expect(patient.time == start + .seconds(35) && patient.origin == "batching.request_deadline")
    }
}
