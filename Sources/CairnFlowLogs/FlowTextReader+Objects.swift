import CairnBytes

/// The wrappings in JSON: CloudWatch Logs subscriptions, Lambda's and Firehose's envelopes, and messages.
extension FlowTextReader where Consumer: ~Copyable {
    mutating func readObjects(_ text: UnsafeBufferPointer<UInt8>) {
        for index in text.indices {
            switch unsafe objects.take(text[index], limit: limits.objectBytesMax) {
            case .more: continue
            case .object(let object): readObject(object, depth: 0)
            case .tooLong(let beginning):
                counts.lines += 1
                reject(.tooLong(limit: limits.objectBytesMax), beginning)
            case .stray(let byte):
                counts.lines += 1
                reject(.notJSON("bytes between the objects"), [byte])
            }
        }
    }

    private mutating func readObject(_ object: [UInt8], depth: Int) {
        var jsonLimits = JSONLimits()
        jsonLimits.bytesMax = limits.objectBytesMax
        do throws(JSONError) {
            readValue(try JSONParser.parse(object, limits: jsonLimits).value, object, depth: depth)
        } catch {
            counts.lines += 1
            reject(.notJSON(error.description), object)
        }
    }

    private mutating func readValue(_ value: JSONValue, _ object: [UInt8], depth: Int) {
        if let message = value["message"]?.string {
            readAllLines(Array(message.utf8), depth: depth)
        } else if value["messageType"]?.string == "CONTROL_MESSAGE" {
            // A test that the destination is reachable; its events carry no flows.
            return
        } else if let events = value["logEvents"]?.array {
            for event in events {
                if let message = event["message"]?.string { readAllLines(Array(message.utf8), depth: depth) }
            }
        } else if let payload = value["awslogs"]?["data"]?.string {
            readPayload(base64: Array(payload.utf8), depth: depth + 1)
        } else if let records = value["records"]?.array {
            for record in records {
                if let payload = record["data"]?.string {
                    readPayload(base64: Array(payload.utf8), depth: depth + 1)
                }
            }
        } else {
            counts.lines += 1
            reject(.unknownWrapping, object)
        }
    }

    mutating func readPayload(base64: [UInt8], depth: Int) {
        guard depth <= limits.wrappingDepthMax, let decoded = Base64.bytes(base64) else {
            counts.lines += 1
            let reason = depth <= limits.wrappingDepthMax ? "it is not base64" : "it is wrapped too deeply"
            reject(.damagedPayload(reason), base64)
            return
        }
        var content = decoded
        if decoded.starts(with: [0x1F, 0x8B]) {
            do throws(InflateError) {
                content = try Inflate.decompress(decoded, container: .gzip, limit: limits.payloadBytesMax)
            } catch {
                counts.lines += 1
                reject(.damagedPayload(error.description), base64)
                return
            }
        }
        guard let first = content.first(where: { $0 > 0x20 }) else { return }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            readAllLines(content, depth: depth)
            return
        }
        var splitter = JSONObjectSplitter()
        for byte in content {
            if case .object(let object) = splitter.take(byte, limit: limits.objectBytesMax) {
                readObject(object, depth: depth)
            }
        }
        if !splitter.unfinished.isEmpty {
            counts.lines += 1
            reject(.notJSON("the object has no end"), splitter.unfinished)
        }
    }
}
