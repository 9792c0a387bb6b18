import Foundation
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Loading a model", .timeLimit(.minutes(3)))
struct ModelLoaderTests {
    private let loader = ModelLoader(workers: WorkerPool(threadCount: 2))

    private func load(_ tiny: TinyModel) throws -> Model { try loader.load(ModelFiles(folder: tiny.folder.path)) }

    private func image(_ model: Model) -> Tensor {
        var random = RandomValues(seed: 4)
        return random.tensor(model.network.inputShape).channelsLast
    }

    @Test func `a folder with a checkpoint and a class map is enough`() throws {
        let model = try load(try TinyModel())
        #expect(model.name == "tiny")
        #expect(model.architecture == "alexnet")
        #expect(model.classes.names == ["class 0", "class 1", "class 2"])
        #expect(model.network.inputShape == [3, 224, 224])
        #expect(model.network.outputShape == [3])
        #expect(model.preprocessing == .preset(.imagenet, input: [3, 224, 224]))
        #expect(model.checkpointFormat == .safetensors)
        #expect(model.version.count == 12)
        let output = model.logits([image(model)])[0]
        #expect(output.count == 3 && output.allSatisfy(\.isFinite))
    }

    @Test func `the two files that a tutorial leaves behind are enough`() throws {
        let tiny = try TinyModel()
        try tiny.write("names.txt", "x\ny\nz")
        let files = ModelFiles(
            checkpoint: tiny.path("model.safetensors"), classes: tiny.path("names.txt"), preprocessing: .stretch)
        let model = try loader.load(files)
        #expect(model.name == "model")
        #expect(model.classes.names == ["x", "y", "z"])
        #expect(model.preprocessing == .preset(.stretch, input: [3, 224, 224]))
        let beside = try loader.load(ModelFiles(checkpoint: tiny.path("model.safetensors"), classes: nil))
        #expect(beside.classes.names == ["class 0", "class 1", "class 2"])
    }

