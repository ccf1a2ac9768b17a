internal import CairnBytes
internal import CairnModel

/// Reads one file of any format, given in pieces, and hands over what is in it, in pieces.
///
/// Plain or gzip is told by the first two bytes. Memory holds one piece and at most one record. A damaged file gives
/// everything before the damage and one reject that says where it is.
package final class FileImporter {
    private let file: String
    private let options: ImportOptions
    private var identity: FileIdentity
    private var converter: any RecordConverter
    private var batch: IngestBatch
    private var summary: FileSummary
    private var container = Container.unknown
    /// The first byte, while it is the only one there is.
    private var head: [UInt8] = []
    private var inflater: InflateStream?
    private var isStopped = false

    private enum Container {
        case unknown
        case plain
        case gzip
    }

    /// Pieces given to a converter are at most this long, so that what comes out of one stays a few megabytes.
    private static let pieceBytesMax = 256 << 10
    /// Compressed pieces are shorter: deflate grows up to 1032 times.
    private static let compressedPieceBytesMax = 4 << 10

    /// - Parameter file: the name that rejects say.
    package init(file: String, options: ImportOptions) {
        self.file = file
        self.options = options
        identity = FileIdentity(options: options)
        converter = options.format.makeConverter(options)
        batch = IngestBatch(file: file, rejectRawBytesMax: options.limits.rejectRawBytesMax)
        summary = FileSummary(file: file)
    }

    /// - Parameter emit: takes a batch; called whenever enough has come together.
    package func append(_ bytes: [UInt8], emit: (IngestBatch) throws -> Void) throws {
        identity.update(bytes)
        guard !isStopped else { return }
        guard container == .unknown else { return try read(bytes, emit: emit) }
        head += bytes
        guard head.count >= 2 else { return }
        if head[0] == 0x1F, head[1] == 0x8B {
            container = .gzip
            inflater = InflateStream(container: .gzip, limit: options.limits.inflatedBytesMax)
        } else {
            container = .plain
        }
        let bytes = head
        head = []
        try read(bytes, emit: emit)
    }

    private func read(_ bytes: [UInt8], emit: (IngestBatch) throws -> Void) throws {
        guard container == .gzip else { return try convert(bytes, emit: emit) }
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + FileImporter.compressedPieceBytesMax)
            var plain: [UInt8] = []
            var damage: InflateError?
            do throws(InflateError) {
                try inflater?.append(Array(bytes[start..<end]), to: &plain)
            } catch {
                damage = error
            }
            try convert(plain, emit: emit)
            if let damage { return try stop(damage, emit: emit) }
            start = end
        }
    }

    private func convert(_ bytes: [UInt8], emit: (IngestBatch) throws -> Void) throws {
        summary.plainBytes += bytes.count
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + FileImporter.pieceBytesMax)
            converter.append(bytes[start..<end], to: &batch)
            start = end
            if batch.isLarge { try handOver(emit) }
        }
    }

    /// The rest of a damaged gzip file cannot be read: what came out so far is finished as if the file ended here.
    private func stop(_ damage: InflateError, emit: (IngestBatch) throws -> Void) throws {
        isStopped = true
        converter.finish(to: &batch)
        let remedy: String
        switch damage {
        case .damaged: remedy = "what stands before it was imported; get an undamaged copy and import that too"
        case .endsEarly: remedy = "the file was cut; what it still has was imported; get the whole file"
        case .tooLarge: remedy = "unpack the file yourself and import the parts"
        }
        batch.reject(line: 0, damage.description, remedy: remedy, raw: [])
        summary.damage = damage.description
        try handOver(emit)
    }

    /// Ends the file. The importer reads nothing after that.
    package func finish(emit: (IngestBatch) throws -> Void) throws -> FileSummary {
        if !isStopped, container == .unknown { try convert(head, emit: emit) }
        if !isStopped, inflater?.isFinished == false {
            try stop(.endsEarly(offset: identity.byteCount), emit: emit)
        }
        if !isStopped {
            isStopped = true
            converter.finish(to: &batch)
        }
        try handOver(emit)
        summary.bytes = identity.byteCount
        summary.sha256 = identity.contentHex
        summary.identity = identity.identityHex
        return summary
    }

    private func handOver(_ emit: (IngestBatch) throws -> Void) throws {
        guard !batch.isEmpty else { return }
        let full = batch
        batch = IngestBatch(file: file, rejectRawBytesMax: options.limits.rejectRawBytesMax)
        summary.events += full.events.count
        summary.samples += full.samples.count
        summary.rejected += full.rejects.count
        summary.notes += full.events.reduce(0) { $0 + $1.notes.count }
        try emit(full)
    }
}

/// What one file gave.
package struct FileSummary: Sendable, Hashable {
    package var file: String
    /// As on the disk.
    package var bytes = 0
    /// After unpacking.
    package var plainBytes = 0
    /// The SHA-256 of the bytes on the disk, lower-case hexadecimal.
    package var sha256 = ""
    /// The SHA-256 over format, cluster, labels, options and bytes, lower-case hexadecimal.
    package var identity = ""
    package var events = 0
    package var samples = 0
    package var rejected = 0
    /// How many things were left out of events, as their notes say.
    package var notes = 0
    /// Why the file could not be read to its end.
    package var damage: String?

    package var accepted: Int { events + samples }

    package init(file: String) { self.file = file }
}

/// A reader of one format: takes the plain bytes of a file in pieces of any length.
protocol RecordConverter {
    mutating func append(_ bytes: ArraySlice<UInt8>, to batch: inout IngestBatch)
    /// The file ends here.
    mutating func finish(to batch: inout IngestBatch)
}

extension ImportFormat {
    func makeConverter(_ options: ImportOptions) -> any RecordConverter {
        switch self {
        case .events: JSONConverter(CloudEventReader(options: options), bytesMax: options.limits.recordBytesMax)
        case .eventBridge: JSONConverter(EventBridgeReader(options: options), bytesMax: options.limits.recordBytesMax)
        case .velero: ObjectConverter(VeleroReader(options: options), options: options)
        case .kubernetesEvents: ObjectConverter(KubernetesEventReader(options: options), options: options)
        case .kubernetesObjects: ObjectConverter(KubernetesObjectReader(options: options), options: options)
        case .prometheus: ExpositionConverter(options: options)
        case .csv: CSVConverter(options: options)
        }
    }
}
