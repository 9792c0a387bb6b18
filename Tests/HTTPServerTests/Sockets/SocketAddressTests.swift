import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ClientAddressTests {
    @Test func `addresses are numbers, however they are written`() {
        #expect(ClientAddress("127.0.0.1")?.bits == 0xFFFF_7F00_0001)
        #expect(ClientAddress("::ffff:127.0.0.1") == ClientAddress("127.0.0.1"))
        #expect(ClientAddress("::1")?.bits == 1)
        #expect(ClientAddress("fe80::1%eth0") == ClientAddress("fe80:0::0001"))
        for text in ["", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", ":::", "[::1]", "unknown"] {
            #expect(ClientAddress(text) == nil)
        }
    }

    @Test func `an IPv4 address and an IPv6 network of 64 bits are one owner`() {
        func owner(_ text: String) -> ClientAddress? { ClientAddress(text)?.owner }
        #expect(owner("10.0.0.1") != owner("10.0.0.2"))
        #expect(owner("2001:db8:0:1::1") == owner("2001:db8:0:1:ffff::2"))
        #expect(owner("2001:db8:0:1::1") != owner("2001:db8:0:2::1"))
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"), ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("0.0.0.0/0", "1.2.3.4", "::1"),
        ("::/0", "::1", ""), ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"), ("::1", "::1", "::2"),
        ("127.0.0.1/32", "::ffff:127.0.0.1", "127.0.0.2"), ("fc00::/7", "fdff::1", "fe00::1"),
    ])
    func `a block holds the addresses that begin as it does`(block: String, inside: String, outside: String) throws {
        let block = try #require(AddressBlock(block))
        #expect(block.contains(try #require(ClientAddress(inside))))
        if let outside = ClientAddress(outside) { #expect(!block.contains(outside)) }
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/+8", "a/8",
        "localhost",
        "::1%lo", "10.0.0.0/8/8", " 10.0.0.1",
    ])
    func `what is no block is refused`(text: String) { #expect(AddressBlock(text) == nil) }
}
