import Files

/// The layers of a safetensors file whose weights are stored as signed bytes, as `alexnet quantize` writes them.
///
/// A layer `x` has `x.weight` (I8, one row for each output), `x.weight_scale` (F32, `[outputs]`), `x.input_scale` (F32, `[1]`)
/// and `x.input_zero_point` (U8, `[1]`). A layer to whose output a shortcut is added in bytes has `x.addend_scale` and
/// `x.addend_zero_point` as well, of the same types. A weight is its byte times the scale of its output. I8 weights without a
/// `weight_scale` belong to other programs; they are left to the caller.
struct QuantizedTensors {
    /// The names of the tensors that describe quantization.
    enum Part: String, CaseIterable {
        case weight = ".weight"
        case weightScale = ".weight_scale"
        case inputScale = ".input_scale"
        case inputZeroPoint = ".input_zero_point"
        case addendScale = ".addend_scale"
        case addendZeroPoint = ".addend_zero_point"

        fileprivate var scalarName: String {
            switch self {
            case .weight: "I8"
            case .weightScale, .inputScale, .addendScale: "F32"
            case .inputZeroPoint, .addendZeroPoint: "U8"
            }
        }
    }

    /// One tensor as it is in the file.
    private struct Stored {
        let extents: [Int]
        let bytes: ByteRegion

        func float(_ index: Int) -> Float {
            bytes.withUnsafeBytes {
                Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
            }
        }
    }

    /// The layers' names, in the file's order.
    private var stems: [String] = []
    private var parts: [String: [Part: Stored]] = [:]

    /// - Parameter names: the names and types of all tensors of the file.
    init(names: [(name: String, scalarName: String)]) {
        let types = Dictionary(names.map { ($0.name, $0.scalarName) }) { first, _ in first }
        for (name, scalarName) in names where scalarName == Part.weight.scalarName {
            guard name.hasSuffix(Part.weight.rawValue) else { continue }
            let stem = String(name.dropLast(Part.weight.rawValue.count))
            guard types[stem + Part.weightScale.rawValue] == Part.weightScale.scalarName else { continue }
            stems.append(stem)
            parts[stem] = [:]
        }
    }

    /// Takes a tensor that belongs to a quantized layer.
    ///
    /// - Returns: whether it does.
    mutating func take(_ entry: SafetensorsHeader.Entry, _ storage: ByteRegion) -> Bool {
        for part in Part.allCases where entry.name.hasSuffix(part.rawValue) && entry.scalarName == part.scalarName {
            let stem = String(entry.name.dropLast(part.rawValue.count))
            guard parts[stem] != nil else { continue }
            parts[stem]?[part] = Stored(extents: entry.extents, bytes: storage)
            return true
        }
        return false
    }

    /// Adds the layers' weights, and how they quantize what they read.
    ///
    /// - Throws: ``CheckpointError`` if a part is missing, does not fit, or has an impossible value.
    func restore(to contents: inout CheckpointContents) throws(CheckpointError) {
        for stem in stems {
            let weight = try part(.weight, of: stem, extents: nil)
            guard let rowCount = weight.extents.first, !weight.extents.contains(0) else {
                throw .unexpectedTensor(name: stem + Part.weight.rawValue, shape: Shape(weight.extents))
            }
            let scales = try part(.weightScale, of: stem, extents: [rowCount])
            let input = try quantization(.inputScale, .inputZeroPoint, of: stem)
            let hasAddend = parts[stem]?[.addendScale] != nil || parts[stem]?[.addendZeroPoint] != nil
            let addend = hasAddend ? try quantization(.addendScale, .addendZeroPoint, of: stem) : nil
            let name = stem + Part.weight.rawValue
            let tensor = StoredTensor(
                quantized: weight.bytes, shape: Shape(weight.extents), rowScales: (0..<rowCount).map(scales.float))
            if !tensor.isCertainlyFinite { try tensor.tensor().checkFinite(name: name) }
            try contents.append(tensor, name: name)
            let plainName = CheckpointContents.plainName(name)
            contents.quantizations[String(plainName.dropLast(Part.weight.rawValue.count))] =
                LayerQuantization(input: input, addend: addend)
        }
    }

    private func quantization(
        _ scalePart: Part, _ zeroPointPart: Part, of stem: String
    ) throws(CheckpointError) -> InputQuantization {
        let scale = try part(scalePart, of: stem, extents: [1]).float(0)
        let zeroPoint = try part(zeroPointPart, of: stem, extents: [1]).bytes.withUnsafeBytes { $0[0] }
        guard let quantization = InputQuantization(scale: scale, zeroPoint: zeroPoint) else {
            throw .invalidLayout(
                name: stem + scalePart.rawValue, found: "the scale \(scale)", expected: "a positive number")
        }
        return quantization
    }

    private func part(_ part: Part, of stem: String, extents: [Int]?) throws(CheckpointError) -> Stored {
        let name = stem + part.rawValue
        guard let stored = parts[stem]?[part] else { throw .missingTensor(name: name, expected: Shape(extents ?? [1])) }
        if let extents, stored.extents != extents {
            throw .shapeMismatch(name: name, found: Shape(stored.extents.map { max($0, 1) }), expected: Shape(extents))
        }
        return stored
    }
}
