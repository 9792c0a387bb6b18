import TestSupport

/// Content that is small enough for these cases.
enum Sample {
    static let png = TestPicture.png

    /// A form whose parts are these.
    static func form(_ body: String, boundary: String = "b") -> [UInt8] {
        HTTPCase.post(Array(body.utf8), "Content-Type: multipart/form-data; boundary=\(boundary)")
    }

    /// A form with the picture.
    static func pictureForm(
        before: String = "", start: String = "--b\r\n",
        fields: String = "Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n",
        end: String = "\r\n--b--\r\n", type: String = "multipart/form-data; boundary=b"
    ) -> [UInt8] {
        HTTPCase.post(Array((before + start + fields + "\r\n").utf8) + png + Array(end.utf8), "Content-Type: \(type)")
    }
}

extension HTTPCaseGroup {
    static let contentCodings = HTTPCaseGroup(
        title: "Content-Encoding",
        cases: [
            HTTPCase(
                "identity as a content coding", "RFC 9110 §8.4.1",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Content-Encoding: identity"), [200], .stays
            ),
            HTTPCase(
                "gzip of nothing that is gzip", "RFC 9110 §8.4.1.3",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Content-Encoding: gzip"), [400], .closes),
            HTTPCase(
                "deflate of nothing that is deflate", "RFC 9110 §8.4.1.2",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Content-Encoding: deflate"), [400], .closes
            ),
            HTTPCase(
                "br", "RFC 9110 §15.5.16",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Content-Encoding: br"), [415], .closes),
            HTTPCase(
                "two codings", "RFC 9110 §8.4",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/png", "Content-Encoding: gzip, gzip"), [415],
                .closes),
            HTTPCase(
                "gzip that ends too soon", "RFC 9110 §8.4.1.3",
                bytes: HTTPCase.post(
                    [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], "Content-Type: image/png", "Content-Encoding: gzip"), [400],
                .closes),
        ])

    static let forms = HTTPCaseGroup(
        title: "Forms",
        cases: [
            HTTPCase("a form with an image", "RFC 7578 §4", bytes: Sample.pictureForm(), [200], .stays),
            HTTPCase(
                "text before the first boundary", "RFC 2046 §5.1.1", bytes: Sample.pictureForm(before: "hello\r\n"),
                [200], .stays),
            HTTPCase(
                "no line end after the last boundary", "RFC 2046 §5.1.1", bytes: Sample.pictureForm(end: "\r\n--b--"),
                [200], .stays),
            HTTPCase(
                "blanks after a boundary", "RFC 2046 §5.1.1", bytes: Sample.pictureForm(start: "--b  \r\n"), [200],
                .stays),
            HTTPCase(
                "a boundary in quotation marks", "RFC 2045 §5.1",
                bytes: Sample.pictureForm(type: "multipart/form-data; boundary=\"b\""), [200], .stays),
            HTTPCase(
                "something else after a boundary", "RFC 2046 §5.1.1", bytes: Sample.pictureForm(start: "--bc\r\n"),
                [400], .closes),
            HTTPCase("no last boundary", "RFC 2046 §5.1.1", bytes: Sample.pictureForm(end: "\r\n"), [400], .closes),
            HTTPCase(
                "no boundary in the type", "RFC 7578 §4.1", bytes: Sample.pictureForm(type: "multipart/form-data"),
                [400], .closes),
            HTTPCase(
                "an empty boundary", "RFC 2046 §5.1.1",
                bytes: Sample.pictureForm(type: "multipart/form-data; boundary="), [400], .closes),
            HTTPCase("a form without a part", "RFC 7578 §4", bytes: Sample.form("--b--\r\n"), [400], .stays),
            HTTPCase(
                "a form without an image", "RFC 9110 §15.5.1",
                bytes: Sample.form("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n"), [400],
                .stays),
            HTTPCase(
                "an empty part as the image", "RFC 9110 §15.5.1",
                bytes: Sample.form("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\r\n--b--\r\n"), [400],
                .stays),
            HTTPCase(
                "a part's field without a colon", "RFC 7578 §4.8",
                bytes: Sample.pictureForm(fields: "Content-Disposition\r\n"), [400], .closes),
            HTTPCase(
                "a part's folded field", "RFC 5322 §2.2.3",
                bytes: Sample.pictureForm(fields: "Content-Disposition: form-data;\r\n name=\"image\"\r\n"), [200],
                .stays),
            HTTPCase(
                "a part in base64", "RFC 7578 §4.7",
                bytes: Sample.pictureForm(
                    fields: "Content-Disposition: form-data; name=\"image\"\r\nContent-Transfer-Encoding: base64\r\n"),
                [400], .closes),
            HTTPCase(
                "top in the form", "RFC 7578 §4.2",
                bytes: Sample.pictureForm(
                    start: "--b\r\nContent-Disposition: form-data; name=\"top\"\r\n\r\n1\r\n--b\r\n"), [200], .stays),
            HTTPCase(
                "top twice in the form", "RFC 9110 §15.5.1",
                bytes: Sample.pictureForm(
                    start:
                        "--b\r\nContent-Disposition: form-data; name=\"top\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"top\"\r\n\r\n1\r\n--b\r\n"
                ), [400], .stays),
        ])

    static let images = HTTPCaseGroup(
        title: "Images and JSON",
        cases: [
            HTTPCase("a PNG without a type", "RFC 9110 §8.3", bytes: HTTPCase.post(Sample.png), [200], .stays),
            HTTPCase(
                "a PNG as octets", "RFC 9110 §8.3",
                bytes: HTTPCase.post(Sample.png, "Content-Type: application/octet-stream"), [200], .stays),
            HTTPCase(
                "a PNG that claims to be a JPEG", "RFC 9110 §8.3",
                bytes: HTTPCase.post(Sample.png, "Content-Type: image/jpeg"), [200], .stays),
            HTTPCase(
                "a PNG that is cut off", "RFC 9110 §15.5.1",
                bytes: HTTPCase.post(TestPicture.truncatedPNG, "Content-Type: image/png"), [400], .stays),
            HTTPCase(
                "a PNG of 60,000 by 60,000 pixels", "RFC 9110 §15.5.14",
                bytes: HTTPCase.post(TestPicture.hugePNG, "Content-Type: image/png"), [413], .stays),
            HTTPCase(
                "a GIF", "RFC 9110 §15.5.16", bytes: HTTPCase.post(TestPicture.gif, "Content-Type: image/gif"), [415],
                .stays),
            HTTPCase(
                "a type that is no image", "RFC 9110 §15.5.16",
                bytes: HTTPCase.post(Sample.png, "Content-Type: text/plain"), [415], .stays),
            HTTPCase(
                "JSON that is none", "RFC 8259 §2",
                bytes: HTTPCase.post(Array("{".utf8), "Content-Type: application/json"), [400], .stays),
            HTTPCase(
                "JSON without an image", "RFC 9110 §15.5.1",
                bytes: HTTPCase.post(Array("{}".utf8), "Content-Type: application/json"), [400], .stays),
            HTTPCase(
                "JSON with the image twice", "RFC 8259 §4",
                bytes: HTTPCase.post(Array(#"{"image":"","image":""}"#.utf8), "Content-Type: application/json"), [400],
                .stays),
            HTTPCase(
                "JSON with what is no base64", "RFC 4648 §3.3",
                bytes: HTTPCase.post(Array(#"{"image":"*"}"#.utf8), "Content-Type: application/json"), [400], .stays),
            HTTPCase(
                "JSON nested a thousand times", "RFC 8259 §9",
                bytes: HTTPCase.post(Array(String(repeating: "[", count: 1000).utf8), "Content-Type: application/json"),
                [400], .stays),
            HTTPCase(
                "top of more classes than there are", "RFC 9110 §15.5.1",
                bytes: HTTPCase.post(Sample.png, line: "POST /predict?top=1000 HTTP/1.1"), [200], .stays),
            HTTPCase(
                "top=0", "RFC 9110 §15.5.1", bytes: HTTPCase.post(Sample.png, line: "POST /predict?top=0 HTTP/1.1"),
                [400], .stays),
            HTTPCase(
                "top that is no number", "RFC 9110 §15.5.1",
                bytes: HTTPCase.post(Sample.png, line: "POST /predict?top=x HTTP/1.1"), [400], .stays),
            HTTPCase(
                "top twice in the query", "RFC 9110 §15.5.1",
                bytes: HTTPCase.post(Sample.png, line: "POST /predict?top=1&top=1 HTTP/1.1"), [400], .stays),
        ])
}
