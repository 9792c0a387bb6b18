import Foundation
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ServingMetricsTests {
    private let metrics = ServingMetrics(routes: ["/predict", "/v1/models/{model}"])

    /// The samples of one metric, without HELP and TYPE.
    private func samples(_ name: String) -> [String] {
        metrics.registry.exposition().split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }
    }

    @Test func `A fresh server exposes what can be counted from the start`() {
        let own = metrics.registry.exposition().split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains(/\bprocess_/) && !$0.contains("_bucket") }.joined(separator: "\n")
        #expect(
            own == """
                # HELP alexnet_batch_size Images in one forward pass.
                # TYPE alexnet_batch_size histogram
                alexnet_batch_size_sum 0
                alexnet_batch_size_count 0
                # HELP alexnet_build_info The version of the program; always 1.
                # TYPE alexnet_build_info gauge
                alexnet_build_info{version="\(Version.current)"} 1
                # HELP alexnet_decode_seconds Time that the codec took for one image, \
                from compressed bytes to the pixels that are needed.
                # TYPE alexnet_decode_seconds histogram
                alexnet_decode_seconds_sum 0
                alexnet_decode_seconds_count 0
                # HELP alexnet_http_connections Connections that are open.
                # TYPE alexnet_http_connections gauge
                alexnet_http_connections 0
                # HELP alexnet_preprocess_seconds Time that resizing, cropping and normalising one image took, \
                between the codec's rows and after them.
                # TYPE alexnet_preprocess_seconds histogram
                alexnet_preprocess_seconds_sum 0
                alexnet_preprocess_seconds_count 0
                # HELP alexnet_queue_depth Images that wait for a batch.
                # TYPE alexnet_queue_depth gauge
                alexnet_queue_depth 0
                # HELP alexnet_queue_wait_seconds Time from an image's entry into the queue, decoded and \
                preprocessed, until a worker takes it.
                # TYPE alexnet_queue_wait_seconds histogram
                alexnet_queue_wait_seconds_sum 0
                alexnet_queue_wait_seconds_count 0
                # HELP alexnet_rejected_total Valid requests that were rejected or dropped.
                # TYPE alexnet_rejected_total counter
                alexnet_rejected_total{reason="deadline"} 0
                alexnet_rejected_total{reason="disconnected"} 0
                alexnet_rejected_total{reason="draining"} 0
                alexnet_rejected_total{reason="not_ready"} 0
                alexnet_rejected_total{reason="queue_full"} 0

                """)
    }

    @Test func `Requests are counted by route, method and status, and timed by route`() {
        metrics.requestCompleted(route: "/predict", method: "POST", status: 200, duration: .milliseconds(30))
        metrics.requestCompleted(route: "/predict", method: "POST", status: 200, duration: .milliseconds(20))
        metrics.requestCompleted(route: "/predict", method: "GET", status: 405, duration: .zero)
        #expect(
            samples("alexnet_http_requests_total") == [
                #"alexnet_http_requests_total{route="/predict",method="GET",status="405"} 1"#,
                #"alexnet_http_requests_total{route="/predict",method="POST",status="200"} 2"#,
            ])
        #expect(
            samples("alexnet_http_request_duration_seconds_bucket") == [
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.0005"} 1"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.001"} 1"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.0025"} 1"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.005"} 1"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.01"} 1"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.025"} 2"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.05"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.1"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.25"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="0.5"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="1"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="2.5"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="5"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="10"} 3"#,
                #"alexnet_http_request_duration_seconds_bucket{route="/predict",le="+Inf"} 3"#,
            ])
    }

    @Test func `Clients cannot create series by inventing routes, methods or statuses`() {
        for index in 0..<100 {
            metrics.requestCompleted(route: "/\(index)", method: "M\(index)", status: 1000 + index, duration: .zero)
        }
        metrics.requestCompleted(route: nil, method: "get", status: 404, duration: .zero)
        #expect(
            samples("alexnet_http_requests_total") == [
                #"alexnet_http_requests_total{route="unmatched",method="other",status="404"} 1"#,
                #"alexnet_http_requests_total{route="unmatched",method="other",status="other"} 100"#,
            ])
        #expect(
            samples("alexnet_http_request_duration_seconds_count") == [
                #"alexnet_http_request_duration_seconds_count{route="unmatched"} 101"#
            ])
    }

    @Test func `A newly loaded version takes the place of the old one, and of no other model's`() {
        metrics.modelLoaded(model: "a", architecture: "alexnet", version: "1f", at: 1_795_242_660.5, byteCount: 5)
        metrics.modelLoaded(model: "b", architecture: "alexnet", version: "2f", at: 1, byteCount: 5)
        metrics.reload(model: "a", outcome: .failure)
        metrics.reload(model: "a", outcome: .success)
        metrics.modelLoaded(model: "a", architecture: "caffe", version: "3f", at: 1_795_242_661, byteCount: 5)
        #expect(
            samples("alexnet_model_info") == [
                #"alexnet_model_info{model="a",architecture="caffe",version="3f"} 1"#,
                #"alexnet_model_info{model="b",architecture="alexnet",version="2f"} 1"#,
            ])
        #expect(
            samples("alexnet_model_loaded_timestamp_seconds") == [
                #"alexnet_model_loaded_timestamp_seconds{model="a"} 1795242661"#,
                #"alexnet_model_loaded_timestamp_seconds{model="b"} 1"#,
            ])
        #expect(
            samples("alexnet_model_reloads_total") == [
                #"alexnet_model_reloads_total{model="a",outcome="failure"} 1"#,
                #"alexnet_model_reloads_total{model="a",outcome="postponed"} 0"#,
                #"alexnet_model_reloads_total{model="a",outcome="success"} 1"#,
                #"alexnet_model_reloads_total{model="a",outcome="unchanged"} 0"#,
                #"alexnet_model_reloads_total{model="b",outcome="failure"} 0"#,
                #"alexnet_model_reloads_total{model="b",outcome="postponed"} 0"#,
                #"alexnet_model_reloads_total{model="b",outcome="success"} 0"#,
                #"alexnet_model_reloads_total{model="b",outcome="unchanged"} 0"#,
            ])
        metrics.modelRemoved(model: "a")
        #expect(samples("alexnet_model_info").count == 1)
        #expect(samples("alexnet_model_loaded_timestamp_seconds").count == 1)
    }

    @Test func `Everything else lands in its own metric`() {
        metrics.connectionOpened()
        metrics.connectionOpened()
        metrics.connectionClosed()
        metrics.queueDepth(7, of: "a", 3)
        metrics.queueWait(.milliseconds(250))
        metrics.batchSize(1)
        metrics.batchSize(9)
        metrics.decode(.milliseconds(500))
        metrics.preprocess(.seconds(2))
        metrics.inference(model: "a", .seconds(3))
        metrics.prediction(model: "a", class: "T-shirt/\"top\"")
        metrics.rejected(reason: .queueFull)
        #expect(samples("alexnet_http_connections") == ["alexnet_http_connections 1"])
        #expect(samples("alexnet_queue_depth") == ["alexnet_queue_depth 7"])
        #expect(samples("alexnet_queue_wait_seconds_sum") == ["alexnet_queue_wait_seconds_sum 0.25"])
        #expect(
            samples("alexnet_batch_size_bucket") == [
                #"alexnet_batch_size_bucket{le="1"} 1"#, #"alexnet_batch_size_bucket{le="2"} 1"#,
                #"alexnet_batch_size_bucket{le="4"} 1"#, #"alexnet_batch_size_bucket{le="8"} 1"#,
                #"alexnet_batch_size_bucket{le="16"} 2"#, #"alexnet_batch_size_bucket{le="32"} 2"#,
                #"alexnet_batch_size_bucket{le="64"} 2"#, #"alexnet_batch_size_bucket{le="128"} 2"#,
                #"alexnet_batch_size_bucket{le="+Inf"} 2"#,
            ])
        #expect(samples("alexnet_decode_seconds_sum") == ["alexnet_decode_seconds_sum 0.5"])
        #expect(samples("alexnet_preprocess_seconds_sum") == ["alexnet_preprocess_seconds_sum 2"])
        #expect(samples("alexnet_inference_seconds_sum") == [#"alexnet_inference_seconds_sum{model="a"} 3"#])
        #expect(
            samples("alexnet_predictions_total") == [
                #"alexnet_predictions_total{model="a",class="T-shirt/\"top\""} 1"#
            ])
        #expect(
            samples("alexnet_rejected_total").filter { !$0.hasSuffix(" 0") } == [
                #"alexnet_rejected_total{reason="queue_full"} 1"#
            ])
    }

    @Test func `docs/reference/metrics.md names every metric, reason and outcome, and no others`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/reference/metrics.md"), encoding: .utf8)
        metrics.countLostLines(of: LogWriter(descriptor: -1, maxByteCount: 1) { "\($0)\n" })
        let names = metrics.registry.names
        for name in names { #expect(text.contains("| `\(name)` |"), "\(name) has no row") }
        for reason in RejectionReason.allCases { #expect(text.contains("`\(reason.rawValue)`")) }
        for outcome in ReloadOutcome.allCases { #expect(text.contains("`\(outcome.rawValue)`")) }
        let mentioned = text.matches(of: /\b(alexnet|process)_[a-z_]+/).map { String($0.output.0) }
        #expect(mentioned.count > names.count)
        for name in mentioned {
            let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) && !names.contains(name) }
                .map { String(name.dropLast($0.count)) }
            #expect(names.contains(family ?? name), "\(name) is no metric")
        }
    }
}
