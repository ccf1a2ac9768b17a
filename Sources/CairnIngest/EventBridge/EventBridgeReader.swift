internal import CairnBytes
internal import CairnModel

/// EventBridge envelopes, and the two other shapes in which CloudWatch alarms arrive (a Lambda action's `alarmData` and
/// the message of an SNS notification). The whole original object is the event's data.
///
/// The identity is the envelope's `source/region/account` with its `id`; delivery is at least once, so the same id
/// comes again and is the same event.
struct EventBridgeReader: JSONRecordReader {
    let options: ImportOptions

    private static let knownTypes: [String: String] = [
        "aws.ecs/ECS Deployment State Change": "aws.ecs.deployment-state-change.v0",
        "aws.ecs/ECS Hook State Change": "aws.ecs.hook-state-change.v0",
        "aws.ecs/ECS Service Action": "aws.ecs.service-action.v0",
        "aws.ecs/ECS Task State Change": "aws.ecs.task-state-change.v0",
        "aws.cloudwatch/CloudWatch Alarm State Change": "aws.cloudwatch.alarm-state-change.v0",
    ]
    private static let alarmType = "aws.cloudwatch.alarm-state-change.v0"

    /// What an event takes from the object, whatever its shape.
    private struct Parts {
        var source: String
        var id: String?
        var type: String
        var subject: StreamName
        var timeText: String?
    }

    func read(_ record: JSONRecord, into batch: inout IngestBatch) {
        let parts: Parts
        if record.value["alarmData"] != nil, record.value["detail"] == nil {
            parts = alarmAction(record.value)
        } else if record.value["AlarmName"]?.string != nil, record.value["NewStateValue"] != nil {
            parts = alarmNotification(record.value)
        } else {
            do throws(CloudEventReader.Refusal) {
                parts = try envelope(record.value)
            } catch {
                return batch.reject(record, error.reason, remedy: error.remedy)
            }
        }
        let time: Timestamp
        if let text = parts.timeText {
            guard let read = EventText.time(text) else {
                return batch.reject(
                    record, "\"\(text.prefix(40))\" is not a time of RFC 3339 in the years 1 to 9999",
                    remedy: "write it like 2026-01-31T10:00:00Z")
            }
            time = read
        } else if let defaultTime = options.defaultTime {
            time = defaultTime
        } else {
            return batch.reject(record, "the event has no time", remedy: "add time, or give a default time")
        }
        let id = parts.id ?? "sha256:" + FileIdentity.digest(CanonicalJSON.bytes(of: record.value))
        for (name, text) in [("source", parts.source), ("id", id), ("detail-type", parts.type)] {
            if let problem = EventText.problem(text, name) {
                return batch.reject(record, problem, remedy: "mend the record or leave it out")
            }
        }
        let event = ProposedEvent(
            id: id, source: parts.source, type: parts.type, subject: parts.subject, time: time,
            timeText: parts.timeText.flatMap { EventText.timeText($0, of: time) }, data: record.value,
            extensions: EventText.extensions(of: options),
            received: ReceivedBytes(bytes: record.bytes, isLossless: record.isLossless))
        batch.add(IngestedEvent(event: event, line: record.line, notes: record.notes))
    }

    // MARK: The envelope

    private func envelope(_ value: JSONValue) throws(CloudEventReader.Refusal) -> Parts {
        guard let source = value["source"]?.string, let detailType = value["detail-type"]?.string,
            value["detail"]?.object != nil
        else {
            throw CloudEventReader.Refusal(
                reason: "this is no EventBridge event: it needs source, detail-type and an object detail",
                remedy: value["specversion"] == nil ? "leave it out" : "import CloudEvents with the format events")
        }
        let type = EventBridgeReader.type(source: source, detailType: detailType)
        guard !type.hasPrefix(EventText.reservedPrefix), EventText.sourceProblem(source) == nil else {
            throw CloudEventReader.Refusal(
                reason: "the source \(source.prefix(40)) is one of Cairn's own",
                remedy: "send it under another source")
        }
        let region = value["region"]?.string ?? "-"
        let account = value["account"]?.string ?? "-"
        return Parts(
            source: "\(source)/\(region)/\(account)", id: value["id"]?.string, type: type,
            subject: subject(value, source: source, region: region, account: account), timeText: value["time"]?.string)
    }

