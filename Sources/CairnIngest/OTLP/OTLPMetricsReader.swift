internal import CairnBytes

/// OTLP/HTTP metrics: an `ExportMetricsServiceRequest` in protobuf or JSON, after gzip, as samples.
///
/// A data point that cannot be kept is counted and named, as `partialSuccess` says it; a body that is no such message is
/// refused whole. What the names become is said at `OTLPTranslator`.
package enum OTLPMetricsReader {
    package enum Encoding: Sendable, Hashable {
        /// `application/x-protobuf`
        case protobuf
        /// `application/json`
        case json
    }

    package static func read(
        _ body: Span<UInt8>, encoding: Encoding, table: inout ReceivedSeriesTable, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedSamples {
        guard body.count <= limits.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than the limit of \(limits.bodyBytesMax)")
        }
        table.beginRequest()
        var translator = OTLPTranslator(generation: table.generation, limits: limits)
        switch encoding {
        case .protobuf: try readProtobuf(body, body.indices, into: &translator, &table)
        case .json: try OTLPJSON.read(body, into: &translator, &table)
        }
        return try translator.collector.finish()
    }

    /// One message, which may be a part of a body: metric streams put several in a record.
    static func readProtobuf(
        _ body: Span<UInt8>, _ range: Range<Int>, into translator: inout OTLPTranslator,
        _ table: inout ReceivedSeriesTable
    ) throws(ReceiveError) {
        do throws(ProtobufError) {
            try OTLPProtobuf.request(body, range, &translator, &table)
        } catch {
            throw ReceiveError(.malformed, error.description)
        }
    }
}
