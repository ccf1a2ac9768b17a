package import CairnBytes
package import CairnModel
internal import Synchronization

/// Shows offline that these are all the events of a stream up to a position: nothing was left out. One JSON object that
/// FORMAT.md describes; everything in it is checked against the signed checkpoint it carries.
package struct StreamProof: Sendable {
    package static let format = "cairn-stream-proof@v1"
    /// Most bytes of a proof that is read: some hundred thousand events.
    package static let bytesMax = 256 << 20

    /// An entry with the hashes that lead to the root of the checkpoint.
    package struct ProvedEntry: Sendable, Hashable {
        package var position: UInt64
        package var entry: [UInt8]
        package var hashes: [TreeHash]
    }

    package var stream: StreamName
    package var checkpoint: SignedCheckpoint
    /// The event that says which streams there are, up to its position.
    package var seal: ProvedEntry
    /// That the stream is one of them, and how long it is; or that it is none.
    package var membership: StreamMap.Membership?
    package var absence: StreamMap.Absence?
    package var events: [ProvedEntry]

    // MARK: Verifying

    /// Throws unless the events are all that the stream has before the position of `seal`.
    package func verify(logKeys: [VerifierKey], origin: String? = nil) throws {
        if let origin, origin != checkpoint.checkpoint.origin {
            throw StreamProof.refused("it is of log \(checkpoint.checkpoint.origin), not \(origin)")
        }
        _ = try checkpoint.verify(logKeys: logKeys)
        for proved in [seal] + events { try verify(proved) }
        let commitment = try sealedCommitment()
        if let absence {
            guard membership == nil, events.isEmpty else { throw StreamProof.refused("it says two things") }
            try absence.verify(stream: stream.text, against: commitment)
            return
        }
        guard let membership, membership.pair.stream == stream.text else {
            throw StreamProof.refused("it does not say how long the stream is")
        }
        try membership.verify(against: commitment)
        guard membership.pair.lastRevision < UInt64(Int.max),
            events.count == Int(membership.pair.lastRevision) + 1
        else {
            throw StreamProof.refused(
                "the stream has \(membership.pair.lastRevision) as its last revision, and \(events.count) events are there"
            )
        }
        var before: UInt64?
        for (revision, proved) in events.enumerated() {
            guard let facts = EntryFacts(proved.entry, in: 0..<proved.entry.count),
                proved.entry[facts.subject].elementsEqual(stream.text.utf8),
                facts.revision == UInt64(revision), proved.position < seal.position,
                before.map({ $0 < proved.position }) ?? true
            else { throw StreamProof.refused("event \(revision) is not the one of that revision") }
            before = proved.position
        }
    }

    private func verify(_ proved: ProvedEntry) throws {
        let head = checkpoint.checkpoint
        try MerkleProof.verifyInclusion(
            index: proved.position, size: head.size, leaf: TreeHasher.leaf(proved.entry), proof: proved.hashes,
            root: head.root)
    }

    private func sealedCommitment() throws -> StreamMap.Commitment {
        guard let layout = EntryLayout(seal.entry, in: 0..<seal.entry.count),
            EntryFacts.Meaning(type: seal.entry, in: layout.type) == .streamsSealed,
            layout.source.count == LedgerEventType.source.utf8.count,
            seal.entry.has(Array(LedgerEventType.source.utf8), at: layout.source.lowerBound),
            let data = try? JSONParser.parse(seal.entry).value["data"],
            data["entries"]?.integer == Int64(exactly: seal.position), let count = data["streams"]?.integer, count >= 0,
            let root = data["streams_root"]?.string.flatMap(Hex.bytes).flatMap({ TreeHash($0) })
        else { throw StreamProof.refused("its entry \(seal.position) does not say which streams there are") }
        return StreamMap.Commitment(count: UInt64(count), root: root)
    }

    static func refused(_ reason: String) -> LedgerError {
        LedgerError(.proof, "cannot accept this proof of a stream: \(reason)")
    }
}

// MARK: - The text

extension StreamProof {
    package var json: JSONValue {
        func hashes(_ list: [TreeHash]) -> JSONValue { .array(list.map { .string($0.base64) }) }
        func entry(_ proved: ProvedEntry) -> JSONValue {
            [
                "position": .integer(proved.position), "entry": .string(String(decoding: proved.entry, as: UTF8.self)),
                "hashes": hashes(proved.hashes),
            ]
        }
        func member(_ member: StreamMap.Membership?) -> JSONValue {
            guard let member else { return nil }
            return [
                "stream": .string(member.pair.stream), "last_revision": .integer(member.pair.lastRevision),
                "index": .integer(member.index), "hashes": hashes(member.hashes),
            ]
        }
        var object: JSONObject = [
            "format": .string(StreamProof.format), "stream": .string(stream.text),
            "checkpoint": .string(String(decoding: checkpoint.bytes, as: UTF8.self)), "seal": entry(seal),
            "events": .array(events.map(entry)),
        ]
        if let membership { object["membership"] = member(membership) }
        if let absence { object["absence"] = ["before": member(absence.before), "after": member(absence.after)] }
        return .object(object)
    }

