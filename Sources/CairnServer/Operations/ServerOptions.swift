package import CairnFlowLogs

/// How a server runs. The command line, the environment and a configuration file all end up here.
package struct ServerOptions: Sendable, Hashable {
    package struct TLS: Sendable, Hashable {
        /// PEM: the server's certificate, then those between it and the root.
        package var certificatePath: String
        package var keyPath: String

        package init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    package var host = "127.0.0.1"
    package var port = 8480
    package var tls: TLS?
    /// Listen beyond this machine without TLS: only behind a proxy that speaks it.
    package var allowsPlainText = false
    /// Connections at once; each idle one takes some 30 KiB.
    package var connectionsMax = 4096
    /// Bytes of bodies in memory at once, over all calls.
    package var bodyBytesMax = 256 << 20
    /// Samples that may wait for the disk, over all calls: some seconds of a full fleet, 64 MiB.
    package var queuedSamplesMax = 4_000_000
    /// Calls a second of one token in the long run.
    package var callsPerSecond = 500.0
    /// Whose word on the caller's address is taken (`X-Forwarded-For`).
    package var trustedProxies: [IPPrefix] = []
    /// Topics of SNS whose subscription is confirmed and whose messages are taken.
    package var topics: [String] = []
    /// The analyzer looks this often; 0 turns it off.
    package var analysisSeconds: Int64 = 60
    /// With less free space than this samples are refused, so that events still have room.
    package var diskFreeBytesMin: UInt64 = 2 << 30
    /// Free space and the files of the certificate are looked at so often.
    package var lookMilliseconds = 10_000
    /// When the server is told to stop, calls on their way have so long; then they are cut off.
    package var stopSecondsMax: Int64 = 20
    package var notifications: [NotificationTarget] = []
    package var oidc: OIDC?
    package var logFormat = LogFormat.text

    package struct OIDC: Sendable, Hashable {
        package var issuer: String
        package var audience: String
        /// Where the keys are, https.
        package var keysURL: String
        /// Which claim lists groups, and which group holds which scopes.
        package var groupsClaim = "groups"
        package var scopes: [String: [String]] = [:]

        package init(issuer: String, audience: String, keysURL: String) {
            self.issuer = issuer
            self.audience = audience
            self.keysURL = keysURL
        }
    }

    package enum LogFormat: String, Sendable, Hashable, CaseIterable { case text, json }

    package init() {}

    /// Whether only this machine can reach the server.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Why it must not run so, if it must not.
    package var obstacle: String? {
        if !isLoopback, tls == nil, !allowsPlainText {
            return "cannot listen on \(host) without TLS: tokens would cross the network in the clear"
        }
        return nil
    }
}

/// Who is told of findings, gates and approvals that wait.
package struct NotificationTarget: Sendable, Hashable {
    package enum Shape: String, Sendable, Hashable, CaseIterable { case webhook, alertmanager, pagerduty }

    package var name: String
    package var url: String
    package var shape: Shape
    /// Routing key of PagerDuty, or the token that is sent as Bearer.
    package var secret: String?

    package init(name: String, url: String, shape: Shape, secret: String? = nil) {
        self.name = name
        self.url = url
        self.shape = shape
        self.secret = secret
    }
}
