import CairnBytes
import CairnLedger
import Synchronization

/// Browsers that logged in. In memory: a restart logs everybody out, and no copy of the ledger holds a way in.
final class Sessions: Sendable {
    static let cookieName = "cairn_session"
    /// A working day, after which people show their token again.
    static let seconds: Int64 = 12 * 3600
    /// More than this are not people.
    private static let sessionsMax = 10_000
    /// Of one person: browsers that were forgotten. Beyond that the oldest is logged out.
    private static let personSessionsMax = 20

    private let random: any RandomSource
    private let sessions = Mutex<[String: Session]>([:])

    init(random: any RandomSource) { self.random = random }

    /// - Returns: what the cookie holds.
    func open(_ principal: Principal, at now: Timestamp) throws -> String {
        let id = Base64.urlString(random.bytes(count: 32))
        let session = Session(
            principal: principal, formToken: Base64.urlString(random.bytes(count: 32)),
            expires: now.adding(seconds: Sessions.seconds))
        try sessions.withLock { sessions in
            if sessions.count >= Sessions.sessionsMax { sessions = sessions.filter { $0.value.expires > now } }
            let own = sessions.filter { $0.value.principal == principal }
            if own.count >= Sessions.personSessionsMax,
                let oldest = own.min(by: { $0.value.expires < $1.value.expires })
            {
                sessions[oldest.key] = nil
            }
            guard sessions.count < Sessions.sessionsMax else { throw Problem.busy("there are too many sessions") }
            sessions[id] = session
        }
        return id
    }

    func find(_ id: String, at now: Timestamp) -> Session? {
        sessions.withLock { sessions in
            guard let session = sessions[id] else { return nil }
            guard session.expires > now else {
                sessions[id] = nil
                return nil
            }
            return session
        }
    }

    func close(_ id: String) { sessions.withLock { $0[id] = nil } }
}
