extension UnsafeMutableBufferPointer {
    /// Where an element lies, for kernels that take addresses.
    func address(of index: Int) -> UnsafeMutablePointer<Element> {
        guard let baseAddress, index <= count else {
            preconditionFailure("element \(index) of \(count) has no address")
        }
        return baseAddress + index
    }
}
