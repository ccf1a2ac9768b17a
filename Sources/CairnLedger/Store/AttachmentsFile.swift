internal import CairnBytes

/// Reads the attachments of one segment. The file is opened for each use, since removing content puts another file
/// under its name.
struct AttachmentsFile {
    let name: String
    let file: any DiskFile
    let header: AttachmentsHeader
    let size: UInt64

    /// Nil if the segment has no attachments.
    init?(_ disk: any Disk, folder: String, segment: UInt32, ledgerID: [UInt8]) throws {
        name = Format.attachmentsName(segment)
        do throws(DiskError) { file = try disk.open("\(folder)/\(name)", .read) } catch {
            if error.reason == .notFound { return nil }
            throw LedgerError(error)
        }
        size = try file.size()
        let bytes = try file.read(at: 0, count: Format.attachmentsHeaderBytes)
        do throws(FormatError) { header = try AttachmentsHeader(parsing: bytes) } catch {
            throw AttachmentsFile.damaged(name, 0, error.reason)
        }
        guard header.segment == segment, header.ledgerID == ledgerID else {
            throw AttachmentsFile.damaged(name, 0, "it belongs to another segment or ledger")
        }
    }

    static func damaged(_ name: String, _ offset: UInt64, _ reason: String) -> LedgerError {
        LedgerError(
            .corrupt, "cannot read \(name) at byte \(offset): \(reason)", segment: name, offset: offset,
            remedy: "run verify, and restore the file from a backup")
    }

    /// The header of the record at an offset; nil at the end of the file.
    func record(at offset: UInt64) throws -> Result<RecordHeader, FormatError>? {
        guard offset < size else { return nil }
        let bytes = try file.read(at: offset, count: Format.recordHeaderBytes)
        do throws(FormatError) {
            let record = try RecordHeader(parsing: bytes, at: 0)
            guard UInt64(record.byteCount) <= size - offset else { return .failure(.short) }
            return .success(record)
        } catch {
            return .failure(error)
        }
    }

    /// Walks the headers of the records from `offset` on, as long as they are valid.
    /// - Returns: where the walk ended, and why if not at the end of the file.
    func walk(
        from start: UInt64 = UInt64(Format.attachmentsHeaderBytes), _ body: (RecordHeader, UInt64) throws -> Bool
    ) throws -> (end: UInt64, failure: FormatError?) {
        var offset = start
        while let result = try record(at: offset) {
            switch result {
            case .success(let record):
                guard try body(record, offset) else { return (offset, nil) }
                offset += UInt64(record.byteCount)
            case .failure(let error): return (offset, error)
            }
        }
        return (offset, nil)
    }

    /// Finds the record of a digest: where it was last, or by walking the file, over damage if need be.
    func find(_ digest: TreeHash, hint: UInt64) throws -> (record: RecordHeader, offset: UInt64)? {
        if hint >= UInt64(Format.attachmentsHeaderBytes), case .success(let record)? = try record(at: hint),
            record.digest == digest
        {
            return (record, hint)
        }
        var found: (RecordHeader, UInt64)?
        var start = UInt64(Format.attachmentsHeaderBytes)
        while found == nil {
            let (end, failure) = try walk(from: start) { record, offset in
                if record.digest == digest { found = (record, offset) }
                return found == nil
            }
            guard found == nil, failure != nil, let next = try resynchronize(behind: end) else { break }
            start = next
        }
        return found
    }

    /// The next place behind damage where a valid record begins.
    func resynchronize(behind offset: UInt64) throws -> UInt64? {
        var start = offset + 1
        while start + UInt64(Format.recordHeaderBytes) <= size {
            let window = try file.read(at: start, count: 1 << 20)
            var index = 0
            while let place = window.firstRange(of: Format.recordMarker, from: index) {
                if case .success? = try record(at: start + UInt64(place)) { return start + UInt64(place) }
                index = place + 1
            }
            guard window.count > Format.recordMarker.count else { return nil }
            start += UInt64(window.count - Format.recordMarker.count + 1)
        }
        return nil
    }

    /// The content of a record, checked by CRC and digest.
    func content(_ record: RecordHeader, at offset: UInt64) throws -> AttachmentContent {
        if record.kind == .gone {
            _ = try body(record, at: offset)
            return .gone(by: record.position)
        }
        let stored = try body(record, at: offset).dropFirst(record.mediaTypeCount)
        let content: [UInt8]
        do throws(InflateError) {
            content =
                record.isCompressed
                ? try Inflate.decompress(stored, exactly: record.contentCount) : Array(stored)
        } catch { throw AttachmentsFile.damaged(name, offset, error.description) }
        guard content.count == record.contentCount,
            Digest.ofAttachment(salt: record.salt, content: content) == record.digest
        else { throw AttachmentsFile.damaged(name, offset, "the content is not the one that was cited") }
        return .present(content)
    }

    /// Media type and stored bytes.
    func body(_ record: RecordHeader, at offset: UInt64) throws -> [UInt8] {
        let count = record.mediaTypeCount + record.storedCount
        let bytes = try file.read(at: offset + UInt64(Format.recordHeaderBytes), count: count)
        guard bytes.count == count else { throw AttachmentsFile.damaged(name, offset, "the attachment ends early") }
        guard Checksum.masked(Checksum.crc32(bytes)) == record.bodyChecksum else {
            throw AttachmentsFile.damaged(name, offset, "the checksum of the attachment is wrong")
        }
        return bytes
    }
}
