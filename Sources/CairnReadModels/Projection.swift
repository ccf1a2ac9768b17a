import CairnBytes
import CairnLedger
import CairnModel

/// What becomes of one kind of event in the read model: tables, and the rows an event makes or changes in them.
///
/// A projection is total: a fact that comes late, twice, out of order or without a key it should have is still
/// projected as far as it goes, and never an error. It sees nothing but the events (no clock, no other files), so that
/// a replay gives the same rows.
protocol Projection: AnyObject {
    static var name: String { get }
    /// Raised whenever the tables or the rows change: a read model made by another version is rebuilt.
    static var version: Int { get }
    static var tables: [Table] { get }
    /// The facts it wants: names without family and version (`phase.started`), or foreign types as they are. Nil asks
    /// for every event.
    static var facts: Set<String>? { get }

    init(_ connection: Connection) throws(ReadModelError)
    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws
    /// Writes what it still holds in memory. Called before each commit, after which another process may change rows.
    func flush() throws(ReadModelError)
    /// Called after the last event and the indexes of a rebuild: for what an index finds at once, and what would read
    /// the whole table for each event while there is none.
    func finish() throws
    /// Projections whose tables it reads itself.
    static var needs: [any (Projection & SendableMetatype).Type] { get }
}

extension Projection {
    func flush() throws(ReadModelError) {}
    func finish() throws {}
    static var needs: [any (Projection & SendableMetatype).Type] { [] }
}

/// An `INSERT` of fixed columns after those of the origin.
struct Insertion {
    private let statement: Statement

    /// - Parameter table: one with the columns of the origin, and so with computed ones.
    init(_ table: String, _ columns: [String], onConflict: String = "", on connection: Connection)
        throws(ReadModelError)
    {
        let names = ["position", "occurred_us", "recorded_us"] + columns
        statement = try connection.statement(
            "INSERT INTO stored_\(table) (\(names.joined(separator: ", ")))"
                + " VALUES (\(names.map { _ in "?" }.joined(separator: ", "))) \(onConflict)")
    }

    func add(_ fact: Fact, _ values: [SQLValue]) throws(ReadModelError) { try statement.run(fact.origin + values) }
}

/// Every projection there is, in the order in which they see an event.
enum Projections {
    static let all: [any (Projection & SendableMetatype).Type] = [
        EventsProjection.self, PlaybooksProjection.self, RunsProjection.self, PhasesProjection.self,
        ApprovalsProjection.self,
        FindingsProjection.self, AnalysesProjection.self, NotesProjection.self, HooksProjection.self,
        OperationsProjection.self,
        ImportsProjection.self, ObservationsProjection.self, DeploymentPlansProjection.self, SamplesProjection.self,
        FlowsProjection.self, AccessProjection.self,
    ]

    static var tables: [Table] { all.flatMap { $0.tables } }

    /// What a read model was made with: another text means that it must be rebuilt.
    static let signature: String = {
        let checks = all.map { projection in
            let statements = projection.tables.map { $0.createStatement + ($0.viewStatement ?? "") }.joined()
            return "\(projection.name) \(projection.version) \(Checksum.crc32(Array(statements.utf8)))"
        }
        return "1: " + checks.joined(separator: ", ")
    }()
}
