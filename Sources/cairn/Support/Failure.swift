import ArgumentParser
import CairnFlowLogs
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnSeries
import CairnServer

/// How a command that failed ends: what it says on standard error, and its exit code. The one place that knows both.
enum Failure {
    /// Ends the process as the error asks; a wrong command line and `--help` are the parser's own business.
    static func exit(with error: any Error) -> Never {
        guard let status = status(of: error) else { Cairn.exit(withError: error) }
        Terminal.note(clipped(String(describing: error)))
        Cairn.exit(withError: status)
    }

    /// An error may quote what it is about, and that may be a megabyte.
    private static let charactersMax = 2000

    private static func clipped(_ text: String) -> String {
        text.count <= charactersMax ? text : "\(text.prefix(charactersMax / 2)) ... \(text.suffix(charactersMax / 2))"
    }

    /// Nil for the errors of the command-line parser, which has its own texts for them.
    static func status(of error: any Error) -> ExitCode? {
        switch error {
        case is ExitCode, is CleanExit, is ValidationError: nil
        case let error as CommandError: error.status
        case let error as LedgerError: status(of: error.code)
        case let error as ReadModelError: status(of: error.code)
        // The rule says no, as a failed gate does.
        case is Refusal: ExitStatus.finding
        case is ClusterMap.MapError, is PlaybookError, is PlaybookFileError, is ProofError,
            is NoteError:
            ExitStatus.data
        case is FlowQueryError, is FlowLogFormat.FormatError, is ServerSettings.SettingsError, is SeriesKeyError:
            ExitStatus.usage
        case let error as QuestionError: error.code == .question ? ExitStatus.usage : ExitStatus.data
        case let error as InputError: error.isNothingThere ? ExitStatus.data : ExitStatus.inputOutput
        case is DiskError: ExitStatus.inputOutput
        default: isOfParser(error) ? nil : ExitStatus.inputOutput
        }
    }

    private static func status(of code: LedgerError.Code) -> ExitCode {
        switch code {
        case .conflict, .corrupt, .lostEvents, .fork: ExitStatus.finding
        case .identityConflict, .newerVersion, .tooLarge, .invalidEvent, .notFound, .proof: ExitStatus.data
        case .lockedBy, .diskFull, .stopped, .readOnly, .notALedger, .alreadyExists, .key, .inputOutput, .denied,
            .closed:
            ExitStatus.inputOutput
        }
    }

    private static func status(of code: ReadModelError.Code) -> ExitCode {
        switch code {
        case .query, .refused, .unknownQuery: ExitStatus.usage
        case .timeLimit, .notWritable, .damaged, .busy, .database: ExitStatus.inputOutput
        }
    }

    /// The parser's errors are not public; what it would end with tells them apart from ours.
    private static func isOfParser(_ error: any Error) -> Bool {
        let code = Cairn.exitCode(for: error)
        return code == .success || code == .validationFailure
    }
}