    package init(parsing bytes: [UInt8]) throws {
        var limits = JSONLimits()
        limits.bytesMax = StreamProof.bytesMax
        limits.valuesMax = 32_000_000
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser.parse(bytes, limits: limits).value } catch {
            throw StreamProof.refused(error.description)
        }
        guard value["format"]?.string == StreamProof.format,
            let stream = value["stream"]?.string.flatMap({ StreamName($0) }),
            let text = value["checkpoint"]?.string, let seal = ProvedEntry(value["seal"]),
            let events = value["events"]?.array
        else { throw StreamProof.refused("it is not of the form \(StreamProof.format)") }
        self.stream = stream
        checkpoint = try SignedCheckpoint(parsing: Array(text.utf8))
        self.seal = seal
        self.events = try events.map {
            guard let event = ProvedEntry($0) else { throw StreamProof.refused("one of its events is malformed") }
            return event
        }
        membership = StreamMap.Membership(value["membership"])
        if let absence = value["absence"] {
            self.absence = StreamMap.Absence(
                before: StreamMap.Membership(absence["before"]), after: StreamMap.Membership(absence["after"]))
        }
    }
}

extension StreamProof.ProvedEntry {
    fileprivate init?(_ value: JSONValue?) {
        guard let position = value?["position"]?.integer, position >= 0, let entry = value?["entry"]?.string,
            let hashes = TreeHash.list(value?["hashes"])
        else { return nil }
        self.init(position: UInt64(position), entry: Array(entry.utf8), hashes: hashes)
    }
}

extension StreamMap.Membership {
    fileprivate init?(_ value: JSONValue?) {
        guard let stream = value?["stream"]?.string, let last = value?["last_revision"]?.integer, last >= 0,
            let index = value?["index"]?.integer, index >= 0, let hashes = TreeHash.list(value?["hashes"])
        else { return nil }
        self.init(
            pair: StreamMap.Pair(stream: stream, lastRevision: UInt64(last)), index: UInt64(index), hashes: hashes)
    }
}

extension TreeHash {
    fileprivate static func list(_ value: JSONValue?) -> [TreeHash]? {
        guard let array = value?.array, array.count <= MerkleProof.hashesMax else { return nil }
        let hashes = array.compactMap { $0.string.flatMap { TreeHash(base64: $0) } }
        return hashes.count == array.count ? hashes : nil
    }
}

// MARK: - Making one

extension Ledger {
    /// A proof that a stream is complete up to the last event that says which streams there are.
    /// - Parameter isCommitting: append such an event now if the stream went on since the last one; needs the key.
    package func proveStream(_ stream: StreamName, isCommitting: Bool) throws -> StreamProof {
        try refresh()
        var sealPosition = try lastSeal()
        if isCommitting, access == .readWrite {
            let last = try positions(of: stream).last
            if sealPosition == nil || last ?? 0 > sealPosition ?? 0 {
                try commitStreams()
                sealPosition = try lastSeal()
            }
        }
        guard let sealPosition else {
            throw LedgerError(
                .proof, "cannot prove that \(stream) is complete: the ledger never said which streams there are",
                remedy: "open the ledger for writing, with its key")
        }
        guard let checkpoint = try checkpoint(), checkpoint.checkpoint.size > sealPosition else {
            throw LedgerError(
                .proof, "cannot prove that \(stream) is complete: no checkpoint was signed since entry \(sealPosition)",
                remedy: "open the ledger for writing, with its key")
        }
        return try mapDiskErrors {
            let map = StreamMap(try lastRevisions(before: sealPosition))
            func proved(_ position: UInt64) throws -> StreamProof.ProvedEntry {
                let proof = try prove(position, under: checkpoint)
                return StreamProof.ProvedEntry(
                    position: position, entry: try entryBytes(at: position), hashes: proof.hashes)
            }
            let positions = try positions(of: stream).filter { $0 < sealPosition }
            return StreamProof(
                stream: stream, checkpoint: checkpoint, seal: try proved(sealPosition),
                membership: try map.membership(of: stream.text), absence: try map.absence(of: stream.text),
                events: try positions.map(proved))
        }
    }

    private func lastSeal() throws -> UInt64? {
        guard let stream = StreamName("ledger/self") else { return nil }
        for position in try positions(of: stream).reversed() {
            let entry = try entryBytes(at: position)
            guard let layout = EntryLayout(entry, in: 0..<entry.count) else { continue }
            if EntryFacts.Meaning(type: entry, in: layout.type) == .streamsSealed { return position }
        }
        return nil
    }

    /// The last revision of each stream as it was before a position.
    private func lastRevisions(before position: UInt64) throws -> [(key: String, value: UInt64)] {
        let (sealed, open) = view.withLock { view in
            (view.sealed, view.open.map { ($0.header.firstPosition, $0.streams) })
        }
        var last: [String: UInt64] = [:]
        func add(_ name: String, _ run: OpenSegment.StreamRun, from first: UInt64) {
            let count = run.entries.prefix { first + UInt64($0) < position }.count
            if count > 0 { last[name] = run.firstRevision + UInt64(count - 1) }
        }
        for segment in sealed where segment.firstPosition < position {
            try segment.forEachStream { add($0, $1, from: segment.firstPosition) }
        }
        if let (first, streams) = open {
            for row in streams.rows { add(streams.name(row), streams.run(row), from: first) }
        }
        return last.map { ($0.key, $0.value) }
    }
}
