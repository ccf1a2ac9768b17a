internal import CairnBytes
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels
internal import CairnSeries

/// Names of series for the batches of one cluster: a name goes into the log once, with an event of its own, and batches
/// cite where it is (FORMAT.md of CairnSeries, section 8).
final class SampleNames {
    /// A batch with so many samples for each series brings its names along: they weigh next to nothing then, and the
    /// batch needs no other attachment.
    private static let inlineSamplesPerSeries = 64
    /// Names of so few series weigh little in any batch.
    private static let inlineSeriesMax = 100
    /// With more series the lists begin anew.
    private static let seriesMax = 500_000

    private struct List {
        var reference: NamesReference
        var count: Int
    }

    private struct Home {
        /// -1 if no list has the name yet.
        var list = -1
        var place = 0
    }

    private let ledger: Ledger
    private let clock: any WallClock
    private let actor: Actor
    private let cluster: String
    private let stream: StreamName
    private var numbers: [SeriesKey: Int] = [:]
    private var keys: [SeriesKey] = []
    private var homes: [Home] = []
    private var lists: [List] = []
    private var isLoaded = false
    /// Revision of the ledger's own stream when the lists were last seen to be there.
    private var removalsSeen: UInt64?

    init(ledger: Ledger, actor: Actor, cluster: String, clock: any WallClock) {
        self.ledger = ledger
        self.clock = clock
        self.actor = actor
        self.cluster = cluster
        stream = StreamName(kind: "samples", foreignID: cluster)
    }

    static func areInline(series: Int, samples: Int) -> Bool {
        series < inlineSeriesMax || samples >= series * inlineSamplesPerSeries
    }

    /// The number of a series here, the same every time.
    func number(of key: SeriesKey) -> Int {
        if let known = numbers[key] { return known }
        let number = keys.count
        numbers[key] = number
        keys.append(key)
        homes.append(Home())
        return number
    }

    /// More series than this are better told anew.
    var isFull: Bool { keys.count > SampleNames.seriesMax }

    func key(of number: Int) -> SeriesKey { keys[number] }

    /// The bytes of a batch. Names that are nowhere yet are recorded first.
    /// - Parameters:
    ///   - series: numbers, each once.
    ///   - samples: of a number: in order of time, without exact repeats, at least one.
    func encode(_ series: [Int], _ samples: (Int) -> [Sample]) throws -> [UInt8] {
        try load()
        try forgetWhatIsGone()
        let new = series.filter { homes[$0].list < 0 }
        if !new.isEmpty { try record(new, of: series) }
        // In the order of the lists, each home as one number: 4 bits of the list, 28 of the place, 28 of the series.
        let order = series.map { UInt64(homes[$0].list) << 56 | UInt64(homes[$0].place) << 28 | UInt64($0) }.sorted()
        var names: [SampleBatch.Names] = []
        var placed: [SampleBatch.Placed] = []
        placed.reserveCapacity(order.count)
        var current = -1
        var start = 0
        for packed in order {
            let number = Int(packed & 0xFFF_FFFF)
            let home = homes[number]
            if home.list != current {
                if current >= 0 { start += lists[current].count }
                current = home.list
                names.append(.reference(lists[current].reference, count: lists[current].count))
            }
            placed.append(SampleBatch.Placed(place: start + home.place, samples: samples(number)))
        }
        return try SampleBatch.encode(names, placed)
    }

    private func record(_ new: [Int], of series: [Int]) throws {
        var new = new
        if lists.count == SampleBatch.namesMax
            || lists.reduce(new.count, { $0 + $1.count }) > SampleNames.seriesMax
        {
            forgetLists()
            new = series
        }
        new.sort { keys[$0] < keys[$1] }
        let bytes = SeriesNames.encode(new.map { keys[$0] })
        let event = ProposedEvent(
            id: "names/\(Digests.sha256(bytes))/\(ledger.size)", source: SampleSealer.source,
            type: "cairn.series.named.v1", subject: stream, time: clock.now(),
            data: ["cluster": .string(cluster), "series": .integer(new.count)],
            attachments: [
                ProposedAttachment(
                    role: SampleHistory.namesRole, mediaType: SeriesNames.mediaType, content: bytes,
                    retention: .droppable)
            ])
        let receipts = try ledger.append([Append(event)], actor: actor)
        guard let attachment = try ledger.event(at: receipts[0].position).attachments.first else { return }
        add(new, NamesReference(digest: attachment.digest, byteCount: attachment.byteCount))
    }

    private func add(_ series: [Int], _ reference: NamesReference) {
        for (place, number) in series.enumerated() where homes[number].list < 0 {
            homes[number] = Home(list: lists.count, place: place)
        }
        lists.append(List(reference: reference, count: series.count))
    }

    private func forgetLists() {
        lists = []
        for index in homes.indices { homes[index] = Home() }
    }

    /// Goes on with the lists that the last batch of the cluster cites, whoever recorded it.
    private func load() throws {
        guard !isLoaded else { return }
        isLoaded = true
        try ledger.refresh()
        guard let last = try ledger.lastRevision(of: stream) else { return }
        var references: [NamesReference] = []
        try ledger.forEach(in: stream, from: last) { event in
            guard let batch = SampleHistory.Batch(event),
                case .present(let bytes)? = try? ledger.content(of: batch.attachment)
            else { return }
            references = (try? SampleBatch.references(in: bytes)) ?? []
        }
        for reference in references {
            // What cannot be read is not cited again; its names are recorded anew.
            guard case .present(let bytes)? = try? ledger.content(of: SampleNames.attachment(reference)),
                let found = try? SeriesNames.decode(bytes)
            else { continue }
            add(found.map { number(of: $0) }, reference)
        }
    }

    /// A batch must not cite names that somebody redacted.
    private func forgetWhatIsGone() throws {
        guard let own = StreamName("ledger/self") else { return }
        let removals = try ledger.lastRevision(of: own)
        guard removals != removalsSeen else { return }
        removalsSeen = removals
        for list in lists {
            guard case .present? = try? ledger.content(of: SampleNames.attachment(list.reference)) else {
                forgetLists()
                return
            }
        }
    }

    private static func attachment(_ reference: NamesReference) -> AttachmentReference {
        AttachmentReference(
            role: SampleHistory.namesRole, mediaType: SeriesNames.mediaType, byteCount: reference.byteCount,
            digest: reference.digest, retention: .droppable)
    }
}
