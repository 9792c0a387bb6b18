import Foundation
import HTTPServer
import HTTPTypes
import Inference
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct ImageUploadTests {
    private func upload(_ body: RequestBody, type: String? = nil, maxCount: Int = 3) throws -> [ImageUpload.Image] {
        var fields = HTTPFields()
        if let type { fields[.contentType] = type }
        let type = ImageUpload.mediaType(of: Request(method: .post, headerFields: fields))
        return try ImageUpload(body, type: type, limit: .init(count: maxCount, key: "key")).images
    }

    @Test(arguments: ["image/jpeg", "IMAGE/PNG", "application/octet-stream", "image/webp; q=1", nil])
    func `a raw body is one image, with any image type or none`(_ type: String?) throws {
        #expect(try upload(.bytes([1, 2]), type: type) == [ImageUpload.Image(bytes: [1, 2])])
    }

    @Test func `files, fields named image, and those of an image's type are images; other fields are not`() throws {
        let parts = [
            Part(name: "note", filename: nil, contentType: nil, bytes: [9]),
            Part(name: "image", filename: nil, contentType: nil, bytes: [1]),
            Part(name: "photo", filename: "b.jpg", contentType: nil, bytes: [2]),
            Part(name: "photo", filename: "", contentType: nil, bytes: []),
            Part(name: "photo", filename: nil, contentType: "Image/HEIC", bytes: [3]),
            Part(name: "note", filename: nil, contentType: "text/plain", bytes: [4]),
        ]
        #expect(
            try upload(.multipart(parts)) == [
                ImageUpload.Image(bytes: [1]), ImageUpload.Image(bytes: [2], filename: "b.jpg"),
                ImageUpload.Image(bytes: [3]),
            ])
        #expect(throws: UploadError.empty) { try upload(.multipart([parts[3]])) }
        #expect(throws: UploadError.noImageInForm(fields: ["note"])) { try upload(.multipart([parts[0]])) }
        #expect(throws: UploadError.noImageInForm(fields: [])) { try upload(.multipart([])) }
    }

    @Test func `a file name instead of the file is answered with the right curl command`() throws {
        func part(_ text: String, filename: String? = nil) -> Part {
            Part(name: "image", filename: filename, contentType: nil, bytes: Array(text.utf8)[...])
        }
        let error = #expect(throws: UploadError.nameInsteadOfFile("cats/My cat.JPG")) {
            try upload(.multipart([part("cats/My cat.JPG")]))
        }
        #expect(error?.description.hasSuffix("-F image=@cats/My cat.JPG.") == true)
        #expect(error?.status == .badRequest)
        for parts in [
            [part("cat.jpg", filename: "cat.jpg")], [part("cat")], [part("cat.jpg"), part("x", filename: "x")],
        ] {
            #expect(try upload(.multipart(parts)).count == parts.count)
        }
    }

    @Test func `JSON holds one image or several`() throws {
        func json(_ text: String) throws -> [[UInt8]] {
            try upload(.bytes(Array(text.utf8)), type: "application/json; charset=utf-8").map { Array($0.bytes) }
        }
        #expect(try json(#"{"image": "AQI="}"#) == [[1, 2]])
        #expect(try json(#"{"image": "AQ\nI=\r\n"}"#) == [[1, 2]])
        #expect(try json(#"{"images": ["AQ==", "data:image/png;base64,Ag=="]}"#) == [[1], [2]])
        #expect(throws: UploadError.noImageInJSON) { try json(#"{"images": []}"#) }
        #expect(throws: UploadError.noImageInJSON) { try json(#"{"picture": "AQ=="}"#) }
        #expect(throws: UploadError.malformedJSON) { try json(#"{"image": 5}"#) }
        #expect(throws: UploadError.malformedJSON) { try json(#"["AQ=="]"#) }
        #expect(throws: UploadError.malformedJSON) { try json("") }
        #expect(throws: UploadError.notBase64(index: 1)) { try json(#"{"images": ["AQ==", "A"]}"#) }
        #expect(throws: UploadError.notBase64(index: 0)) { try json(#"{"image": ""}"#) }
    }

    @Test func `JSON without a Content-Type is recognised; with a wrong one the right one is named`()
        throws
    {
        let text = "\u{FEFF} \n {\"image\": \"AQI=\"}"
        #expect(ImageUpload.guessedType(of: .bytes(Array(text.utf8))) == "application/json")
        #expect(ImageUpload.guessedType(of: .bytes(Array("[1]".utf8))) == "application/json")
        #expect(ImageUpload.guessedType(of: .bytes([0xFF, 0xD8, 0xFF])) == nil)
        #expect(ImageUpload.guessedType(of: .bytes([])) == nil)
        #expect(ImageUpload.guessedType(of: .multipart([])) == nil)
        for type in ["application/octet-stream", "image/jpeg", "text/plain", "application/x-www-form-urlencoded"] {
            let error = #expect(throws: UploadError.unannouncedJSON(type: type)) {
                try upload(.bytes(Array(#"{"image": "AQI="}"#.utf8)), type: type)
            }
            #expect(error?.description.contains("send Content-Type: application/json") == true)
            #expect(error?.status == .unsupportedMediaType)
        }
        let form = #expect(throws: UploadError.self) {
            try upload(.bytes([0xFF, 0xD8]), type: "application/x-www-form-urlencoded")
        }
        #expect(form?.description.contains("curl -d and --data-binary") == true)
    }

    @Test func `JSON may have 1,024 other values, and not one more`() throws {
        func json(_ count: Int) throws -> Int {
            let values = Array(repeating: "1", count: count).joined(separator: ",")
            let text = #"{"image": "AQ==", "note": {"of": [\#(values)]}}"#
            return try upload(.bytes(Array(text.utf8)), type: "application/json").count
        }
        // The object and the array are values too.
        #expect(try json(1024 - 2) == 1)
        #expect(throws: UploadError.crowdedJSON(limit: .init(count: 3, key: "key"))) { try json(1024 - 1) }
    }

    @Test(
        arguments: [
            ("+/8=", [0xFB, 0xFF]), ("-_8", [0xFB, 0xFF]), (#"+\/8="#, [0xFB, 0xFF]),
            (#"\u002B\u002f8="#, [0xFB, 0xFF]),
            (#"A Q\tI\r\nD"#, [1, 2, 3]), ("data:image/png;base64,AQID", [1, 2, 3]), ("AQ", [1]), ("AQ==", [1]),
            ("AQI", [1, 2]), ("AQIDBAUGBwgJ", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ] as [(String, [UInt8])])
    func `base64 comes in both alphabets, with blanks, escapes and data URLs, padded or not`(
        _ text: String, _ bytes: [UInt8]
    ) throws {
        let body = Array(#"{"image":"\#(text)"}"#.utf8)
        #expect(try upload(.bytes(body), type: "application/json") == [ImageUpload.Image(bytes: bytes[...])])
    }

    @Test(arguments: [
        "A", "AQ=", "AQ===", "AQID=", "A=Q=", "AQ==AQ==", "AQI!", #"AQ\b"#, #"AQ\u005cn"#, "é", "data:,", " ",
    ])
    func `malformed base64 is refused`(_ text: String) {
        #expect(throws: UploadError.notBase64(index: 0)) {
            try upload(.bytes(Array(#"{"image":"\#(text)"}"#.utf8)), type: "application/json")
        }
    }

    @Test func `null is no image, repeated members are refused, and excess images are counted`() throws {
        func json(_ text: String) throws -> [[UInt8]] {
            try upload(.bytes(Array(text.utf8)), type: "application/json").map { Array($0.bytes) }
        }
        #expect(try json(#"{"images": ["Ag=="], "image": "AQ=="}"#) == [[1], [2]])
        #expect(try json(#"{"image": null, "images": ["Ag=="]}"#) == [[2]])
        #expect(throws: UploadError.malformedJSON) { try json(#"{"image": "AQ==", "image": "Ag=="}"#) }
        #expect(throws: UploadError.malformedJSON) { try json(#"{"image": "AQ=="} x"#) }
        #expect(throws: UploadError.tooManyImages(found: 5, limit: .init(count: 3, key: "key"))) {
            try json(#"{"images": ["AQ==", "AQ==", "AQ==", "AQ==", "AQ=="]}"#)
        }
    }

    @Test(arguments: [1, 3])
    func `as many as the limit, and not one more`(_ limit: Int) throws {
        let parts = (0...limit).map { Part(name: "image", filename: "\($0)", contentType: nil, bytes: [1]) }
        #expect(try upload(.multipart(Array(parts.dropLast())), maxCount: limit).count == limit)
        #expect(throws: UploadError.tooManyImages(found: limit + 1, limit: .init(count: limit, key: "key"))) {
            try upload(.multipart(parts), maxCount: limit)
        }
    }

    @Test func `the limit is the configuration's, or the queue's where that is smaller`() {
        var settings = Settings()
        #expect(ImageUpload.CountLimit(settings) == .init(count: 64, key: "images.max_per_request"))
        settings.batching.queueCapacity = 64
        #expect(ImageUpload.CountLimit(settings) == .init(count: 64, key: "images.max_per_request"))
        settings.batching.queueCapacity = 63
        #expect(ImageUpload.CountLimit(settings) == .init(count: 63, key: "batching.queue_capacity"))
        var own = BatchingDescription()
        own.queueCapacity = 62
        #expect(
            ImageUpload.CountLimit(settings, own: own) == .init(count: 62, key: "the model's queue_capacity"))
        own.queueCapacity = 64
        #expect(
            ImageUpload.CountLimit(settings, own: own) == .init(count: 64, key: "images.max_per_request"))
    }

    @Test(arguments: ["text/html", "application/x-www-form-urlencoded", "imagery"])
    func `other media types are refused`(_ type: String) {
        #expect(throws: UploadError.unsupportedType(type)) { try upload(.bytes([1]), type: type) }
    }

    @Test func `an empty body is refused`() {
        #expect(throws: UploadError.empty) { try upload(.bytes([])) }
    }
}
