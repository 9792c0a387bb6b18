import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct TenCropTests {
    @Test(arguments: try AugmentationFixtures.load().tens)
    func `the ten crops are torchvision's`(_ expected: AugmentationFixtures.Ten) throws {
        let preprocessing = try Preprocessing(
            colour: .rgb, resize: .shortest(side: 16), crop: (14, 14), scale: .byte, mean: [0, 0, 0],
            deviation: [1, 1, 1])
        let tensor = TenCrop(preprocessing)(AugmentationFixtures.image(expected.picture))
        #expect(tensor.shape == [10, 14, 14, 3])
        let bytes = tensor.scalars.map { UInt8($0) }
        for (index, crop) in expected.bytes.enumerated() {
            #expect(
                AugmentationFixtures.digits(Array(bytes[index * 588..<(index + 1) * 588])) == crop, "crop \(index)")
        }
    }

    @Test func `a stretched image is cut to its edges, in grey too`() {
        let preprocessing = Preprocessing.preset(.unit, input: [1, 7, 14])
        let tensor = TenCrop(preprocessing)(TestScene.image(height: 8, width: 16, channelCount: 1))
        let original = TestScene.image(height: 8, width: 16, channelCount: 1).pixels
        #expect(tensor.shape == [10, 7, 14, 1])
        // 8 and 16 pixels: nothing is resized. The fourth crop ends with the last pixel.
        #expect(tensor.scalars[4 * 98 - 1] == Float(original[127]) / 255)
        #expect(tensor.scalars[0] == Float(original[0]) / 255)
        #expect(tensor.scalars[5 * 98] == Float(original[15]) / 255)
    }
}
