import CairnFlowLogs
import CairnLedger
import CairnRecorder
import Synchronization

/// One line on a terminal that says how far reading files is, how fast it goes and how long it takes yet. Any thread
/// may show it; nothing is shown where nobody watches.
final class ProgressLine: Sendable {
    private let clock = SystemClock()
    private let start: UInt64
    private let isShown: Bool
    private let lastShown = Mutex<UInt64>(0)
    /// Often enough to look alive, seldom enough to cost nothing.
    private let intervalMicroseconds: UInt64 = 200_000

    init(isQuiet: Bool = false) {
        start = clock.monotonicMicroseconds()
        isShown = !isQuiet && Terminal.isErrorTerminal
    }

    func show(_ progress: ImportProgress) {
        show(
            filesDone: progress.filesDone, filesTotal: progress.filesTotal, bytesDone: progress.bytesDone,
            bytesTotal: progress.bytesTotal)
    }

    func show(_ progress: FlowProgress) {
        show(
            filesDone: progress.filesDone, filesTotal: progress.filesTotal,
            bytesDone: UInt64(clamping: progress.bytesDone), bytesTotal: UInt64(clamping: progress.bytesTotal))
    }

    private func show(filesDone: Int, filesTotal: Int, bytesDone: UInt64, bytesTotal: UInt64) {
        guard isShown else { return }
        let now = clock.monotonicMicroseconds()
        // Held while writing, so that two threads do not write into each other's line.
        lastShown.withLock { lastShown in
            guard now >= lastShown + intervalMicroseconds else { return }
            lastShown = now
            let seconds = Double(now - start) / 1e6
            let rate = seconds > 0 ? Double(bytesDone) / seconds : 0
            // Files may have grown since they were listed.
            let total = max(bytesTotal, bytesDone)
            let left = rate > 0 ? Double(total - bytesDone) / rate : 0
            let percent = total == 0 ? 100 : Int(Double(bytesDone) / Double(total) * 100)
            Terminal.progress(
                "\(percent) %  \(filesDone) of \(filesTotal) files  \(bytesDone >> 20) of \(total >> 20) MiB  "
                    + "\(Int(rate / 1_048_576)) MiB/s  \(Int(left.rounded(.up))) s left")
        }
    }

    func end() {
        if isShown { Terminal.endProgress() }
    }
}
