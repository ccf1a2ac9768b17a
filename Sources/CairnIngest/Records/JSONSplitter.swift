internal import CairnBytes

/// Finds the JSON objects in a stream of bytes: one a line, after each other, over many lines, or as the elements of
/// one array. It checks just enough of the grammar to tell where a broken object ends, so that one cut line costs one
/// record and not the rest of the file; `JSONParser` judges each object.
///
/// A list of Kubernetes objects may be longer than any one record should be: where that is so, its `items` are taken
/// one by one, as the elements of an array are.
struct JSONSplitter {
    enum Piece {
        case object([UInt8])
        /// The elements that follow are items of a list too long to be one record; these are its bytes before them.
        case listBegins([UInt8])
        case listEnds
        /// Bytes that are no object: the first of them, and how many there were.
        case broken([UInt8], byteCount: Int, reason: String, line: Int, column: Int)
    }

    /// A place in the file.
    private struct Place {
        var offset = 0
        var line = 1
        var column = 1
    }

    private enum Mode {
        /// Between records.
        case between
        /// Inside an object, grammar intact.
        case object
        /// Inside an object whose grammar is broken: brackets are counted until the line ends.
        case brokenObject
        /// Inside bytes that start no object, until the line (or, in an array, the element) ends.
        case junk
        /// After an object that did not end on its line: its other lines are passed over.
        case wreck
    }

    private static let itemsName = Array("\"items\"".utf8)

    private let bytesMax: Int
    private let keptBytesMax: Int
    private let splitsLists: Bool
    private var buffer: [UInt8] = []
    private var mode = Mode.between
    private var here = Place()
    private var start = Place()
    /// Where the record may be taken up again: a line in it that starts as the record itself did.
    private var restart: Place?
    /// Lines that start with a brace at most this far to the right may start a record: the widest start since one was
    /// whole, since a broken record may have been taken up again at a brace that was none.
    private var startColumn = 1
    private var isAtLineStart = true
    private var isInArray = false
    private var isInItems = false
    private var isListInArray = false
    /// The current object is what follows the items of a list.
    private var isTail = false
    /// Where the last member of the record itself has its name, and where its items begin.
    private var nameOffset = 0
    private var items: Place?
    private var grammar = JSONGrammar()
    private var failure = ""
    private var failurePlace = Place()
    /// Bytes of the current record that were thrown away because it is too long.
    private var droppedBytes = 0
    private var droppedHead: [UInt8] = []
    private var isFirstByte = true
    /// The last record was broken.
    private var isMending = false

    init(bytesMax: Int, keptBytesMax: Int, splitsLists: Bool) {
        self.splitsLists = splitsLists
        self.bytesMax = bytesMax
        self.keptBytesMax = keptBytesMax
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        compact()
        buffer.append(contentsOf: bytes)
        scan(emit)
    }

    mutating func finish(emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        while mode != .between, mode != .wreck {
            if mode == .junk {
                fail("this is not a JSON object")
                giveUp(emit)
            } else {
                if mode == .object { fail("the file ends inside a record") }
                giveUp(emit)
                scan(emit)
            }
        }
        if isInArray {
            isInArray = false
            isInItems = false
            emit(
                .broken(
                    [], byteCount: 0, reason: "the file ends before the array does, so it may have been cut",
                    line: here.line, column: here.column), here.line, here.column)
        }
    }

    private mutating func scan(_ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        while here.offset < buffer.count {
            let byte = buffer[here.offset]
            switch mode {
            case .between: between(byte)
            case .object: object(byte, emit)
            case .brokenObject: brokenObject(byte, emit)
            case .junk: junk(byte, emit)
            case .wreck: wreck(byte)
            }
        }
    }

    // MARK: Moving

