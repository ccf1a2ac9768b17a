import CairnBytes
import CairnModel
import CairnTestSupport
import Foundation
import Testing

@Suite struct VocabularyTests {
    @Test func typesComeApart() {
        let cases: [(String, EventType.Family, String, Int?)] = [
            ("cairn.phase.started.v1", .cairn, "phase.started", 1),
            ("observed.hook.timed_out.v12", .observed, "hook.timed_out", 12),
            ("aws.ecs.hook-state-change.v0", .foreign, "aws.ecs.hook-state-change", 0),
            ("com.example.thing", .foreign, "com.example.thing", nil),
            ("cairnx.phase.v1", .foreign, "cairnx.phase", 1),
            ("cairn.phase.started", .cairn, "phase.started", nil),
            ("cairn.phase.started.v01", .cairn, "phase.started.v01", nil),
            ("cairn.v1", .foreign, "cairn", 1),
            ("", .foreign, "", nil),
        ]
        for (text, family, name, version) in cases {
            let type = EventType(text)
            #expect(type.family == family && type.name == name && type.version == version, "\(text)")
            #expect(type.description == text)
        }
    }

    /// One event of every type, as it is stored: each version stays readable.
    static func goldenEvents() throws -> [(type: String, data: JSONValue)] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/events.jsonl")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        return try lines.map { line in
            let value = try JSONParser.parse(String(line)).value
            return (try #require(value["type"]?.string), try #require(value["data"]))
        }
    }

    @Test func everyTypeHasAGoldenEventThatIsValid() throws {
        let events = try VocabularyTests.goldenEvents()
        for event in events { try EventVocabulary.standard.validate(type: event.type, data: event.data) }
        let named = Set(events.map { EventType($0.type).name })
        #expect(named == Set(EventVocabulary.standard.schemas.map(\.name)))
    }

    /// Taking out, or spoiling, any field that a schema names gives an error that names that field.
    @Test func errorsNameTheField() throws {
        for event in try VocabularyTests.goldenEvents() {
            let schema = try #require(EventVocabulary.standard.schema(named: EventType(event.type).name))
            for field in schema.fields {
                var object = try #require(event.data.object)
                object[field.name] = field.kind == .object ? .array([]) : .object([:])
                #expect(throws: SchemaError.self, "\(event.type) \(field.name)") {
                    try schema.validate(.object(object))
                }
                object[field.name] = nil
                do {
                    try schema.validate(.object(object))
                    #expect(!field.isRequired, "\(event.type) without \(field.name)")
                } catch {
                    #expect(field.isRequired && error.field == field.name)
                }
            }
            #expect(throws: SchemaError.self) { try schema.validate("text") }
        }
    }

    @Test func unknownFieldsAreKept() throws {
        let data: JSONValue = ["phase": "precheck", "colour": "green", "step": nil]
        try EventVocabulary.standard.validate(type: "observed.phase.started.v1", data: data)
        #expect(
            EventVocabulary.standard.read(type: "observed.phase.started.v1", data: data)
                == .known(name: "phase.started", data: data))
    }

    @Test func privateFieldsAreMarkedAndMayBeGoneFromStoredData() throws {
        #expect(EventSchema.privateFields(of: "cairn.note.added.v1") == ["text"])
        #expect(EventSchema.privateFields(of: "observed.approval.granted.v1") == ["comment"])
        #expect(EventSchema.privateFields(of: "aws.ecs.note.added.v1") == [])
        let schema = try #require(EventVocabulary.standard.schema(named: "note.added"))
        #expect(throws: SchemaError.self) { try schema.validate([:]) }
        try schema.validate([:], isStored: true)
    }

    @Test func oldVersionsAreReadThroughTheChainOfUpcasters() throws {
        let vocabulary = EventVocabulary(
            schemas: [EventSchema("door.opened", version: 3, in: [], [EventField("door", .text)])],
            upcasters: [
                Upcaster(name: "door.opened", from: 1) { object in
                    var object = object
                    object["gate"] = object["number"].map { .string(CanonicalJSON.string(of: $0)) }
                    object["number"] = nil
                    return object
                },
                Upcaster(name: "door.opened", from: 2) { object in
                    var object = object
                    object["door"] = object["gate"]
                    object["gate"] = nil
                    return object
                },
            ])
        let newest = EventVocabulary.Reading.known(name: "door.opened", data: ["door": "7", "by": "alice"])
        let golden: [(String, JSONValue)] = [
            ("cairn.door.opened.v1", ["number": 7, "by": "alice"]),
            ("cairn.door.opened.v2", ["gate": "7", "by": "alice"]),
            ("cairn.door.opened.v3", ["door": "7", "by": "alice"]),
        ]
        for (type, data) in golden {
            #expect(vocabulary.read(type: type, data: data) == newest)
            try vocabulary.validate(type: type, data: data)
        }
        #expect(
            vocabulary.read(type: "cairn.door.opened.v4", data: [:])
                == .unknownVersion(name: "door.opened", version: 4))
        #expect(
            vocabulary.read(type: "cairn.door.opened.v0", data: [:])
                == .unknownVersion(name: "door.opened", version: 0))
        #expect(vocabulary.read(type: "cairn.window.opened.v1", data: [:]) == .foreign)
        #expect(throws: SchemaError.self) { try vocabulary.validate(type: "cairn.door.opened.v4", data: [:]) }
        #expect(throws: SchemaError.self) { try vocabulary.validate(type: "observed.window.opened.v1", data: [:]) }
    }
}
