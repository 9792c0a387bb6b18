import Files

/// NumPy's arrays.
///
/// - Source: NumPy's `ndarray.__reduce__`, `ndarray.__setstate__` and `numpy.core.numeric._frombuffer`
extension PickleMachine {
    /// `_codecs.encode(text, 'latin1')`: bytes written as text, one character per byte. Empty bytes are written as
    /// `bytes()`.
    ///
    /// A genuine file encodes each text once, so the total is limited to the pickle's length.
    mutating func encoded(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        if arguments.isEmpty { return try heap.makeBytes(ByteRegion(AlignedBuffer(byteCount: 0))) }
        guard arguments.count == 2, let encoding = heap.text(arguments[1]), encoding == "latin1" else {
            return .inert
        }
        let bytes: AlignedBuffer?
        switch arguments[0] {
        case .string(let text):
            try charge(decodedByteCount: text.utf8.count)
            bytes = Array(text.utf8).withUnsafeBytes(Latin1.bytes)
        case .longText(let index):
            let region = heap.longTexts[index]
            try charge(decodedByteCount: region.count)
            bytes = region.withUnsafeBytes(Latin1.bytes)
        default: throw invalid(heap.kind(arguments[0]), "text")
        }
        guard let bytes else { throw invalid("characters beyond Latin-1", "bytes written as text") }
        return try heap.makeBytes(ByteRegion(bytes))
    }

    private mutating func charge(decodedByteCount: Int) throws(CheckpointError) {
        self.decodedByteCount += decodedByteCount
        guard self.decodedByteCount <= cursor.byteCount else {
            throw .limitExceeded(
                what: "bytes of encoded text", found: self.decodedByteCount, limit: cursor.byteCount)
        }
        try budget.charge(textOf: decodedByteCount, for: "a pickle's encoded text")
    }

    /// Makes an array type: `numpy.dtype('f4', False, True)`.
    mutating func arrayType(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard let first = arguments.first, (1...4).contains(arguments.count) else {
            throw invalid("\(arguments.count) arguments", "the name of an array's type")
        }
        guard let name = heap.text(first), name.utf8.count <= 64 else {
            return try object(named: "numpy.dtype", isInstance: true)
        }
        return try heap.make(PickledArrayType(name: name))
    }

    /// BUILD of an array type, from the state `(3, '<', subtype, names, fields, size, alignment, flags)`.
    mutating func fill(arrayType index: Int, with state: PickleValue) throws(CheckpointError) {
        let parts = try items(ofTuple: state)
        guard parts.count >= 5, let byteOrder = heap.text(parts[1]), ["<", ">", "|", "="].contains(byteOrder) else {
            throw invalid("\(parts.count) values", "the state of an array's type")
        }
        heap.arrayTypes[index].byteOrder = byteOrder == "=" ? "<" : byteOrder
        for part in parts[2...4] {
            if case .none = part { continue }
            heap.arrayTypes[index].isStructured = true
        }
    }

    /// Makes an empty array: `numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b'b')`.
    mutating func emptyArray(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard arguments.count == 3 else { throw invalid("\(arguments.count) arguments", "a class, a shape and a type") }
        guard case .callable(.arrayClass) = arguments[0] else {
            if case .callable(.inert(let name)) = arguments[0] { return try object(named: name, isInstance: true) }
            throw invalid(arguments[0].kind, "numpy.ndarray")
        }
        return try heap.make(PickledArray?.none)
    }

    /// BUILD of an array, from the state `(version, shape, dtype, is_fortran, data)`.
    mutating func fill(array index: Int, with state: PickleValue) throws(CheckpointError) {
        let parts = try items(ofTuple: state)
        guard parts.count == 5 else { throw invalid("\(parts.count) values", "the state of an array") }
        if case .object = parts[2] { return }  // not a type of NumPy: the array stays empty
        guard case .arrayType(let type) = parts[2] else {
            throw invalid("\(parts.count) values", "the state of an array")
        }
        let isColumnMajor =
            switch parts[3] {
            case .boolean(let isSet): isSet
            case .integer(let number) where 0...1 ~= number: number == 1
            default: throw invalid(parts[3].kind, "an array's order")
            }
        try heap.fill(
            array: index,
            with: PickledArray(
                extents: try numbers(parts[1]), type: heap.arrayTypes[type], isColumnMajor: isColumnMajor,
                elements: try elements(parts[4], type: heap.arrayTypes[type])))
    }

    /// Makes an array of bytes: `_frombuffer(bytes, dtype, shape, 'C' or 'F')`.
    mutating func arrayFromBuffer(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
        guard arguments.count == 4, case .arrayType(let type) = arguments[1], let order = heap.text(arguments[3]),
            order == "C" || order == "F"
        else { throw invalid("\(arguments.count) arguments", "bytes, a type, a shape and an order") }
        return try heap.make(
            PickledArray(
                extents: try numbers(arguments[2]), type: heap.arrayTypes[type], isColumnMajor: order == "F",
                elements: try elements(arguments[0], type: heap.arrayTypes[type])))
    }

    private func elements(
        _ value: PickleValue, type: PickledArrayType
    ) throws(CheckpointError) -> PickledArray.Elements {
        switch value {
        case .bytes(let index) where !type.isObject: .bytes(heap.bytes[index].region)
        case .list(let index) where type.isObject: .objects(index)
        default: throw invalid(heap.kind(value), type.isObject ? "a list of objects" : "an array's bytes")
        }
    }
}

/// Decodes bytes that were written as text, one Latin-1 character per byte.
enum Latin1 {
    /// The bytes that a UTF-8 text encodes; nil if the text is malformed or has a character above 255.
    static func bytes(of text: UnsafeRawBufferPointer) -> AlignedBuffer? {
        var count = 0
        for byte in text { count &+= byte & 0xC0 == 0x80 ? 0 : 1 }
        let buffer = AlignedBuffer(byteCount: count)
        guard !text.isEmpty, let output = buffer.bytes.baseAddress else { return buffer }
        var target = 0
        var source = 0
        while source < text.count {
            let byte = text[source]
            source += 1
            if byte < 0x80 {
                output.storeBytes(of: byte, toByteOffset: target, as: UInt8.self)
            } else {
                // The characters 128 to 255 start with 0xC2 or 0xC3.
                guard byte & 0xFE == 0xC2, source < text.count, text[source] & 0xC0 == 0x80 else { return nil }
                output.storeBytes(of: byte << 6 | text[source] & 0x3F, toByteOffset: target, as: UInt8.self)
                source += 1
            }
            target += 1
        }
        return buffer
    }
}
