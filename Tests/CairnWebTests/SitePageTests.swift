import CairnBytes
import CairnTestSupport
import CairnWeb
import Testing

/// The pages of the server: what they say, that they are well-formed, and that no name from outside can change that.
@Suite struct SitePageTests {
    @Test func pagesAreAsTheyWere() throws {
        for page in SampleSite().pages() {
            try Golden.expect(page.html, matches: "site-\(page.name).html", in: #filePath)
        }
    }

    @Test func pagesAreWellFormed() {
        var reader = SampleSite().context
        reader.viewer = .init(name: "carl", mayApprove: false)
        var stranger = SampleSite().context
        (stranger.viewer, stranger.formToken) = (nil, nil)
        var proxied = SampleSite().context
        proxied.prefix = "/cairn"
        for context in [SampleSite().context, reader, stranger, proxied] {
            for page in SampleSite().pages(context) {
                let check = SiteCheck(page.html)
                #expect(check.problems.isEmpty, "\(page.name)")
                // Whoever may not decide is offered nothing that decides.
                let actions = check.tags.compactMap { $0.attributes["action"] ?? $0.attributes["formaction"] }
                let decides = actions.contains {
                    $0.hasSuffix("/approve") || $0.hasSuffix("/reject") || $0.hasSuffix("/mute")
                }
                #expect(
                    decides == (context.viewer?.mayApprove == true && ["fleet", "run", "finding"].contains(page.name)))
            }
        }
    }

    @Test func emptyDocumentsSayWhatToDo() {
        let context = SampleSite().context
        let now = context.now
        let empty: [(String, [UInt8])] = [
            ("cairn.migration.planned.v1", FleetPage.render(FleetDocument(), context)),
            (
                "cairn.phase.started.v1",
                MigrationPage.render(
                    MigrationDocument(
                        stream: "migration/m", title: "m", kind: "migration", status: "planned", from: now, until: now),
                    context)
            ),
            ("cairn.migration.planned.v1", DivergenceMapPage.render(DivergenceMapDocument(pair: nil), context)),
            (
                "cairn diverge --source a --target b",
                DivergenceMapPage.render(DivergenceMapDocument(pair: .init(source: "a", target: "b")), context)
            ),
            ("cairn import flow-logs", DropsPage.render(DropsDocument(), context)),
            ("--analyze", IncidentsPage.render(IncidentsDocument(), context)),
        ]
        for (command, html) in empty {
            #expect(String(decoding: html, as: UTF8.self).contains(command))
            #expect(SiteCheck(html).problems.isEmpty, "\(command)")
        }
    }

    private static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</title><style>",
        "javascript:alert(1)", "../../v1/tokens", ".", "a/b?c=d#e%f&g", "\u{202E}evil\u{0000}\u{1B}[2J",
        "{{7*7}}",
        "&lt;b&gt;", "--></svg>", "\u{10FFFF}\u{FEFF}", "日本 ❤️‍🔥", String(repeating: "W", count: 2000), " ", "%00%2e%2e",
    ]

    @Test func namesFromOutsideStayText() {
        let plain = SampleSite().pages().map { SiteCheck($0.html).structure }
        for name in SitePageTests.hostile {
            let site = SampleSite(replacing: { name == "." ? String(repeating: name, count: $0 + 1) : "\(name)\($0)" })
            for (page, structure) in zip(site.pages(), plain) {
                let check = SiteCheck(page.html)
                #expect(check.problems.isEmpty, "\(page.name) with \(name.prefix(40).debugDescription)")
                let isSame = check.structure == structure
                #expect(isSame, "\(page.name) with \(name.prefix(40).debugDescription)")
            }
        }
    }

    @Test(arguments: 1...UInt64(40)) func anyNameStaysText(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let letters = Array(
            "<>\"'&/\\=;:%#?+ .-{}()[]`\u{0}\u{7}\n\r\t\u{202E}\u{2066}\u{FEFF}é日❤️aAzZ09".unicodeScalars)
        let plain = SampleSite().pages().map { SiteCheck($0.html).structure }
        let site = SampleSite(replacing: { number in
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...24, using: &random) {
                text.append(letters[Int.random(in: 0..<letters.count, using: &random)])
            }
            // No two names are one, or the old cluster would be the new one.
            return String(text) + String(number)
        })
        for (page, structure) in zip(site.pages(), plain) {
            let check = SiteCheck(page.html)
            #expect(check.problems.isEmpty, "\(page.name), seed \(seed)")
            let isSame = check.structure == structure
            #expect(isSame, "\(page.name), seed \(seed)")
        }
    }

    /// A heat map of the largest fleet, in the worst order, and a fleet page that is full.
    @Test func largePagesStaySmall() {
        let site = SampleSite()
        var random = SeededRandom(seed: 16)
        let verdicts = DivergenceMapDocument.Verdict.allCases
        var map = site.divergence
        map.metrics = (0..<12).map { "http_request_duration_seconds_\($0)" }
        map.overview = (0..<1600).map { _ in (0..<12).map { _ in verdicts.randomElement(using: &random) } }
        map.rows = map.overview.prefix(100).enumerated().map { index, line in
            .init(
                app: "application-number-\(index)",
                cells: line.map {
                    $0.map {
                        .init(verdict: $0, effect: "+12.3 pt", margins: 5, reason: String(repeating: "r", count: 160))
                    }
                },
                position: 1_000_000)
        }
        let heat = DivergenceMapPage.render(map, site.context)
        #expect(heat.count < 1_000_000, "\(heat.count) bytes")
        #expect(SiteCheck(heat).problems.isEmpty)
        var fleet = site.fleet
        fleet.runs = (0..<fleet.pageSize).map { index in
            var run = fleet.runs[0]
            run.stream = "migration/harbor-\(index)"
            return run
        }
        let full = FleetPage.render(fleet, site.context)
        #expect(full.count < 400_000, "\(full.count) bytes")
        print(
            "heat map of 1,600 applications and 12 metrics: \(heat.count) bytes; fleet of 100 runs: \(full.count) bytes"
        )
    }

    @Test func theStyleSheetIsWhole() {
        let style = String(decoding: SiteStyle.css, as: UTF8.self)
        #expect(style.filter { $0 == "{" }.count == style.filter { $0 == "}" }.count)
        // What stands alone and what the server sends have one source.
        #expect(style.contains(".summary.critical"))
        #expect(!style.contains("url("))
        #expect(!String(decoding: SiteScript.javascript, as: UTF8.self).contains("eval"))
    }
}
