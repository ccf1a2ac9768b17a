import CairnBytes
import CairnLedger
import Logging

/// Log lines for people (logfmt) or for machines (one JSON object a line).
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    let format: ServerOptions.LogFormat
    let clock: any WallClock
    let write: @Sendable (String) -> Void

    init(format: ServerOptions.LogFormat, clock: any WallClock, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Texts come from outside, and a line is a line.
    private static let textBytesMax = 2000

    func log(event: LogEvent) {
        var fields = [
            ("time", clock.now().description), ("level", event.level.rawValue),
            ("message", LineLogHandler.clipped(event.message.description)),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) where !key.hasPrefix("hb.") {
            fields.append((key, LineLogHandler.clipped("\(value)")))
        }
        switch format {
        case .json:
            var object = JSONObject()
            for (name, text) in fields { object[name] = .string(text) }
            write(CanonicalJSON.string(of: .object(object)))
        case .text: write(fields.map { "\($0.0)=\(LineLogHandler.quoted($0.1))" }.joined(separator: " "))
        }
    }

    private static func clipped(_ text: String) -> String {
        text.utf8.count <= textBytesMax ? text : String(text.prefix(textBytesMax)) + " ..."
    }

    private static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain ? text : CanonicalJSON.string(of: .string(text))
    }
}
