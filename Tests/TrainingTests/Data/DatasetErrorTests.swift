import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct DatasetErrorTests {
    @Test(
        arguments: [
            (
                .image(name: "a/b.png", .empty),
                "a/b.png: The image is empty; send the bytes of a JPEG, PNG or WebP file."
            ),
            (
                .unknownSource(found: "imagenet:/d"),
                "the data \"imagenet:/d\" are neither a folder nor one of fashion-mnist:DIR, mnist:DIR, cifar10:DIR and "
                    + "cifar100:DIR"
            ),
            (.splitOutOfRange(found: 1.5), "the validation split is 1.5, but a number above 0 and below 1 is expected"),
            (
                .nothingToHoldOut(path: "d"),
                "every class of d has one image only, so none can be held out for validation"
            ),
            (.noFolder(path: "d"), "there is no folder d"),
            (.unreadable(path: "d", reason: "Permission denied"), "d cannot be read: Permission denied"),
            (.noClassFolders(path: "d"), "d has no folders, but one for each class is expected"),
            (.emptyClassFolder(path: "d/daisy"), "the class folder d/daisy holds no JPEG, PNG or WebP file"),
            (.noImages(path: "d"), "d holds no JPEG, PNG or WebP file"),
            (.noImages(path: "d", others: "1 GIF"), "d holds no JPEG, PNG or WebP file, only 1 GIF"),
            (.singleClass(path: "d", name: "daisy"), "d has only one class, \"daisy\", but at least two are expected"),
            (
                .classesDiffer(path: "d/train", other: "d/val", name: "daisy"),
                "the class \"daisy\" of d/train is missing in d/val"
            ),
            (.missingFile(path: "d", expected: "test.bin"), "d has no file test.bin"),
            (
                .onlyPythonVersion(path: "d/cifar-10-batches-py"),
                "d/cifar-10-batches-py holds the Python version of the data, but the binary version is expected"
            ),
            (.tooLarge(file: "f", byteCount: 9, limit: 8), "f has 9 bytes, but at most 8 are read"),
            (.corruptCompression(file: "f.gz"), "the gzip file f.gz is corrupt"),
            (
                .cannotInflate(file: "f.gz", byteCount: 3, expected: 9000),
                "the gzip file f.gz of 3 bytes cannot inflate to the 9000 bytes it declares"
            ),
            (.truncated(file: "f", found: 7, expected: 8), "f is truncated: it holds 7 of 8 bytes"),
            (.trailingBytes(file: "f", byteCount: 2), "f is longer than its header says, by at least 2 bytes"),
            (.wrongMagic(file: "f", found: 0x801, expected: 0x803), "f begins with 0x801, but 0x803 is expected"),
            (
                .extentOutOfRange(file: "f", field: "rows", found: 0, limit: 1024),
                "f declares 0 rows, but 1 to 1024 are expected"
            ),
            (
                .countMismatch(images: "i", imageCount: 3, labels: "l", labelCount: 2),
                "i has 3 images, but l has 2 labels"
            ),
            (
                .sizeMismatch(file: "f", found: "1×2", expected: "1×1"),
                "f has images of 1×2 pixels, but 1×1 is expected"
            ),
            (
                .labelOutOfRange(file: "f", index: 5, found: 10, classCount: 10),
                "label 5 of f is 10, but 0 to 9 is expected"
            ),
            (
                .partialRecord(file: "f", byteCount: 10, recordByteCount: 3073),
                "f has 10 bytes, but a positive multiple of 3073 is expected"
            ),
            (.classNameCount(file: "f", found: 2, expected: 10), "f names 2 classes, but 10 are expected"),
            (.notText(file: "f"), "f is not text in UTF-8"),
        ] as [(DatasetError, String)])
    func `each error is one sentence that says what was found and what would be right`(
        error: DatasetError, expected: String
    ) { #expect(error.description == expected) }
}
