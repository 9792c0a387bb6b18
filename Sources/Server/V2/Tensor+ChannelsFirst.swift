import Inference

extension Tensor {
    /// A network's input from a picture whose channels lie one after the other; their order is left as it is.
    ///
    /// Shape: `[C, H, W]` by `value`, told an offset of `0..<C * H * W`; `[H, W, C]` as the tensor, see
    /// ``Preprocessing/tensorShape``.
    init(channelsFirst channelCount: Int, _ height: Int, _ width: Int, value: (_ offset: Int) -> Float) {
        let area = height * width
        self.init([height, width, channelCount]) { output in
            for channel in 0..<channelCount {
                for pixel in 0..<area {
                    output.initializeElement(at: pixel * channelCount + channel, to: value(channel * area + pixel))
                }
            }
        }
    }
}
