import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct DataSourceTests {
    @Test func `the argument names a folder, or a kind and a folder`() throws {
        #expect(try DataSource("flowers") == DataSource(.folder, path: "flowers"))
        #expect(try DataSource("fashion-mnist:/data") == DataSource(.idx(.fashionMNIST), path: "/data"))
        #expect(try DataSource("mnist:a:b") == DataSource(.idx(.mnist), path: "a:b"))
        #expect(try DataSource("cifar10:.") == DataSource(.cifar(.cifar10), path: "."))
        #expect(try DataSource("cifar100:c") == DataSource(.cifar(.cifar100), path: "c"))
        for argument in ["", "imagenet:/data", "mnist:"] {
            #expect(throws: DatasetError.unknownSource(found: argument)) { try DataSource(argument) }
        }
    }

    private func fill(_ folder: TemporaryFolder, _ place: String, _ counts: [(String, Int)]) throws {
        for (name, count) in counts {
            for index in 0..<count { try folder.write(TestPicture.png, to: "\(place)\(name)/\(index).png") }
        }
    }

    @Test func `a tenth of each class of a plain folder is held out, the same one for the same seed`() throws {
        let folder = try TemporaryFolder()
        try fill(folder, "", [("a", 20), ("b", 3), ("c", 1)])
        let source = try DataSource(folder.path(""))
        let parts = try source.load(seed: 7)
        func names(_ data: any Dataset) -> [String] { (0..<data.count).map(data.name) }
        #expect((0..<parts.validation.count).map(parts.validation.label) == [0, 0, 1])
        #expect((0..<parts.training.count).map(parts.training.label) == Array(repeating: 0, count: 18) + [1, 1, 2])
        #expect(Set(names(parts.training) + names(parts.validation)).count == 24)
        #expect(names(try source.load(seed: 7).validation) == names(parts.validation))
        #expect(names(try source.load(seed: 8).validation) != names(parts.validation))
        #expect(try source.load(validationSplit: 0.5, seed: 7).validation.count == 12)
        #expect(try source.evaluation().count == 24)
        for share in [0, 1, -0.1, 1.5] {
            #expect(throws: DatasetError.splitOutOfRange(found: share)) { try source.load(validationSplit: share) }
        }
    }

    @Test func `a folder of which only the training part is there is split as if it lay there itself`() throws {
        let folder = try TemporaryFolder()
        try fill(folder, "train/", [("a", 4), ("b", 4)])
        let parts = try DataSource(folder.path("")).load(validationSplit: 0.25)
        #expect(parts.training.classNames == ["a", "b"])
        #expect([parts.training.count, parts.validation.count] == [6, 2])
        #expect(try parts.digest == DataSource(folder.path("train")).load().digest)
        #expect(try DataSource(folder.path("")).evaluation().count == 8)
        try fill(folder, "", [("c", 1)])
        for work in [
            { try DataSource(folder.path("")).evaluation() }, { try DataSource(folder.path("")).load().training },
        ] {
            #expect(throws: DatasetError.partAmongClasses(path: folder.path("train"), others: ["c"])) { try work() }
        }
    }

    @Test func `a class may be called as a part is, and parts may be written in capitals`() throws {
        let vehicles = try TemporaryFolder()
        try fill(vehicles, "", [("bus", 2), ("train", 2)])
        #expect(try DataSource(vehicles.path("")).evaluation().classNames == ["bus", "train"])
        // One folder in it is no class of its own.
        let exams = try TemporaryFolder()
        try fill(exams, "", [("homework", 2)])
        try fill(exams, "test/", [("more", 2)])
        #expect(try DataSource(exams.path("")).evaluation().classNames == ["homework", "test"])

        let fruits = try TemporaryFolder()
        try fill(fruits, "Training/", [("apple", 4), ("pear", 4)])
        try fill(fruits, "Test/", [("apple", 1), ("pear", 2)])
        let parts = try DataSource(fruits.path("")).load()
        #expect(parts.training.classNames == ["apple", "pear"])
        #expect([parts.training.count, parts.validation.count] == [8, 3])
    }

    @Test func `folders of one image a class have nothing to hold out`() throws {
        let folder = try TemporaryFolder()
        try fill(folder, "", [("a", 1), ("b", 1)])
        #expect(throws: DatasetError.nothingToHoldOut(path: folder.path(""))) { try DataSource(folder.path("")).load() }
    }

    @Test(arguments: ["val", "valid", "validation", "test"])
    func `folders of their own are used for validation`(name: String) throws {
        let folder = try TemporaryFolder()
        try fill(folder, "train/", [("a", 4), ("b", 4)])
        try fill(folder, "\(name)/", [("a", 1), ("b", 2)])
        let source = try DataSource(folder.path(""))
        let parts = try source.load()
        #expect([parts.training.count, parts.validation.count] == [8, 3])
        #expect(try source.evaluation().count == 3)
        let split = try source.load(validationSplit: 0.25)
        #expect([split.training.count, split.validation.count] == [6, 2])
        try fill(folder, "\(name)/", [("c", 1)])
        #expect(
            throws: DatasetError.classesDiffer(
                path: "\(folder.path(""))/\(name)", other: folder.path("train"), name: "c")
        ) { try source.load() }
        try fill(folder, "train/", [("c", 1), ("d", 1)])
        #expect(
            throws: DatasetError.classesDiffer(
                path: folder.path("train"), other: "\(folder.path(""))/\(name)", name: "d")
        ) { try source.load() }
    }

    @Test func `the published test part validates unless a split is asked for`() throws {
        let folder = try TemporaryFolder()
        for (part, count) in [("train", 20), ("t10k", 4)] {
            let labels = (0..<count).map { UInt8($0 % 2) }
            try folder.write(TestScene.idx([count, 1, 1], labels), to: "\(part)-images-idx3-ubyte")
            try folder.write(TestScene.idx([count], labels), to: "\(part)-labels-idx1-ubyte")
        }
        let source = try DataSource("mnist:" + folder.path(""))
        let parts = try source.load()
        #expect([parts.training.count, parts.validation.count] == [20, 4])
        #expect(try source.evaluation().count == 4)
        let split = try source.load(validationSplit: 0.1, seed: 1)
        #expect([split.training.count, split.validation.count] == [18, 2])
        try folder.write(TestScene.idx([4, 2, 1], Array(0..<8)), to: "t10k-images-idx3-ubyte")
        #expect(
            throws: DatasetError.sizeMismatch(
                file: folder.path("t10k-images-idx3-ubyte"), found: "1×2", expected: "1×1")
        ) { try source.load() }
    }

    @Test func `the digest tells data apart by what they are and not by where they lie`() throws {
        func digest(_ counts: [(String, Int)], _ change: (TemporaryFolder) throws -> Void = { _ in }) throws -> String {
            let folder = try TemporaryFolder()
            try fill(folder, "", counts)
            try change(folder)
            return try DataSource(folder.path("")).load().digest
        }
        let plain = try digest([("a", 3), ("b", 3)])
        #expect(plain.count == 64)
        #expect(try digest([("a", 3), ("b", 3)]) == plain)
        #expect(try digest([("a", 3), ("b", 4)]) != plain)
        #expect(try digest([("a", 3), ("c", 3)]) != plain)
        #expect(try digest([("a", 3), ("b", 3)]) { try $0.write(TestPicture.png + [0], to: "a/0.png") } != plain)
    }
}

@Suite(.timeLimit(.minutes(2))) struct StratifiedSplitTests {
    @Test func `every class gives its share, rounded, but at least one image and never all`() {
        let labels = [0, 0, 0, 0, 0, 1, 1, 2] + Array(repeating: 3, count: 25)
        for (share, expected) in [(0.1, [1, 1, 0, 3]), (0.5, [3, 1, 0, 13]), (0.99, [4, 1, 0, 24])] {
            let split = StratifiedSplit(labels: labels, share: share, seed: 3)
            #expect((0..<4).map { label in split.validation.count { labels[$0] == label } } == expected)
            #expect((split.training + split.validation).sorted() == Array(labels.indices))
            #expect(split.training == split.training.sorted())
        }
    }

    @Test func `the seed decides who is held out`() {
        let labels = Array(repeating: 0, count: 100)
        #expect(
            StratifiedSplit(labels: labels, share: 0.2, seed: 1) == StratifiedSplit(labels: labels, share: 0.2, seed: 1)
        )
        #expect(
            StratifiedSplit(labels: labels, share: 0.2, seed: 1) != StratifiedSplit(labels: labels, share: 0.2, seed: 2)
        )
    }
}
