import Foundation
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct PreprocessingDescriptionTests {
    private func decoded(_ json: String) throws -> PreprocessingDescription {
        struct Model: Decodable { let preprocessing: PreprocessingDescription }
        return try JSONDecoder().decode(Model.self, from: Data("{\"preprocessing\": \(json)}".utf8)).preprocessing
    }

    @Test func `Every preset has a name`() throws {
        for preset in Preprocessing.Preset.allCases {
            #expect(try decoded("\"\(preset.rawValue)\"") == .preset(preset))
        }
    }

    @Test func `A preset written as steps equals the preset`() throws {
        let imagenet = try decoded(
            """
            {"colour": "rgb", "resize": {"mode": "shortest", "side": 256}, "crop": 224, "scale": "unit",
             "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}
            """)
        #expect(try Preprocessing(imagenet, input: [3, 224, 224]) == .preset(.imagenet, input: [3, 224, 224]))
        let caffe = try decoded(
            """
            {"colour": "bgr", "resize": {"mode": "stretch", "height": 227, "width": 227}, "crop": [227, 227],
             "scale": "byte", "mean": [104, 117, 124], "deviation": [1, 1, 1]}
            """)
        #expect(try Preprocessing(caffe, input: [3, 227, 227]) == .preset(.caffe, input: [3, 227, 227]))
        #expect(try Preprocessing(decoded("{}"), input: [1, 28, 28]) == .preset(.unit, input: [1, 28, 28]))
    }

    @Test(arguments: [
        (
            "\"imagnet\"",
            "There is no preprocessing preset 'imagnet'; the presets are stretch, imagenet, caffe, unit."
        ),
        ("7", "The preprocessing's 'preprocessing' must be a preset's name or an object of steps."),
        (
            "{\"color\": \"rgb\"}",
            "The preprocessing has no field 'color'; its fields here are colour, resize, crop, scale, mean, deviation."
        ),
        ("{\"colour\": \"rbg\"}", "The preprocessing's 'colour' cannot be 'rbg'; it is one of grey, rgb, bgr."),
        ("{\"colour\": 3}", "The preprocessing's 'colour' must be a word."),
        ("{\"scale\": \"percent\"}", "The preprocessing's 'scale' cannot be 'percent'; it is one of unit, byte."),
        ("{\"mean\": 0.5}", "The preprocessing's 'mean' must be an array of numbers."),
        ("{\"mean\": [0.5]}", "The preprocessing's 'mean' has 1 numbers; it needs 3, one for each channel."),
        (
            "{\"deviation\": [1, 0, 1]}",
            "The preprocessing's 'deviation' contains a zero; normalisation divides by it."
        ),
        ("{\"crop\": \"big\"}", "The preprocessing's 'crop' must be a side, or an array of height and width."),
        ("{\"crop\": [1, 2, 3]}", "The preprocessing's 'crop' must be a side, or an array of height and width."),
        ("{\"crop\": 0}", "The preprocessing's 'crop' is 0 pixels; it must be 1 to 4096."),
        (
            "{\"crop\": 100}",
            "The preprocessing produces the shape [3, 100, 100], but the network's input is [3, 224, 224]."
        ),
        (
            "{\"colour\": \"grey\"}",
            "The preprocessing produces the shape [1, 224, 224], but the network's input is [3, 224, 224]."
        ),
        ("{\"resize\": \"stretch\"}", "The preprocessing's 'resize' must be an object."),
        ("{\"resize\": {\"side\": 256}}", "The preprocessing's field 'resize.mode' is missing."),
        ("{\"resize\": {\"mode\": \"shortest\"}}", "The preprocessing's field 'resize.side' is missing."),
        (
            "{\"resize\": {\"mode\": \"fit\"}}",
            "The preprocessing's 'resize.mode' cannot be 'fit'; it is one of stretch, shortest."
        ),
        (
            "{\"resize\": {\"mode\": \"shortest\", \"side\": 256, \"width\": 3}}",
            "The preprocessing has no field 'resize.width'; its fields here are mode, side."
        ),
        (
            "{\"resize\": {\"mode\": \"shortest\", \"side\": 99999}}",
            "The preprocessing's 'resize.side' is 99999 pixels; it must be 1 to 4096."
        ),
    ])
    func `An invalid description is refused with one sentence`(_ json: String, _ sentence: String) {
        let error = #expect(throws: PreprocessingError.self) {
            try Preprocessing(decoded(json), input: [3, 224, 224])
        }
        #expect(error?.description == sentence)
    }
}
