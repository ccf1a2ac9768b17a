import CairnBytes

/// Reads flow logs that arrive in pieces and gives every record to a sink.
///
/// It takes the four wrappings in which AWS delivers them, plain or gzip: text with a header line (S3), CloudWatch Logs
/// subscription JSON (also as the base64 of a gzip in `awslogs.data` or `records[].data`), bare lines (Firehose with
/// message extraction) and `{"message": ...}` objects (Firehose). It holds one unfinished line or object, never a file.
/// A bad line is set aside in `rejects` and reading goes on; an error ends it after everything before was delivered.
package struct FlowLogReader<Sink: FlowLogSink>: ~Copyable {
    private var text: FlowTextReader<FlowRecordConsumer<Sink>>
    private var container: FlowContainer
    private let buffer = FlowTextBuffer()

    /// - Parameter format: the order of the fields where no header line says it; a header line overrides it.
    package init(sink: Sink, format: FlowLogFormat? = nil, limits: FlowLogLimits = FlowLogLimits()) {
        text = FlowTextReader(consumer: FlowRecordConsumer(sink: sink), format: format, limits: limits)
        container = FlowContainer(limits: limits)
    }

    package var sink: Sink {
        _read { yield text.consumer.sink }
        _modify { yield &text.consumer.sink }
    }

    /// Lines set aside since the caller last emptied this list; beyond `FlowLogLimits.rejectsHeldMax` of them are only
    /// counted.
    package var rejects: [FlowLogReject] {
        _read { yield text.rejects }
        _modify { yield &text.rejects }
    }

    /// Lines or messages seen so far.
    package var lines: Int { text.counts.lines }

    package var counts: FlowLineCounts { text.counts }

    package mutating func push(_ bytes: [UInt8]) throws(FlowLogError) {
        container.push(bytes)
        try readText()
    }

    /// Call once after the last piece: reads the last line, which needs no line break at its end.
    package mutating func finish() throws(FlowLogError) {
        container.end()
        try readText()
        try text.finish(isCut: false)
    }

    /// The sink, for the next file; ends the reader.
    package consuming func takeSink() -> Sink { text.consumer.sink }

    private mutating func readText() throws(FlowLogError) {
        do throws(FlowLogError) {
            while try container.fill(buffer) { try text.read(buffer) }
        } catch {
            if case .damaged = error { try text.finish(isCut: true) }
            throw error
        }
    }
}
