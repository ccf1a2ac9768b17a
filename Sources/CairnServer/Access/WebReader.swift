import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import NIOCore
import NIOHTTP1
import Synchronization

/// Reads what lies at an address of somebody else.
package protocol OutsideReader: Sendable {
    /// - Parameter keptSeconds: what was read so long ago at most will do.
    /// - Throws: `Problem` with 503 if it cannot be had now.
    func read(_ url: String, keptSeconds: Int64) async throws -> [UInt8]
}

/// Over HTTPS, remembering what it read. Callers cannot make it ask often: an address is asked once in `keptSeconds`,
/// also while that answer is awaited, and where it failed once in some seconds.
final class WebReader: OutsideReader {
    private static let bytesMax = 1 << 20
    private static let timeoutSeconds: Int64 = 10
    private static let retrySeconds: Int64 = 10
    /// What was read before serves for so long while it cannot be read anew.
    private static let staleSecondsMax: Int64 = 3600
    private static let keptMax = 100

    private struct Page {
        var bytes: [UInt8]?
        var read = Timestamp.earliest
        var asked: Timestamp
    }

    private let client: HTTPClient
    private let clock: any WallClock
    private let pages = Mutex<[String: Page]>([:])

    init(clock: any WallClock) {
        self.clock = clock
        // A redirect would lead where nobody checked.
        client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))
    }

    func read(_ url: String, keptSeconds: Int64) async throws -> [UInt8] {
        let now = clock.now()
        if let kept = try kept(url, keptSeconds, now) { return kept }
        do {
            let bytes = try await fetched(url)
            pages.withLock { $0[url] = Page(bytes: bytes, read: now, asked: now) }
            return bytes
        } catch {
            if let bytes = pages.withLock({ WebReader.usable($0[url], now) }) { return bytes }
            throw Problem.busy("cannot read \(url.prefix(200)): \(error)")
        }
    }

    /// What was read before, if it will do or nothing newer is to be had now; nil where the caller is to ask.
    private func kept(_ url: String, _ keptSeconds: Int64, _ now: Timestamp) throws -> [UInt8]? {
        try pages.withLock { pages in
            if let page = pages[url] {
                // A page that is too old to be used is asked for again as soon as one that never came.
                let seconds = WebReader.usable(page, now) == nil ? WebReader.retrySeconds : keptSeconds
                guard page.asked.adding(seconds: seconds) <= now else {
                    if let bytes = WebReader.usable(page, now) { return bytes }
                    throw Problem.busy("cannot read \(url.prefix(200)): it failed some seconds ago")
                }
            } else if pages.count >= WebReader.keptMax {
                pages = [:]
            }
            pages[url, default: Page(asked: now)].asked = now
            return nil
        }
    }

    private static func usable(_ page: Page?, _ now: Timestamp) -> [UInt8]? {
        guard let page, page.read.adding(seconds: staleSecondsMax) > now else { return nil }
        return page.bytes
    }

    private func fetched(_ url: String) async throws -> [UInt8] {
        let response = try await client.execute(
            HTTPClientRequest(url: url), timeout: .seconds(WebReader.timeoutSeconds))
        guard response.status == .ok else { throw Problem.busy("it answered \(response.status.code)") }
        return Array(try await response.body.collect(upTo: WebReader.bytesMax).readableBytesView)
    }

    func stop() async throws { try await client.shutdown() }
}
