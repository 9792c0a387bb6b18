extension PixelImage {
    /// The picture with three channels: a grey one has its channel three times.
    var coloured: PixelImage {
        if channelCount == 3 { return self }
        let pixels = [UInt8](unsafeUninitializedCapacity: pixels.count * 3) { output, count in
            for (index, grey) in self.pixels.enumerated() {
                for channel in 0..<3 { output[3 * index + channel] = grey }
            }
            count = self.pixels.count * 3
        }
        return PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
    }
}
