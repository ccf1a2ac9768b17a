import CairnServer
import CairnTestSupport
import Foundation
import Testing

/// The settings file that comes with Cairn, as it is and with every comment taken away.
@Suite struct ShippedSettingsTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../tools/service/serve.yaml").standardizedFileURL

    private func options(_ text: String) throws -> ServerOptions {
        try ServerSettings(flags: [:], file: ("serve.yaml", Array(text.utf8)), environment: [:]).options()
    }

    /// Somebody installs it untouched: the service has to start.
    @Test func asItIsItSaysTheDefaults() throws {
        let shipped = try options(try String(contentsOf: Self.path, encoding: .utf8))
        #expect(shipped.host == "127.0.0.1" && shipped.port == ServerOptions().port)
        #expect(shipped.connectionsMax == ServerOptions().connectionsMax && shipped.notifications.isEmpty)
    }

    /// Every example in it is one that the server takes, and the values called defaults are the defaults.
    @Test func itsExamplesAreTaken() throws {
        let lines = try String(contentsOf: Self.path, encoding: .utf8).split(separator: "\n").map { line in
            guard line.wholeMatch(of: /# ( *(- )?[a-z_]+: ?.*| +- .*)/) != nil else { return line }
            return line.dropFirst(2)
        }
        let taken = try options(lines.joined(separator: "\n"))
        #expect(taken.tls?.certificatePath == "/etc/cairn/server.pem" && taken.topics.count == 1)
        #expect(taken.notifications.count == 1 && taken.oidc?.scopes.count == 2)
        #expect(taken.connectionsMax == ServerOptions().connectionsMax)
        #expect(taken.bodyBytesMax == ServerOptions().bodyBytesMax)
    }

    @Test func aSecondDocumentIsRefused() {
        #expect(throws: ServerSettings.SettingsError.self) {
            try options("listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2\n")
        }
    }
}
