import CairnFlowLogs

/// Connection attempts and answers of all files, where they meet.
///
/// An attempt is unanswered while no answer of any file fits it. Answers are kept and nothing is used up by a match, so
/// what is left depends on the set of files and not on their order.
final class FlowPairs {
    /// Attempts of one counter whose answer has come.
    struct Answered {
        var minute: Int64
        var key: FlowChunk.RowKey
        var attempts: UInt64
    }

    private let connection: Connection
    private let addAnswer: Statement
    private let findWaiting: Statement
    private let removeWaiting: Statement
    private let findAnswer: Statement
    private let addWaiting: Statement

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        let slack = FlowPairing.slackSeconds
        addAnswer = try connection.statement("INSERT OR IGNORE INTO flow_answers VALUES (?, ?, ?)")
        findWaiting = try connection.statement(
            """
            SELECT minute, place, peer, service, attempts FROM flow_residues
            WHERE connection = ?1 AND end_s >= ?2 - \(slack) AND start_s <= ?3 + \(slack)
            """)
        removeWaiting = try connection.statement(
            """
            DELETE FROM flow_residues
            WHERE connection = ?1 AND end_s >= ?2 - \(slack) AND start_s <= ?3 + \(slack)
            """)
        findAnswer = try connection.statement(
            """
            SELECT 1 FROM flow_answers
            WHERE connection = ?1 AND start_s <= ?3 + \(slack) AND end_s >= ?2 - \(slack) LIMIT 1
            """)
        addWaiting = try connection.statement(
            """
            INSERT INTO flow_residues (connection, start_s, end_s, minute, place, peer, service, attempts)
            VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET attempts = attempts + 1
            """)
    }

    /// - Returns: the attempts of earlier files that waited for just this.
    func add(_ answer: FlowAnswer) throws(ReadModelError) -> [Answered] {
        bind(answer.connection, answer.start, answer.end, to: addAnswer)
        _ = try addAnswer.step()
        addAnswer.reset()
        guard connection.changes > 0 else { return [] }
        bind(answer.connection, answer.start, answer.end, to: findWaiting)
        var answered: [Answered] = []
        while try findWaiting.step() {
            let key = FlowChunk.RowKey(
                place: UInt64(clamping: findWaiting.integer(1)), peer: UInt64(clamping: findWaiting.integer(2)),
                service: UInt64(clamping: findWaiting.integer(3)))
            answered.append(
                Answered(
                    minute: findWaiting.integer(0), key: key, attempts: UInt64(clamping: findWaiting.integer(4))))
        }
        findWaiting.reset()
        guard !answered.isEmpty else { return [] }
        bind(answer.connection, answer.start, answer.end, to: removeWaiting)
        _ = try removeWaiting.step()
        removeWaiting.reset()
        return answered
    }

    /// - Returns: true if the attempt waits, false if it has its answer.
    func add(_ ask: FlowFileColumns.Ask, minute: Int64, _ key: FlowChunk.RowKey) throws(ReadModelError) -> Bool {
        bind(ask.connection, ask.start, ask.end, to: findAnswer)
        let isAnswered = try findAnswer.step()
        findAnswer.reset()
        if isAnswered { return false }
        bind(ask.connection, ask.start, ask.end, to: addWaiting)
        addWaiting.bind(4, minute)
        addWaiting.bind(5, Int64(clamping: key.place))
        addWaiting.bind(6, Int64(clamping: key.peer))
        addWaiting.bind(7, Int64(clamping: key.service))
        _ = try addWaiting.step()
        addWaiting.reset()
        return true
    }

    private func bind(_ connection: UInt64, _ start: Int64, _ end: Int64, to statement: Statement) {
        statement.bind(1, Int64(bitPattern: connection))
        statement.bind(2, start)
        statement.bind(3, end)
    }
}
