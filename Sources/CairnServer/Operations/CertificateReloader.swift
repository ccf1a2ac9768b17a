import CairnBytes
import CairnLedger
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// TLS from files that somebody renews: they are looked at now and then, and new connections get what is new. Files that
/// cannot be used, or a certificate whose key has not come yet, change nothing and are told once.
final class CertificateReloader: Sendable {
    /// What two files hold, and what it means.
    private struct Pair: Sendable {
        var content: [[UInt8]]
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
        /// Seconds since 1970.
        var expires: Int

        var configuration: TLSConfiguration {
            var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
            configuration.minimumTLSVersion = .tlsv12
            return configuration
        }
    }

    /// A chain of some certificates.
    private static let fileBytesMax: UInt64 = 1 << 20

    private let files: ServerOptions.TLS
    private let intervalMilliseconds: Int
    private let metrics: ServerMetrics
    private let logger: Logger
    private let used: Mutex<Pair>
    private let loop = LoopThread()

    /// - Throws: if the files cannot be used.
    init(_ files: ServerOptions.TLS, intervalMilliseconds: Int, metrics: ServerMetrics, logger: Logger) throws {
        self.files = files
        self.intervalMilliseconds = intervalMilliseconds
        self.metrics = metrics
        self.logger = logger
        let pair = try CertificateReloader.pair(try CertificateReloader.read(files))
        used = Mutex(pair)
        metrics.set(.certificateExpires, Double(pair.expires))
    }

    var configuration: TLSConfiguration {
        var configuration = used.withLock { $0.configuration }
        configuration.sslContextCallback = { _, promise in
            let pair = self.used.withLock { $0 }
            var newest = NIOSSLContextConfigurationOverride()
            newest.certificateChain = pair.chain
            newest.privateKey = pair.key
            promise.succeed(newest)
        }
        return configuration
    }

    func start() { loop.start { self.run() } }

    func stop() { loop.stop() }

    private func run() {
        var told: String?
        while !loop.isStopping {
            do {
                try look()
                told = nil
            } catch {
                let text = "cannot renew the certificate, the last one stays in use: \(error)"
                if text != told { logger.error("\(text)", metadata: ["file": "\(files.certificatePath)"]) }
                told = text
            }
            loop.sleep(milliseconds: intervalMilliseconds)
        }
    }

    private func look() throws {
        let content = try CertificateReloader.read(files)
        guard content != used.withLock({ $0.content }) else { return }
        let pair = try CertificateReloader.pair(content)
        used.withLock { $0 = pair }
        metrics.set(.certificateExpires, Double(pair.expires))
        logger.notice("the certificate was renewed", metadata: ["file": "\(files.certificatePath)"])
    }

    private static func read(_ files: ServerOptions.TLS) throws -> [[UInt8]] {
        try [files.certificatePath, files.keyPath].map { path in
            let file = try RealDisk().open(path, .read)
            defer { file.close() }
            return try file.readAll(limit: fileBytesMax)
        }
    }

    /// - Throws: if it is no PEM, or the key is not that of the first certificate.
    private static func pair(_ content: [[UInt8]]) throws -> Pair {
        let certificates = try NIOSSLCertificate.fromPEMBytes(content[0])
        let key = try NIOSSLPrivateKey(bytes: content[1], format: .pem)
        let pair = Pair(
            content: content, chain: certificates.map { .certificate($0) }, key: .privateKey(key),
            expires: certificates.first.map { Int($0.notValidAfter) } ?? 0)
        _ = try NIOSSLContext(configuration: pair.configuration)
        return pair
    }
}
