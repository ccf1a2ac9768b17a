import CairnBytes
import CairnTestSupport
import Testing

/// The fast inflater beside zlib: the same bytes from good streams, and the same verdict on damaged ones.
@Suite struct InflaterTests {
    private static let dictionary = Array("{\"authid\":\"alice@host-7\",\"authtype\":\"local\",\"data\":{".utf8)

    /// Content of one of several kinds: noise, few symbols, text that repeats, runs.
    private static func content(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        let kind = Int.random(in: 0..<5, using: &random)
        while bytes.count < count {
            switch kind {
            case 0: bytes.append(UInt8.random(in: 0...255, using: &random))
            case 1: bytes.append(UInt8.random(in: 0...3, using: &random))
            case 2:
                let word = "\(Int.random(in: 0..<50, using: &random)) phase.started migration/m-"
                bytes += Array(word.utf8)
            case 3: bytes.append(Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random))
            default:
                bytes += [UInt8](
                    repeating: UInt8.random(in: 0...255, using: &random), count: Int.random(in: 1...400, using: &random)
                )
            }
        }
        return Array(bytes[..<count])
    }

    private static func slow(_ stream: [UInt8], _ dictionary: [UInt8], exactly count: Int) -> [UInt8]? {
        guard let content = try? Inflate.decompress(stream, dictionary: dictionary, limit: count),
            content.count == count
        else { return nil }
        return content
    }

    @Test func agreesWithZlibOnGoodAndDamagedStreams() {
        let seed: UInt64 = 20_261_121
        var random = SeededRandom(seed: seed)
        var good = 0
        let rounds = BuildKind.isDebug ? 3000 : 100_000
        for round in 0..<rounds {
            let sizes = [0, 1, 5, 60, 300, 3000, 40_000]
            let count = sizes[Int.random(in: 0..<(round % 100 == 0 ? 7 : 6), using: &random)]
            let content = Self.content(count, &random)
            let dictionary = Bool.random(using: &random) ? Self.dictionary : []
            var stream = Deflate.compress(
                content, level: Int32.random(in: 0...9, using: &random), dictionary: dictionary,
                strategy: Bool.random(using: &random) ? .standard : .huffmanOnly)
            switch Int.random(in: 0..<4, using: &random) {
            case 1:
                stream[Int.random(in: 0..<stream.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: stream.removeLast(Int.random(in: 0...stream.count, using: &random))
            case 3:
                let start = Int.random(in: 0..<stream.count, using: &random)
                for place in start..<min(stream.count, start + 12) {
                    stream[place] = UInt8.random(in: 0...255, using: &random)
                }
            default: break
            }
            let wanted = round % 10 == 0 ? Int.random(in: 0...count + 20, using: &random) : count
            let fast = try? Inflate.decompress(stream[...], dictionary: dictionary, exactly: wanted)
            let slow = Self.slow(stream, dictionary, exactly: wanted)
            if fast != slow {
                Issue.record("seed \(seed), round \(round): \(fast?.count ?? -1) bytes, and zlib \(slow?.count ?? -1)")
            }
            if slow != nil { good += 1 }
            if let literals = Inflate.decompressLiterals(stream[...], limit: wanted) {
                #expect(literals == (try? Inflate.decompress(stream, limit: wanted)), "seed \(seed), round \(round)")
            }
        }
        print("streams inflated beside zlib: \(rounds), \(good) of them good")
        #expect(good > rounds / 5 && good < rounds / 2)
    }

    /// Every length and distance, and every place where the fast loop hands over to the careful one.
    @Test func everyMatchNearEveryEnd() throws {
        for period in 1...40 {
            for count in [period + 3, 258 + period, 300 + period, 600 + period] {
                let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 % period &* 37) }
                for level in [1, 9] as [Int32] {
                    let stream = Deflate.compress(content, level: level)
                    #expect(try Inflate.decompress(stream[...], exactly: count) == content, "\(period) \(count)")
                }
            }
        }
        var random = SeededRandom(seed: 5)
        let far = random.bytes(count: 32_768) + [UInt8](repeating: 7, count: 300)
        let content = far + far[..<32_000]
        let stream = Deflate.compress(content, level: 9)
        #expect(try Inflate.decompress(stream[...], exactly: content.count) == content)
    }

    @Test func literalsAloneNeedNoLength() {
        var random = SeededRandom(seed: 6)
        for count in [0, 1, 7, 300, 3000, 200_000] {
            for _ in 0..<10 {
                let content = Self.content(count, &random)
                let stream = Deflate.compress(content, level: 1, strategy: .huffmanOnly)
                #expect(Inflate.decompressLiterals(stream[...], limit: count) == content, "\(count)")
                if count > 0 { #expect(Inflate.decompressLiterals(stream[...], limit: count - 1) == nil) }
            }
        }
    }

    @Test func theDictionaryIsReachedFromTheContent() throws {
        let dictionary = Self.dictionary
        for skipped in 0..<dictionary.count {
            let content = Array(dictionary[skipped...]) + Array("x".utf8) + dictionary
            let stream = Deflate.compress(content, dictionary: dictionary)
            #expect(try Inflate.decompress(stream[...], dictionary: dictionary, exactly: content.count) == content)
            #expect(throws: InflateError.self) { try Inflate.decompress(stream[...], exactly: content.count) }
            var other = dictionary
            other[skipped] ^= 1
            #expect(throws: InflateError.self) {
                try Inflate.decompress(stream[...], dictionary: other, exactly: content.count)
            }
        }
    }

    @Test func errorsSayWhatIsWrong() {
        let content = Array("a content that is long enough to be worth it, worth it".utf8)
        let stream = Deflate.compress(content)
        func error(_ bytes: [UInt8], exactly count: Int) -> InflateError? {
            do throws(InflateError) {
                _ = try Inflate.decompress(bytes[...], exactly: count)
                return nil
            } catch { return error }
        }
        #expect(error(stream, exactly: content.count) == nil)
        #expect(error(Array(stream.dropLast()), exactly: content.count) == .endsEarly(offset: stream.count - 4))
        #expect(error(stream, exactly: content.count - 1) == .tooLarge(limit: content.count - 1))
        #expect(error(stream + [0], exactly: content.count)?.description.contains("after the end") == true)
        #expect(error(stream, exactly: content.count + 1)?.description.contains("fewer bytes") == true)
        #expect(error(Array("hello".utf8), exactly: 1)?.description.contains("no zlib stream") == true)
        var wrong = stream
        wrong[wrong.count - 1] ^= 1
        #expect(error(wrong, exactly: content.count)?.description.contains("checksum") == true)
    }

    @Test func adlerIsThatOfZlib() {
        var random = SeededRandom(seed: 11)
        for count in [0, 1, 15, 16, 17, 5551, 5552, 5553, 70_000] {
            for content in [random.bytes(count: count), [UInt8](repeating: 255, count: count)] {
                let stream = Deflate.compress(content)
                let end = stream.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
                let sum = unsafe content.withUnsafeBufferPointer { unsafe Checksum.adler32($0) }
                #expect(sum == end, "\(count)")
            }
        }
    }

    /// Gzip files: the same content as zlib gives, or nothing at all.
    @Test func gzipFilesOfOneMember() throws {
        let seed: UInt64 = 20_261_122
        var random = SeededRandom(seed: seed)
        var inflater = Inflater()
        var good = 0
        for round in 0..<(BuildKind.isDebug ? 600 : 20_000) {
            let content = Self.content(Int.random(in: 0...3000, using: &random), &random)
            var file = Deflate.compress(content, container: .gzip, level: Int32.random(in: 0...9, using: &random))
            #expect(inflater.gzipContent(file, limit: 3000) == content, "seed \(seed), round \(round)")
            if !content.isEmpty { #expect(inflater.gzipContent(file, limit: content.count - 1) == nil) }
            // A name, as gzip writes it, and a second member, which is none of its business.
            var named = file
            named[3] = 8
            named.insert(contentsOf: Array("a.log".utf8) + [0], at: 10)
            #expect(inflater.gzipContent(named, limit: 3000) == content)
            #expect(inflater.gzipContent(file + file, limit: 6000) == nil)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: file[Int.random(in: 0..<file.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: file.removeLast(Int.random(in: 1...file.count, using: &random))
            default: file.append(0)
            }
            guard let found = inflater.gzipContent(file, limit: 1 << 20) else { continue }
            good += 1
            let slow = try Inflate.decompress(file, container: .gzip, limit: 1 << 20)
            #expect(found == slow, "seed \(seed), round \(round)")
        }
        // Flips in fields that say nothing about the content.
        #expect(good > 0)
    }
}