    /// The types this project knows have names of their own; any other is its source and its detail-type in lower case.
    static func type(source: String, detailType: String) -> String {
        if let known = knownTypes["\(source)/\(detailType)"] { return known }
        var text = ""
        for byte in "\(source).\(detailType)".utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): text.unicodeScalars.append(Unicode.Scalar(byte + 32))
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
                UInt8(ascii: "-"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "-"
            }
        }
        return text + ".v0"
    }

    /// The stream: of a deployment if the event names one, else of the resource it is about.
    private func subject(_ value: JSONValue, source: String, region: String, account: String) -> StreamName {
        let resources = (value["resources"]?.array ?? []).compactMap { $0.string }
        if source == "aws.ecs" {
            let candidates = [value["detail"]?["serviceDeploymentArn"]?.string].compactMap { $0 } + resources
            for candidate in candidates {
                guard let name = AmazonResourceName(candidate), name.resource.hasPrefix("service-deployment/")
                else { continue }
                return StreamName(
                    kind: "deployment", foreignID: String(name.resource.dropFirst("service-deployment/".count)))
            }
        }
        let resource = resources.first.map { AmazonResourceName($0)?.resource ?? $0 } ?? ""
        let place = [region, account, resource].filter { !$0.isEmpty }.joined(separator: "/")
        // Only Amazon's own sources name a kind: any other could take the name of one of Cairn's.
        guard source.hasPrefix("aws."), let kind = EventBridgeReader.kind(source) else {
            return StreamName(kind: "eventbridge", foreignID: "\(source)/\(place)")
        }
        return StreamName(
            kind: kind,
            foreignID: source == "aws.cloudwatch" ? EventBridgeReader.slashed(place) : place)
    }

    private static func kind(_ source: String) -> String? {
        let text = source.replacing(".", with: "-")
        guard text.utf8.count <= 60, StreamName("\(text)/x") != nil else { return nil }
        return text
    }

    /// `alarm:name` as `alarm/name`: CloudWatch separates with a colon what others do with a slash.
    private static func slashed(_ place: String) -> String {
        place.replacing("/alarm:", with: "/alarm/", maxReplacements: 1)
    }

    // MARK: Alarms

    private func alarmAction(_ value: JSONValue) -> Parts {
        let name = value["alarmArn"]?.string.flatMap { AmazonResourceName($0) }
        let alarm = value["alarmData"]?["alarmName"]?.string ?? name?.resource ?? "unnamed"
        let changed = value["alarmData"]?["state"]?["timestamp"]?.string
        return alarmParts(
            alarm, region: value["region"]?.string ?? name?.region,
            account: value["accountId"]?.string ?? name?.account,
            arn: value["alarmArn"]?.string, changed: changed, time: value["time"]?.string ?? changed)
    }

    private func alarmNotification(_ value: JSONValue) -> Parts {
        let name = value["AlarmArn"]?.string.flatMap { AmazonResourceName($0) }
        let changed = value["StateChangeTime"]?.string
        return alarmParts(
            value["AlarmName"]?.string ?? "unnamed", region: name?.region,
            account: value["AWSAccountId"]?.string ?? name?.account, arn: value["AlarmArn"]?.string, changed: changed,
            time: changed)
    }

    private func alarmParts(
        _ alarm: String, region: String?, account: String?, arn: String?, changed: String?, time: String?
    ) -> Parts {
        let place = "\(region ?? "-")/\(account ?? "-")"
        var id: String?
        if let arn, let changed { id = "\(arn)@\(changed)" }
        return Parts(
            source: "aws.cloudwatch/\(place)", id: id, type: EventBridgeReader.alarmType,
            subject: StreamName(kind: "aws-cloudwatch", foreignID: "\(place)/alarm/\(alarm)"), timeText: time)
    }
}
