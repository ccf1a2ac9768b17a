import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// A connection on which a test writes what it wants, also what no client would.
struct RawConnection {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// - Parameter tls: sees the certificate that the server shows, and takes any.
    static func open<Value: Sendable>(
        port: Int, tls seen: Locked<[UInt8]>? = nil,
        _ body: (inout RawConnection) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let seen { try channel.pipeline.syncOperations.addHandler(handler(seen)) }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&connection)
        }
    }

    private static func handler(_ seen: Locked<[UInt8]>) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .noHostnameVerification
        return try NIOSSLClientHandler(
            context: NIOSSLContext(configuration: configuration), serverHostname: nil,
            customVerificationCallback: { certificates, promise in
                seen.with { $0 = (try? certificates.first?.toDERBytes()) ?? [] }
                promise.succeed(.certificateVerified)
            })
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Everything until the other side closes the connection, or until `isEnough`.
    mutating func read(until isEnough: (String) -> Bool = { _ in false }) async throws -> String {
        var text = ""
        while !isEnough(text), let buffer = try await inbound.next() { text += String(buffer: buffer) }
        return text
    }
}
