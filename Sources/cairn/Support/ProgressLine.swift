import CairnLedger
import CairnRecorder

/// One line on a terminal that says how far an import is, how fast it goes and how long it takes yet.
final class ProgressLine {
    private let clock = SystemClock()
    private let start: UInt64
    private var lastShown: UInt64 = 0
    /// Often enough to look alive, seldom enough to cost nothing.
    private let intervalMicroseconds: UInt64 = 200_000

    init() { start = clock.monotonicMicroseconds() }

    func show(_ progress: ImportProgress) {
        guard Terminal.isErrorTerminal else { return }
        let now = clock.monotonicMicroseconds()
        guard now - lastShown >= intervalMicroseconds else { return }
        lastShown = now
        let seconds = Double(now - start) / 1e6
        let share = progress.bytesTotal == 0 ? 1 : Double(progress.bytesDone) / Double(progress.bytesTotal)
        let rate = seconds > 0 ? Double(progress.bytesDone) / seconds : 0
        let left = rate > 0 ? Double(progress.bytesTotal - progress.bytesDone) / rate : 0
        let percent = Int(share * 100)
        Terminal.progress(
            "\(percent) %  file \(progress.filesDone + 1) of \(progress.filesTotal)  "
                + "\(Int(rate / 1_048_576)) MiB/s  \(Int(left.rounded(.up))) s left")
    }

    func end() { Terminal.endProgress() }
}