    private mutating func advance(_ byte: UInt8) {
        here.offset += 1
        if byte == UInt8(ascii: "\n") {
            here.line += 1
            here.column = 1
            isAtLineStart = true
        } else {
            here.column += 1
            if isAtLineStart, !JSONSplitter.isSpace(byte) { isAtLineStart = false }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// Drops what is behind the current record, or all of a record that is too long.
    private mutating func compact() {
        let keep = mode == .between || mode == .wreck ? here.offset : start.offset
        guard keep > 0 else { return }
        buffer.removeSubrange(..<keep)
        here.offset -= keep
        start.offset -= keep
        nameOffset -= keep
        restart?.offset -= keep
        items?.offset -= keep
    }

    private mutating func dropIfTooLong() {
        guard here.offset - start.offset + droppedBytes > bytesMax else { return }
        if droppedBytes == 0 { droppedHead = Array(buffer[start.offset...].prefix(keptBytesMax)) }
        droppedBytes += here.offset - start.offset
        start.offset = here.offset
        restart = nil
    }

    /// A record became too long: if it is a list its items are taken one by one, else it is thrown away.
    private mutating func shorten(_ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        guard let items, droppedBytes == 0 else { return dropIfTooLong() }
        emit(.listBegins(Array(buffer[start.offset..<items.offset])), start.line, start.column)
        here = items
        mode = .between
        isAtLineStart = false
        isListInArray = isInArray
        isInArray = true
        isInItems = true
        isMending = false
    }

    /// Behind the items the rest of the list's own members follow.
    private mutating func leaveItems() {
        isInItems = false
        isInArray = isListInArray
        begin(.object)
        isTail = true
        grammar.reset(insideObject: true)
    }

    private mutating func begin(_ mode: Mode) {
        self.mode = mode
        start = here
        startColumn = isMending ? max(startColumn, here.column) : here.column
        restart = nil
        items = nil
        nameOffset = start.offset
        isTail = false
        grammar.reset()
        droppedBytes = 0
        droppedHead = []
    }

    private mutating func fail(_ reason: String) {
        failure = reason
        failurePlace = here
    }

    // MARK: The modes

    private mutating func between(_ byte: UInt8) {
        if isFirstByte, byte == 0xEF || byte == 0xBB || byte == 0xBF {
            // The byte order mark that some editors put first.
            here.offset += 1
            if byte == 0xBF { isFirstByte = false }
            return
        }
        isFirstByte = false
        switch byte {
        // RFC 7464 puts U+001E before each text of a sequence.
        case 0x20, 0x09, 0x0A, 0x0D, 0x1E: advance(byte)
        case UInt8(ascii: "{"): begin(.object)
        case UInt8(ascii: "[") where !isInArray:
            isInArray = true
            advance(byte)
        case UInt8(ascii: "]") where isInItems:
            advance(byte)
            leaveItems()
        case UInt8(ascii: "]") where isInArray:
            isInArray = false
            advance(byte)
        case UInt8(ascii: ",") where isInArray: advance(byte)
        default: begin(.junk)
        }
    }

    private mutating func object(_ byte: UInt8, _ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        if isAtLineStart, byte == UInt8(ascii: "{"), here.column <= startColumn, restart == nil, here.line > start.line,
            !grammar.isInString
        {
            restart = here
        }
        if grammar.depth == 1 { noteMember(byte) }
        if let reason = grammar.accept(byte) {
            fail(reason)
            mode = .brokenObject
            return
        }
        advance(byte)
        if grammar.depth == 0 { return end(emit) }
        if here.offset - start.offset > bytesMax { shorten(emit) }
    }

    /// Remembers where the items of a list begin.
    private mutating func noteMember(_ byte: UInt8) {
        guard splitsLists, !isInItems, droppedBytes == 0 else { return }
        if grammar.startsName(byte) {
            nameOffset = here.offset
        } else if byte == UInt8(ascii: "["), !grammar.isInString,
            buffer[nameOffset...].starts(with: JSONSplitter.itemsName)
        {
            items = Place(offset: here.offset + 1, line: here.line, column: here.column + 1)
        }
    }

    private mutating func end(_ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        mode = .between
        isMending = false
        if isTail { emit(.listEnds, here.line, here.column) }
        if isTail, droppedBytes == 0 { return }
        if droppedBytes > 0 {
            emit(
                .broken(
                    droppedHead, byteCount: droppedBytes + here.offset - start.offset,
                    reason: "the record is longer than the limit of \(bytesMax) bytes", line: start.line,
                    column: start.column), start.line, start.column)
        } else {
            emit(.object(Array(buffer[start.offset..<here.offset])), start.line, start.column)
        }
    }

    private mutating func brokenObject(_ byte: UInt8, _ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        if restart != nil || byte == UInt8(ascii: "\n") { return giveUp(emit) }
        grammar.skim(byte)
        advance(byte)
        if grammar.depth == 0, !grammar.isInString {
            broken(until: here, emit)
            mode = .between
        } else if here.offset - start.offset > bytesMax {
            dropIfTooLong()
        }
    }

    private mutating func junk(_ byte: UInt8, _ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        let endsElement = isInArray && (byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]"))
        guard byte == UInt8(ascii: "\n") || endsElement else {
            advance(byte)
            if here.offset - start.offset > bytesMax { dropIfTooLong() }
            return
        }
        fail("this is not a JSON object")
        broken(until: here, emit)
        mode = .between
    }

    /// Passes over the lines that belong to an object that broke.
    private mutating func wreck(_ byte: UInt8) {
        guard isAtLineStart, !JSONSplitter.isSpace(byte) else { return advance(byte) }
        switch byte {
        case UInt8(ascii: "{") where here.column <= startColumn: mode = .between
        case UInt8(ascii: "]") where isInArray && here.column < startColumn: mode = .between
        case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","), UInt8(ascii: "\""): advance(byte)
        default:
            if here.column > 1 { advance(byte) } else { mode = .between }
        }
    }

    /// Ends a broken record at the line where reading can start again, or at the end of what is there.
    private mutating func giveUp(_ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        if let restart {
            broken(until: restart, emit)
            here = restart
            isAtLineStart = true
            mode = .between
        } else {
            broken(until: here, emit)
            mode = mode == .junk ? .between : .wreck
        }
    }

    private mutating func broken(until end: Place, _ emit: (Piece, _ line: Int, _ column: Int) -> Void) {
        let head = droppedBytes > 0 ? droppedHead : Array(buffer[start.offset..<end.offset].prefix(keptBytesMax))
        emit(
            .broken(
                head, byteCount: droppedBytes + end.offset - start.offset, reason: failure, line: failurePlace.line,
                column: failurePlace.column), start.line, start.column)
        if isTail { emit(.listEnds, end.line, end.column) }
        restart = nil
        isMending = true
    }
}
