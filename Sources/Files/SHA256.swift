import COpenSSL

/// The SHA-256 digest of bytes that arrive in pieces, by the system's libcrypto.
///
/// - Source: FIPS 180-4; EVP_DigestInit(3ssl)
package struct SHA256: ~Copyable {
    /// A digest: 32 bytes that identify what was hashed.
    package struct Digest: Hashable, Sendable {
        /// Most significant byte first.
        package let bytes: [UInt8]

        /// The digits of the first bytes, in lower case.
        package func hexadecimal(byteCount: Int = SHA256.byteCount) -> String {
            bytes.prefix(byteCount).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }

        /// Compares in constant time, so that the time taken reveals nothing about a secret.
        package static func == (one: Self, other: Self) -> Bool {
            CRYPTO_memcmp(one.bytes, other.bytes, SHA256.byteCount) == 0
        }
    }

    /// The size of a digest. Units: bytes.
    package static let byteCount = 32

    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("libcrypto has no SHA-256, or no memory for it")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds the next bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(status == 1, "libcrypto could not hash \(bytes.count) bytes")
    }

    /// Adds the next bytes.
    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The digest of everything that was added. Nothing can be added afterwards.
    package consuming func finalize() -> Digest {
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            let status = EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            precondition(status == 1, "libcrypto could not finish a digest")
            count = Self.byteCount
        }
        return Digest(bytes: bytes)
    }

    /// The digest of bytes that are all in memory.
    package static func hash(_ bytes: [UInt8]) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }
}
