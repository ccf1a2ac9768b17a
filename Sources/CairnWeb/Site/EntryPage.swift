package import CairnBytes

/// One entry of the log, with its proof.
package struct EntryDocument: Sendable, Hashable {
    package struct Attachment: Sendable, Hashable {
        package var role: String
        package var mediaType: String
        package var byteCount: Int
        /// In hexadecimal.
        package var digest: String
        package var retention: String
        /// Taken out of the log, by this entry.
        package var goneBy: UInt64?

        package init(
            role: String, mediaType: String, byteCount: Int, digest: String, retention: String, goneBy: UInt64?
        ) {
            self.role = role
            self.mediaType = mediaType
            self.byteCount = byteCount
            self.digest = digest
            self.retention = retention
            self.goneBy = goneBy
        }
    }

    /// The proof that the entry is in the log, as `c2sp.org/tlog-proof@v1` writes it.
    package struct Proof: Sendable, Hashable {
        package var text: String
        package var hashes: Int
        /// Entries that the signed checkpoint covers, and its root.
        package var size: UInt64
        package var root: String
        package var verifierKey: String?

        package init(text: String, hashes: Int, size: UInt64, root: String, verifierKey: String?) {
            self.text = text
            self.hashes = hashes
            self.size = size
            self.root = root
            self.verifierKey = verifierKey
        }
    }

    package var position: UInt64
    package var size: UInt64
    /// What it says, in words.
    package var action: String
    package var severity: TimelineEntry.Severity
    package var actor: String
    package var stream: String
    package var time: Timestamp
    package var recordedTime: Timestamp
    /// Type, source, id, revision and the like.
    package var facts: [LabelledText]
    /// The event as JSON.
    package var json: String
    package var attachments: [Attachment]
    package var previousInStream: UInt64?
    package var nextInStream: UInt64?
    /// What it rests on or is about: other entries.
    package var cited: [UInt64]
    package var proof: Proof?
    /// Why there is no proof.
    package var proofMissing: String?

    package init(
        position: UInt64, size: UInt64, action: String, severity: TimelineEntry.Severity, actor: String, stream: String,
        time: Timestamp, recordedTime: Timestamp, facts: [LabelledText], json: String, attachments: [Attachment] = [],
        previousInStream: UInt64? = nil, nextInStream: UInt64? = nil, cited: [UInt64] = [], proof: Proof? = nil,
        proofMissing: String? = nil
    ) {
        self.position = position
        self.size = size
        self.action = action
        self.severity = severity
        self.actor = actor
        self.stream = stream
        self.time = time
        self.recordedTime = recordedTime
        self.facts = facts
        self.json = json
        self.attachments = attachments
        self.previousInStream = previousInStream
        self.nextInStream = nextInStream
        self.cited = cited
        self.proof = proof
        self.proofMissing = proofMissing
    }
}