    @Test func `the version is that of the files' contents: weights, classes and description`() throws {
        let tiny = try TinyModel()
        let first = try load(tiny).version
        try tiny.writeCheckpoint(seed: 1)
        #expect(try load(tiny).version == first)
        try tiny.writeCheckpoint(seed: 2)
        let second = try load(tiny).version
        #expect(second != first)
        try tiny.write("class_indices.json", #"["p", "q", "r"]"#)
        let third = try load(tiny).version
        #expect(third != second)
        try tiny.write("model.json", #"{"preprocessing": "unit"}"#)
        #expect(try load(tiny).version != third)
    }

    @Test func `what model.json says overrules what is inferred`() throws {
        let tiny = try TinyModel()
        try tiny.writeCheckpoint("other.safetensors", seed: 9)
        try tiny.write("labels.json", #"{"a": 0, "b": 1, "c": 2}"#)
        try tiny.write(
            "model.json",
            """
            {"architecture": "alexnet_half_width", "checkpoint": "other.safetensors", "classes": "labels.json",
             "preprocessing": {"mean": [0.1, 0.2, 0.3]}}
            """)
        let model = try load(tiny)
        #expect(model.architecture == "alexnet_half_width")
        #expect(model.classes.names == ["a", "b", "c"])
        #expect(model.preprocessing.mean == [0.1, 0.2, 0.3])
    }

    @Test func `a layer's algorithm can be demanded in model.json`() throws {
        let tiny = try TinyModel()
        try tiny.write("model.json", #"{"algorithms": {"features.3": "im2row-blas", "features.0": "winograd-2x2"}}"#)
        let chosen = try load(tiny).profile(batchSize: 1).steps
        #expect(chosen.first { $0.node == "features.3" }?.algorithm == "im2row-blas")
        #expect(chosen.first { $0.node == "features.0" }?.algorithm == "winograd-2x2")
    }

    @Test func `the paper's form takes its normalisation from model.json`() throws {
        let tiny = try TinyModel()
        try tiny.write("model.json", #"{"architecture": "alexnet_2012"}"#)
        let caffe = try load(tiny)
        #expect(caffe.network.inputShape == [3, 227, 227])
        try tiny.write(
            "model.json",
            #"{"architecture": "alexnet_2012", "local_response_norm": {"alpha": 0.5, "convention": "tensorflow"}}"#)
        let tensorflow = try load(tiny)
        #expect(caffe.logits([image(caffe)]) != tensorflow.logits([image(tensorflow)]))
    }

    @Test(arguments: [
        ("{", "model.json cannot be used: it is not well-formed JSON."),
        ("[]", "model.json cannot be used: it is not a JSON object."),
        (#"{"classes": 5}"#, "model.json cannot be used: \"classes\" is not a String."),
        (
            #"{"architectur": "alexnet"}"#,
            "model.json cannot be used: \"architectur\" is unknown; known are architecture, checkpoint, classes, "
                + "preprocessing, precision, batching, algorithms, training, tensors, local_response_norm, "
                + "activation, pooling, padding, output, prefix, pool_size, input_size, transform_input."
        ),
        (
            #"{"algorithms": {"features.3": "abacus"}}"#,
            "model.json cannot be used: algorithms.features.3 is \"abacus\"; known there are winograd-2x2, winograd-3x3, "
                + "winograd-4x4, im2row, im2row-blas."
        ),
        (
            #"{"algorithms": {"feature.3": "im2row"}}"#,
            "model.json cannot be used: algorithms names the layer \"feature.3\"; the network has features.0, relu1, pool1, "
                + "features.3, relu2, pool2, features.6, relu3, features.8, relu4, features.10, relu5, pool5, avgpool, "
                + "flatten, classifier.1, relu6, classifier.4, relu7, classifier.6."
        ),
        (
            #"{"architecture": "resnet"}"#,
            "model.json asks for architecture \"resnet\"; known are alexnet_half_width, alexnet, alexnet_2012, "
                + "alexnet_one_tower, alexnet_bn, alexnet_one_channel, alexnet_d2l, alexnet_cifar, alexnet_cifar_11x11, "
                + "lenet5, lenet5_colour, lenet5_28, lenet5_28_unpadded, vgg11, vgg13, vgg16, vgg19, "
                + "vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn, googlenet, resnet18, resnet34, resnet50, resnet101, resnet152, "
                + "resnext50_32x4d, resnext101_32x8d, resnext101_64x4d, wide_resnet50_2, wide_resnet101_2."
        ),
        (
            #"{"activation": "gelu"}"#,
            "model.json cannot be used: activation is \"gelu\"; known are none, relu, tanh, sigmoid."
        ),
        (
            #"{"padding": 17}"#, "model.json cannot be used: padding is 17; it takes 0 to 16."
        ),
        (
            #"{"pool_size": 0}"#, "model.json cannot be used: pool_size is 0; it takes 1 to 16."
        ),
        (
            #"{"input_size": 4097}"#, "model.json cannot be used: input_size takes 1 to 4096 pixels a side."
        ),
        (
            #"{"input_size": [224]}"#,
            "model.json cannot be used: input_size takes one number or [height, width], not 1 numbers."
        ),
        (
            #"{"output": "tanh"}"#,
            "model.json cannot be used: output is \"tanh\"; \"softmax\" and \"sigmoid\" are known."
        ),
        (
            #"{"output": "sigmoid"}"#,
            "model.json cannot be used: output is \"sigmoid\", which is for networks of one output; this one has 3."
        ),
        (
            #"{"transform_input": false}"#,
            "model.json cannot be used: transform_input is for googlenet; the network is alexnet."
        ),
        (#"{"transform_input": 1}"#, "model.json cannot be used: \"transform_input\" is not a Bool."),
        (
            #"{"checkpoint": "../../etc/passwd"}"#,
            "model.json names ../../etc/passwd, which is not a plain file name; files stand beside model.json."
        ),
        (
            #"{"local_response_norm": {"convention": "mxnet"}}"#,
            "model.json cannot be used: local_response_norm.convention is \"mxnet\"; \"caffe\" and \"tensorflow\" "
                + "are known."
        ),
        (
            #"{"precision": "bfloat16"}"#,
            "model.json cannot be used: precision is \"bfloat16\"; \"float32\", \"float16\" and \"int8-weights\" are known."
        ),
        (#"{"precision": 16}"#, "model.json cannot be used: \"precision\" is not a String."),
        (
            #"{"preprocessing": "stretched"}"#,
            "There is no preprocessing preset 'stretched'; the presets are stretch, imagenet, caffe, unit."
        ),
    ])
    func `a model.json that cannot be followed is refused with the reason`(_ json: String, _ sentence: String) throws {
        let tiny = try TinyModel()
        try tiny.write("model.json", json)
        let error = #expect(throws: ModelError.self) { try load(tiny) }
        #expect(error?.description == sentence)
    }

    @Test
    func `a network with an adaptive pool takes the size that its preprocessing ends in, or that input_size says`()
        throws
    {
        let tiny = try TinyModel()
        for (json, shape) in [
            (#"{"preprocessing": {"crop": 128}}"#, [3, 128, 128]),
            (#"{"preprocessing": {"resize": {"mode": "stretch", "height": 96, "width": 160}}}"#, [3, 96, 160]),
            (#"{"input_size": 256}"#, [3, 256, 256]), (#"{"input_size": [200, 300]}"#, [3, 200, 300]),
            (#"{"input_size": 256, "preprocessing": {"resize": {"mode": "shortest", "side": 300}}}"#, [3, 256, 256]),
        ] {
            try tiny.write("model.json", json)
            let model = try load(tiny)
            #expect(model.network.inputShape == Shape(shape), "\(json)")
            #expect(model.preprocessing.outputShape == Shape(shape), "\(json)")
        }
        try tiny.write("model.json", #"{"input_size": 32}"#)
        let error = #expect(throws: ModelError.self) { try load(tiny) }
        #expect(
            error?.description
                == "\(tiny.path("model.safetensors")): the network cannot take its input: with an input of 32×32 and a padding "
                + "of 2 in \"features.0\" the maps become smaller than a window; say \"input_size\" in model.json.")
    }

    @Test func `a network of one size crops what is larger, and refuses what its preprocessing makes smaller`() throws {
        let tiny = try TinyModel()
        func json(_ extent: Int) -> String {
            #"{"architecture": "alexnet_half_width", "preprocessing": {"resize": {"mode": "stretch", "height": \#(extent), "width": \#(extent)}}}"#
        }
        try tiny.write("model.json", json(256))
        #expect(try load(tiny).network.inputShape == [3, 224, 224])
        try tiny.write("model.json", json(128))
        #expect(
            throws: ModelError.preprocessing(.outputMismatch(found: [3, 128, 128], expected: [3, 224, 224]))
        ) { try load(tiny) }
    }

    @Test func `one output is a sigmoid's, with a name for yes, or for no and yes`() throws {
        let tiny = try TinyModel(classCount: 1)
        let single = try load(tiny)
        let image = image(single)
        let logit = single.logits([image])[0]
        #expect(logit.count == 1)
        let yes = 1 / (1 + exp(-logit[0]))
        #expect(abs(Softmax.probabilities(of: logit)[0] - yes) < 1e-6)
        #expect(yes != 1)
        #expect(single.assumptions.contains { $0.line == #""output": "sigmoid""# })

        try tiny.write("class_indices.json", #"["cat", "dog"]"#)
        try tiny.write("model.json", #"{"architecture": "alexnet", "output": "sigmoid"}"#)
        let both = try load(tiny)
        #expect(both.assumptions.map(\.line) == [#""preprocessing": "imagenet" (or what the training did)"#])
        let logits = both.logits([image])[0]
        #expect(logits == [0, logit[0]])
        let answer = Classification(logits: logits, classes: both.classes, top: 2)
        #expect(answer.best.label == (logit[0] > 0 ? "dog" : "cat"))
        #expect(abs(answer.best.probability - max(yes, 1 - yes)) < 1e-6)

        try tiny.write("model.json", #"{"output": "softmax"}"#)
        #expect(throws: ModelError.self) { try load(tiny) }
        try tiny.remove("model.json")
        try tiny.write("class_indices.json", #"["a", "b", "c"]"#)
        #expect(throws: ModelError.classes(file: tiny.path("class_indices.json"), .countMismatch(names: 3, outputs: 1)))
        { try load(tiny) }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `weights that are not finite are refused by name`(_ value: Float) throws {
        let tiny = try TinyModel()
        try tiny.writeCheckpoint(replacing: value)
        #expect(
            throws: ModelError.checkpoint(
                file: tiny.path("model.safetensors"), .nonFinite(name: "classifier.6.bias", index: 2, value: "\(value)")
            )
        ) { try load(tiny) }
    }

    @Test func `finite weights that overflow on the way are refused`() throws {
        let tiny = try TinyModel()
        try tiny.writeCheckpoint(replacing: 3e38)
        #expect(throws: Never.self) { try load(tiny) }
        var file = TinyModel.checkpoint(classCount: 3, seed: 1)
        // The last two tensors are classifier.6.weight, 24 values, and its bias.
        for value in 0..<27 {
            withUnsafeBytes(of: Float(3e38)) {
                file.replaceSubrange(file.count - 108 + 4 * value..<file.count - 104 + 4 * value, with: $0)
            }
        }
        try Data(file).write(to: tiny.folder.appendingPathComponent("model.safetensors"))
        #expect(throws: ModelError.nonFiniteOutput) { try load(tiny) }
    }

    @Test func `a class map of another count is refused`() throws {
        let tiny = try TinyModel()
        try tiny.writeCheckpoint(classCount: 4)
        #expect(throws: ModelError.classes(file: tiny.path("class_indices.json"), .countMismatch(names: 3, outputs: 4)))
        { try load(tiny) }
    }

    @Test func `a model.json that is added later counts from the next load on`() throws {
        let tiny = try TinyModel()
        let files = try ModelFiles(folder: tiny.folder.path)
        #expect(try loader.load(files).architecture == "alexnet")
        try tiny.write("model.json", #"{"architecture": "alexnet_half_width"}"#)
        #expect(try loader.load(files).architecture == "alexnet_half_width")
    }

    @Test func `an unknown network is refused`() throws {
        let tiny = try TinyModel()
        let text = Array(
            #"{"fc.weight":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"fc.bias":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
                .utf8)
        let file =
            withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text + [UInt8](repeating: 0, count: 8)
        try Data(file).write(to: tiny.folder.appendingPathComponent("model.safetensors"))
        let error = #expect(throws: ModelError.self) { try load(tiny) }
        guard case .checkpoint(tiny.path("model.safetensors"), .unservedNetwork)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
