import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// TLS from files that somebody renews: they are looked at every half minute, and new connections get what is new. A
/// broken file changes nothing and is told.
struct CertificateReloader: Service {
    private final class Held: Sendable {
        let pair: Mutex<NIOSSLContextConfigurationOverride>
        init(_ pair: NIOSSLContextConfigurationOverride) { self.pair = Mutex(pair) }
    }

    private static let intervalSeconds = 30

    private let files: ServerOptions.TLS
    private let held: Held
    private let logger: Logger
    let configuration: TLSConfiguration

    init(_ files: ServerOptions.TLS, logger: Logger) throws {
        self.files = files
        self.logger = logger
        let (pair, key) = try CertificateReloader.load(files)
        let held = Held(pair)
        self.held = held
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.certificateChain ?? [], privateKey: key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.sslContextCallback = { _, promise in promise.succeed(held.pair.withLock { $0 }) }
        self.configuration = configuration
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var last = held.pair.withLock { $0.certificateChain }
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(CertificateReloader.intervalSeconds))
                if Task.isCancelled { return }
                do {
                    let (pair, _) = try CertificateReloader.load(files)
                    guard pair.certificateChain != last else { continue }
                    last = pair.certificateChain
                    held.pair.withLock { $0 = pair }
                    logger.info("the certificate was renewed", metadata: ["file": "\(files.certificatePath)"])
                } catch {
                    logger.error(
                        "cannot renew the certificate: \(error)", metadata: ["file": "\(files.certificatePath)"])
                }
            }
        }
    }

    private static func load(
        _ files: ServerOptions.TLS
    ) throws -> (pair: NIOSSLContextConfigurationOverride, key: NIOSSLPrivateKeySource) {
        var pair = NIOSSLContextConfigurationOverride()
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: files.keyPath, format: .pem))
        pair.certificateChain = try NIOSSLCertificate.fromPEMFile(files.certificatePath).map { .certificate($0) }
        pair.privateKey = key
        return (pair, key)
    }
}