package struct EntryPage {
    private let document: EntryDocument
    private let context: PageContext

    package static func render(_ document: EntryDocument, _ context: PageContext) -> [UInt8] {
        // An entry never changes.
        SitePage.render(title: "Entry \(document.position)", section: .none, context, isLive: false) { page in
            EntryPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        steps(&page)
        page.element("h1", text: "Entry \(document.position)")
        page.element("section", ["class": "summary \(document.severity.rawValue)", "aria-label": "What it says"]) {
            page in
            page.element("p", ["class": "lead"], text: document.action)
            page.element("p", ["class": "scope"]) { page in
                page.text("\(document.actor) · ")
                page.time(document.time)
                page.text(" · ")
                stream(&page)
            }
        }
        page.element("dl", ["class": "facts"]) { page in
            fact("happened", &page) { $0.time(document.time) }
            fact("recorded", &page) { $0.time(document.recordedTime) }
            for one in document.facts { fact(one.label, &page) { $0.text(one.text) } }
            if !document.cited.isEmpty {
                fact("rests on", &page) { $0.entries(document.cited, context.links) }
            }
        }
        page.heading("The event", id: "event")
        page.command(document.json)
        attachments(&page)
        proof(&page)
    }

    private func fact(_ label: String, _ page: inout Markup, _ body: (inout Markup) -> Void) {
        page.element("div") { page in
            page.element("dt", text: label)
            page.element("dd", [:], body)
        }
    }

    /// A run has a page of its own.
    private func stream(_ page: inout Markup) {
        let parts = document.stream.split(separator: "/", maxSplits: 1).map(String.init)
        let address: String? =
            switch parts.first {
            case "migration", "deployment": context.links.run(document.stream)
            case "finding" where parts.count > 1: context.links.finding(parts[1])
            case "incident" where parts.count > 1: context.links.incident(parts[1])
            default: nil
            }
        guard let address else { return page.element("code", text: document.stream) }
        page.element("a", ["href": address]) { $0.element("code", text: document.stream) }
    }

    private func steps(_ page: inout Markup) {
        page.element("nav", ["class": "pager", "aria-label": "Entries"]) { page in
            if document.position > 0 {
                page.element(
                    "a", ["href": context.links.entry(document.position - 1), "rel": "prev"], text: "← Entry before")
            }
            if document.position + 1 < document.size {
                page.element(
                    "a", ["href": context.links.entry(document.position + 1), "rel": "next"], text: "Entry after →")
            }
            if let previous = document.previousInStream {
                page.element("a", ["href": context.links.entry(previous)], text: "before in its stream #\(previous)")
            }
            if let next = document.nextInStream {
                page.element("a", ["href": context.links.entry(next)], text: "after in its stream #\(next)")
            }
        }
        page.lineBreak()
    }

    private func attachments(_ page: inout Markup) {
        guard !document.attachments.isEmpty else { return }
        page.heading("Attachments", id: "attachments", count: document.attachments.count)
        let table = SiteTable(
            caption: "Attachments",
            columns: [
                .init("Role"), .init("Media type"), .init("Bytes", isNumber: true), .init("Retention"),
                .init("SHA-256, salted"), .init("Content"),
            ])
        table.write(to: &page) { page in
            for one in document.attachments {
                table.row(
                    &page, { $0.text(one.role) }, { $0.text(one.mediaType) },
                    { $0.text(NumberText.grouped(one.byteCount)) }, { $0.text(one.retention) },
                    { $0.element("code", text: one.digest) },
                    { page in
                        guard let position = one.goneBy else { return page.text("there") }
                        page.text("taken out by ")
                        page.entry(position, context.links)
                    })
            }
        }
    }

    private func proof(_ page: inout Markup) {
        page.heading("Proof", id: "proof")
        guard let proof = document.proof else {
            return page.empty(
                document.proofMissing ?? "There is no signed checkpoint that covers this entry yet.",
                command: "cairn checkpoint\ncairn prove \(document.position)")
        }
        page.element("p") { page in
            page.text(
                "The entry is number \(document.position) of a log with \(NumberText.grouped(proof.size)) entries and the root "
            )
            page.element("code", text: proof.root)
            page.text(": \(SiteText.plural(proof.hashes, "hash", "hashes")) lead from it to the signed root.")
        }
        page.element("details", ["id": "proof-file"]) { page in
            page.element("summary", text: "The proof file (c2sp.org/tlog-proof@v1)")
            page.command(proof.text)
        }
        page.element(
            "p", text: "To check it without this server, with the verifier key that you were given and kept elsewhere:")
        page.command(
            """
            cairn prove \(document.position) --entry-to entry.json > entry.tlog-proof
            python3 tools/verify_proof.py entry.tlog-proof entry.json "$(cat vkey)"
            """)
        guard let key = proof.verifierKey else { return }
        page.element("p", ["class": "note"]) { page in
            page.text("This server signs with ")
            page.element("code", text: key)
            page.text(": if yours is another, ask why.")
        }
    }
}
