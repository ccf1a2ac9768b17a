import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Synchronization

/// A clock that a test moves.
final class TestClock: WallClock {
    private let microseconds: Mutex<Int64>

    init(_ text: String = "2026-01-01T00:00:00Z") {
        microseconds = Mutex(Timestamp(text)!.microseconds)
    }

    func now() -> Timestamp { Timestamp(microseconds: microseconds.withLock { $0 }) }
    func monotonicMicroseconds() -> UInt64 { UInt64(max(0, microseconds.withLock { $0 })) }
    func sleep(microseconds pause: UInt32) { microseconds.withLock { $0 += Int64(pause) } }
    func advance(seconds: Double) { microseconds.withLock { $0 += Int64(seconds * 1e6) } }
}

final class TestRandom: RandomSource {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) { random = Mutex(SeededRandom(seed: seed)) }

    func bytes(count: Int) -> [UInt8] { random.withLock { $0.bytes(count: count) } }
}

/// A ledger in a folder of its own.
struct LedgerFixture {
    let folder: TemporaryFolder
    let clock = TestClock()
    var environment: LedgerEnvironment
    var options = LedgerOptions()
    let actor = Actor(id: "alice@host-7", type: "local")

    init(seed: UInt64 = 1, options: LedgerOptions = .standard) throws {
        folder = try TemporaryFolder("cairn-ledger")
        environment = LedgerEnvironment(
            disk: RealDisk(), clock: clock, random: TestRandom(seed: seed), command: "cairn test", processID: 4711)
        self.options = options
    }

    var path: String { folder.file("ledger") }
    var key: String { folder.file("key") }

    func create(withKey: Bool = true) throws -> Ledger {
        try Ledger.create(
            at: path, origin: "example.com/ledger", keyFile: withKey ? key : nil, environment: environment,
            options: options)
    }

    func open(_ access: Ledger.Access = .readWrite, withKey: Bool = true) throws -> Ledger {
        try Ledger.open(
            at: path, access: access, environment: environment,
            keyFile: withKey && access == .readWrite ? key : nil, options: options)
    }

    func event(
        _ id: String, in stream: String = "migration/mig-7", type: String = "cairn.phase.started.v1",
        data: JSONValue = ["phase": "precheck"], attachments: [ProposedAttachment] = []
    ) -> ProposedEvent {
        ProposedEvent(
            id: id, source: "/cairn/cli", type: type, subject: StreamName(stream)!, time: clock.now(), data: data,
            attachments: attachments)
    }

    @discardableResult
    func append(_ ledger: Ledger, _ events: [ProposedEvent]) throws -> [Receipt] {
        try ledger.append(events.map { Append($0) }, actor: actor)
    }
}

/// The code of the ledger error that `body` throws, or nil.
func code(_ body: () throws -> Void) -> LedgerError.Code? {
    do {
        try body()
        return nil
    } catch { return (error as? LedgerError)?.code }
}
