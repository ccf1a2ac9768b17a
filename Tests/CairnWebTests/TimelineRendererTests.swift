import CairnBytes
import CairnTestSupport
import CairnWeb
import Testing

@Suite struct TimelineRendererTests {
    @Test(arguments: TimelineFormat.allCases)
    func goldenFiles(format: TimelineFormat) throws {
        try Golden.expect(
            TimelineRenderer.render(SampleTimeline.document, as: format), matches: "timeline.\(format.rawValue)",
            in: #filePath)
    }

    @Test func entriesComeInTheOrderOfTimeAndPosition() throws {
        let value = try JSONParser.parse(TimelineRenderer.render(SampleTimeline.document, as: .json)).value
        let entries = try #require(value["entries"]?.array)
        let times = entries.compactMap { $0["time"]?.string }
        #expect(entries.count == SampleTimeline.document.entries.count)
        #expect(times == times.sorted())
    }

    @Test func jsonKeysAreSnakeCase() throws {
        func check(_ value: JSONValue) {
            for element in value.array ?? [] { check(element) }
            for member in value.object?.members ?? [] {
                #expect(member.name.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) }, "\(member.name)")
                check(member.value)
            }
        }
        check(try JSONParser.parse(TimelineRenderer.render(SampleTimeline.document, as: .json)).value)
    }

    @Test func thePageNeedsNothingElse() {
        let html = TimelineRenderer.render(SampleTimeline.document, as: .html)
        for forbidden in ["<script", "http://", "https://", "src=", "@import", "url(", "javascript:", "onload"] {
            #expect(!html.contains(forbidden), "\(forbidden)")
        }
        #expect(html.hasPrefix("<!DOCTYPE html>"))
        #expect(html.contains("prefers-color-scheme: dark"))
        #expect(html.contains("@media print"))
    }

    @Test func everyPositionThatIsLinkedHasALine() {
        let html = TimelineRenderer.render(SampleTimeline.document, as: .html)
        let targets = html.split(separator: "href=\"#").dropFirst().compactMap { $0.split(separator: "\"").first }
        #expect(targets.count > 10)
        for target in targets { #expect(html.contains("id=\"\(target)\""), "\(target)") }
    }

    @Test func markupIsWellFormedAndIdentifiersAreUnique() throws {
        let html = TimelineRenderer.render(SampleTimeline.document, as: .html)
        var open: [String] = []
        var ids: Set<String> = []
        var index = html.startIndex
        while let start = html[index...].firstIndex(of: "<"), let end = html[start...].firstIndex(of: ">") {
            let tag = html[html.index(after: start)..<end]
            let name = String(tag.prefix { $0.isLetter || $0.isNumber || $0 == "/" || $0 == "!" })
            if name.hasPrefix("/") {
                #expect(open.popLast() == String(name.dropFirst()))
            } else if !name.hasPrefix("!"), !tag.hasSuffix("/"), !["meta", "br", "col"].contains(name) {
                open.append(name)
            }
            if let mark = tag.firstRange(of: " id=\"") {
                let id = String(tag[mark.upperBound...].prefix { $0 != "\"" })
                #expect(ids.insert(id).inserted, "\(id) twice")
            }
            index = html.index(after: end)
        }
        #expect(open.isEmpty)
    }

    /// Every text of the document becomes hostile; none may leave its place.
    @Test func hostileNamesStayText() {
        let evil = "\"><img src=x onerror=alert(1)></title></svg><script>'`|\n=cmd()\u{202E}"
        var document = SampleTimeline.document
        document.title = evil
        document.scope = evil
        document.clusters = .init(source: evil, target: evil)
        document.summary.whatHappened = evil
        document.phases[0].name = evil
        document.findings[0].id = evil
        document.findings[0].status = evil
        document.findings[0].charts[0].title = evil
        document.findings[0].charts[0].series[0].name = evil
        document.findings[0].charts[0].marks[0].label = evil
        for index in document.entries.indices {
            document.entries[index].actor = evil
            document.entries[index].action = evil
            document.entries[index].marker = evil
            document.entries[index].evidence = [.init(evil)]
            document.entries[index].stream = evil
        }
        let html = TimelineRenderer.render(document, as: .html)
        #expect(!html.contains("<img"))
        #expect(!html.contains("<script"))
        #expect(!html.contains("\u{202E}"))
        let markdown = TimelineRenderer.render(document, as: .md)
        // In code, be it a span or an indented block, Markdown has no markup to inject into.
        let prose = markdown.split(separator: "\n").filter { !$0.hasPrefix("    ") }.joined(separator: "\n")
            .replacing("\\`", with: "").replacing(/`[^`\n]*`/, with: "")
        #expect(!prose.contains("<img"))
        #expect(!prose.contains("<script"))
        for line in markdown.split(separator: "\n") where line.hasPrefix("| 1") || line.hasPrefix("| 0") {
            #expect(line.replacing("\\|", with: "").filter { $0 == "|" }.count == 6)
        }
        for line in TimelineRenderer.render(document, as: .csv).split(separator: "\r\n").dropFirst() {
            #expect(!line.contains(",="))
        }
    }

    @Test func emptyAndOddDocumentsRender() {
        var document = TimelineDocument(
            title: "", scope: "", from: .latest, until: .earliest,
            phases: [.init(name: "p", start: .latest, end: .earliest, status: .failed)],
            trafficShares: [.init(time: .earliest, sourcePercent: .nan, targetPercent: .infinity)],
            findings: [
                .init(
                    id: "", kind: "", title: "", severity: .info, status: "", start: .latest, end: .earliest,
                    charts: [
                        Chart(title: "", axis: "", series: []),
                        Chart(
                            title: "", axis: "", unit: .ratio,
                            series: [
                                .init(
                                    name: "", role: .signal,
                                    points: [
                                        .init(.earliest, .greatestFiniteMagnitude), .init(.latest, -.infinity),
                                        .init(.latest, -1e-300),
                                    ])
                            ], band: .init(name: "", points: [.init(.latest, low: .nan, high: 1)]),
                            levels: [.init(.nan, "")]),
                        Chart(
                            title: "", axis: "",
                            series: [
                                .init(
                                    name: "", role: .signal,
                                    points: [
                                        .init(.earliest, .greatestFiniteMagnitude),
                                        .init(.latest, -.greatestFiniteMagnitude),
                                    ])
                            ]),
                    ])
            ])
        for format in TimelineFormat.allCases {
            #expect(TimelineRenderer.render(document, as: format).utf8.last == 0x0A)
        }
        swap(&document.from, &document.until)
        for format in TimelineFormat.allCases { _ = TimelineRenderer.render(document, as: format) }
    }

    /// A chart with more points than pixels keeps the one spike.
    @Test func aSpikeSurvivesThinning() throws {
        var points = (0..<20_000).map { Chart.Point(Timestamp(microseconds: Int64($0) * 1_000_000), 1) }
        points[12_345].value = 100
        var document = SampleTimeline.document
        document.findings[0].charts = [
            Chart(title: "spike", axis: "x", series: [.init(name: "s", role: .signal, points: points)])
        ]
        let html = TimelineRenderer.render(document, as: .html)
        let path = try #require(
            html.split(separator: "class=\"line signal\" d=\"").dropFirst(2).first?.prefix { $0 != "\"" })
        #expect(path.count < 60_000)
        // The plot's top, where 100 lies.
        #expect(path.contains(" 12L"))
    }

    /// A history that was imported as a whole says so once.
    @Test func latenessIsSaidOnceWhereItIsTheRule() {
        var document = SampleTimeline.document
        #expect(TimelineRenderer.render(document, as: .html).contains(" recorded 2026-03-10 10:20:00 UTC"))
        for index in document.entries.indices {
            document.entries[index].recordedTime = SampleTimeline.day("2026-03-12T07:00:00Z")
        }
        for format in [TimelineFormat.html, .md] {
            let text = TimelineRenderer.render(document, as: format)
            #expect(text.contains("17 of 17 lines were recorded after they happened: 2026-03-12 07:00 UTC."))
            #expect(!text.contains("recorded 2026-03-12"))
        }
        #expect(TimelineRenderer.render(document, as: .csv).contains("2026-03-12T07:00:00Z"))
    }
}
