import CairnBytes
import CairnIngest
import CairnTestSupport
import Testing

@Suite struct SampleFormatTests {
    @Test(arguments: [1, 13, 4096]) func expositionFixture(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("exposition.prom"), ImportOptions(format: .prometheus, cluster: "green"),
            pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "exposition.txt", in: #filePath)
    }
}
