import CairnBytes
import CairnModel
import CairnReports
import CairnWeb
import HTTPTypes

/// How questions are asked over HTTP, and in which forms they are answered.
extension QuestionRoutes {
    /// Rows of one answer: more are a file, which the command line writes.
    static let rowsMax = 100_000
    /// Of the values of one answer; as text it is some times as much, and several are held at once.
    static let answerBytesMax = 8 << 20
    /// A page that somebody waits for.
    static let secondsMax = 10.0
    static let sqlBytesMax = 64 << 10
    /// As long as every proxy before the server waits.
    static let longWaitMilliseconds = 10_000

    static let format = Route.Parameter.query(
        "format", "the form of the answer", .choice(TableFormat.allCases.map(\.rawValue)))
    static let pair = [
        Route.Parameter.query("source", "the cluster that is left; by default of the ledger's one migration"),
        .query("target", "the cluster that is moved to"),
    ]
    static let range = [
        Route.Parameter.query("since", "from this moment on", .time), .query("until", "up to this moment", .time),
    ]
    static let moments = [
        Route.Parameter.query("at", "as it was at this time: what had happened by then", .time),
        .query("known_at", "as it was known at this time: what had been recorded by then", .time),
        .query("entry", "as it was after this entry of the log", .integer),
    ]
    static let timeout = Route.Parameter.query("timeout", "stop a query that takes longer", .seconds(max: secondsMax))
    static let parameter = Route.Parameter.query("parameter", "a parameter of the query: name=value", .texts)
    static let tableTypes = [
        MediaTypes.json, "text/csv; charset=utf-8", "text/markdown; charset=utf-8", MediaTypes.html, MediaTypes.text,
    ]

    // MARK: - Reading

    static func number(_ call: Call, _ name: String) throws -> UInt64? {
        guard let text = call[name] else { return nil }
        guard let number = UInt64(text) else {
            throw Problem.badRequest("cannot read \(name): \(text.prefix(40)) is no whole number from 0")
        }
        return number
    }

    static func isSet(_ call: Call, _ name: String) throws -> Bool {
        switch call[name] {
        case nil, "false": return false
        case "true": return true
        case let text?: throw Problem.badRequest("cannot read \(name): \(text.prefix(40)) is neither true nor false")
        }
    }

    static func timeArgument(_ call: Call, _ name: String) throws -> TimeArgument? {
        try call[name].map { try timeArgument($0, name) }
    }

    private static func timeArgument(_ text: String, _ name: String) throws -> TimeArgument {
        guard let time = TimeArgument(text) else {
            throw Problem.badRequest("cannot read the time \(name)", remedy: "write \(TimeArgument.help)")
        }
        return time
    }

    static func time(_ text: String, _ name: String, _ now: Timestamp) throws -> Timestamp {
        try timeArgument(text, name).moment(now: now)
    }

    static func range(_ call: Call) throws -> AskedRange {
        AskedRange(since: try timeArgument(call, "since"), until: try timeArgument(call, "until"))
    }

    static func moment(_ call: Call) throws -> AskedMoment {
        AskedMoment(
            at: try timeArgument(call, "at"), knownAt: try timeArgument(call, "known_at"),
            entry: try number(call, "entry"))
    }

    static func tableFormat(_ call: Call) throws -> TableFormat {
        guard let format = TableFormat(rawValue: call["format"] ?? "json") else { throw unknownFormat(call) }
        return format
    }

    static func unknownFormat(_ call: Call) -> Problem {
        Problem.badRequest("cannot answer as \(call["format"]?.prefix(40) ?? "")", remedy: "see /v1/openapi.json")
    }

    // MARK: - Answering

    static func answer(_ table: Table, _ call: Call) throws -> Answer {
        let format = try tableFormat(call)
        return answer(TableRenderer.render(table, as: format), format)
    }

    /// The rows, with what they come to and what else there is to know beside them: what the exit code and standard error
    /// are to a command.
    static func answer(_ answered: Answered, _ call: Call) throws -> Answer {
        try answer(answered.table, call).saying(answered)
    }

    static func answer(_ text: String, _ format: TableFormat) -> Answer {
        let type =
            switch format {
            case .json: MediaTypes.json
            case .csv: "text/csv; charset=utf-8"
            case .md: "text/markdown; charset=utf-8"
            case .html: MediaTypes.html
            case .table: MediaTypes.text
            }
        return Answer(.ok, mediaType: type, Array(text.utf8))
    }
}

extension Answer {
    private static let notesMax = 8
    private static let noteCharactersMax = 300

    /// With `X-Cairn-Outcome` (fine, finding, undecided) and a header `X-Cairn-Note` for each of the notes.
    func saying(_ answered: Answered) -> Answer {
        var answer = with("X-Cairn-Outcome", answered.outcome.rawValue)
        guard let name = HTTPField.Name("X-Cairn-Note") else { return answer }
        for note in answered.notes.prefix(Answer.notesMax) {
            let text = note.unicodeScalars.prefix(Answer.noteCharactersMax).map { scalar in
                (0x20..<0x7F).contains(scalar.value) ? Character(scalar) : " "
            }
            answer.headers.append(HTTPField(name: name, value: String(text)))
        }
        return answer
    }
}

/// The rows of an answer; the read models have tables of another kind.
typealias Table = CairnWeb.Table
