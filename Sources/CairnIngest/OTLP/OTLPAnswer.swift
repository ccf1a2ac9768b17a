internal import CairnBytes

/// The bodies with which OTLP/HTTP is answered, in the encoding of the request.
package enum OTLPAnswer {
    /// An `ExportMetricsServiceResponse`: empty if all was taken, `partialSuccess` if not.
    package static func response(_ rejects: ReceivedRejects, _ encoding: OTLPMetricsReader.Encoding) -> [UInt8] {
        switch encoding {
        case .protobuf:
            if rejects.isEmpty { return [] }
            var partial = ByteWriter()
            partial.appendVarint(0x08)
            partial.appendVarint(UInt64(rejects.count))
            append(2, rejects.summary, to: &partial)
            var response = ByteWriter()
            response.appendVarint(0x0A)
            response.appendCounted(partial.bytes)
            return response.bytes
        case .json:
            if rejects.isEmpty { return Array("{}".utf8) }
            return CanonicalJSON.bytes(of: [
                "partialSuccess": [
                    "rejectedDataPoints": .string(String(rejects.count)), "errorMessage": .string(rejects.summary),
                ]
            ])
        }
    }

    /// A `google.rpc.Status` for anything but success.
    /// - Parameter code: of `google.rpc.Code`: 3 invalid argument, 8 resource exhausted, 14 unavailable, 16
    ///   unauthenticated, ...
    package static func status(code: Int, message: String, _ encoding: OTLPMetricsReader.Encoding) -> [UInt8] {
        switch encoding {
        case .protobuf:
            var status = ByteWriter()
            if code > 0 {
                status.appendVarint(0x08)
                status.appendVarint(UInt64(code))
            }
            append(2, message, to: &status)
            return status.bytes
        case .json: return CanonicalJSON.bytes(of: ["code": .integer(code), "message": .string(message)])
        }
    }

    private static func append(_ number: UInt64, _ text: String, to output: inout ByteWriter) {
        if text.isEmpty { return }
        output.appendVarint(number << 3 | 2)
        output.appendCounted(text)
    }
}
