/// Why one line of a flow log cannot be used.
package enum FlowLogRejectReason: Hashable, Sendable, CustomStringConvertible {
    /// `isAssumed`: no header line and no configured format said how many fields there are.
    case tooFewFields(found: Int, expected: Int, isAssumed: Bool)
    case tooManyFields(expected: Int, isAssumed: Bool)
    case notANumber(field: String)
    case negative(field: String)
    case outOfRange(field: String)
    case notAnAddress(field: String)
    case unknownWord(field: String)
    case endsBeforeStart
    case tooLong(limit: Int)
    /// The compressed bytes ended in the middle of the line.
    case cut
    case notJSON(String)
    case unknownWrapping
    case damagedPayload(String)

    package var description: String {
        switch self {
        case .tooFewFields(let found, let expected, let isAssumed):
            "\(found) fields are fewer than \(FlowLogRejectReason.count(expected, isAssumed))"
        case .tooManyFields(let expected, let isAssumed):
            "more fields than \(FlowLogRejectReason.count(expected, isAssumed))"
        case .notANumber(let field): "\(field) is not a number"
        case .negative(let field): "\(field) is negative"
        case .outOfRange(let field): "\(field) is out of range"
        case .notAnAddress(let field): "\(field) is not an address"
        case .unknownWord(let field): "\(field) has a word that is not defined for it"
        case .endsBeforeStart: "the window ends before it starts"
        case .tooLong(let limit): "longer than the limit of \(limit) bytes"
        case .cut: "the compressed bytes end inside this line"
        case .notJSON(let reason): reason
        case .unknownWrapping: "a JSON object that carries no flow log line: no message, logEvents, awslogs or records"
        case .damagedPayload(let reason): "the payload cannot be read: \(reason)"
        }
    }

    private static func count(_ expected: Int, _ isAssumed: Bool) -> String {
        isAssumed
            ? "the \(expected) of the default format (there is no header line; name the order with --format)"
            : "the \(expected) that the header or format names"
    }
}

/// A line that was set aside.
package struct FlowLogReject: Hashable, Sendable, CustomStringConvertible {
    /// From 1; within wrapped logs the ordinal of the message.
    package var line: Int
    package var reason: FlowLogRejectReason
    /// The beginning of the line, for people.
    package var text: String

    /// Bytes of a bad line that are kept.
    package static let textBytesMax = 256

    package var description: String { "line \(line): \(reason)" }
}

/// Why a whole file cannot be read on. What came before the place was delivered.
package enum FlowLogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The compressed bytes are damaged or end early at `offset`.
    case damaged(offset: Int, reason: String)
    case parquet

    package var description: String {
        switch self {
        case .damaged(let offset, let reason):
            "cannot read the flow log after compressed byte \(offset): \(reason); the records before it were read"
        case .parquet:
            "cannot read Parquet; let AWS deliver the flow logs as text (DestinationOptions FileFormat=plain-text), or "
                + "convert them with duckdb -c \"COPY (FROM read_parquet('FOLDER/**/*.parquet', "
                + "hive_partitioning=false)) TO 'flows.log.gz' (FORMAT csv, DELIMITER ' ', HEADER, NULLSTR '-', "
                + "COMPRESSION gzip)\""
        }
    }
}
