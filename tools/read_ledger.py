#!/usr/bin/env python3
"""Read and verify a Cairn ledger: read_ledger.py LEDGER [--entries] [--mutations]

Written from Sources/CairnLedger/FORMAT.md alone; it shares no code with Cairn, so that the two can disagree. It needs
the standard library only. Where the module `cryptography` is there too, signatures are verified; else the summary says
that they were not.

Without an option: a summary, and one line for each thing that is wrong. With --entries: every entry that can be read,
as one JSON line each, and the summary on standard error. With --mutations (for tests): standard input has one change
per line, `FILE OFFSET xor BYTE`, `FILE SIZE cut`, `FILE HEX add` or `FILE - remove`; each is tried on its own, in memory,
and answered with one line: verdict, file, offset.

Exit code 0: intact, apart from a torn tail that nobody was told to be written. 1: anything else. 64: wrong usage.
"""

import base64
import hashlib
import json
import pathlib
import re
import struct
import sys
import zlib

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

SEGMENT_MAGIC = b"\x89CAIRN\r\n"
FRAME_MARKER = b"\xc9Frame\r\n"
ATTACHMENTS_MAGIC = b"\x89CAIRA\r\n"
RECORD_MARKER = b"\xc9Attac\r\n"
END_MARKER = b"END\n"
BYTES_MAX = 64 << 20
SECTOR = 512
BEGINS_COMMIT, ENDS_COMMIT, STORED_AS_IS, MAY_SKIP = 1, 2, 4, 256
REMOVALS = ("cairn.attachment.redacted.v1", "cairn.attachment.dropped.v1")


class Problem(Exception):
    """Something that is wrong, where, and of which kind: corrupt, newer, lost, fork, torn."""

    def __init__(self, kind, file, offset, message):
        super().__init__(message)
        self.kind, self.file, self.offset = kind, file, offset

    def __str__(self):
        return f"{self.kind}: {self.file} at byte {self.offset}: {self.args[0]}"


class Invalid(Exception):
    """No valid frame begins at a place; `is_short` if the file ends inside it."""

    def __init__(self, message, is_short=False):
        super().__init__(message)
        self.is_short = is_short


def masked_crc(data):
    crc = zlib.crc32(data)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def number(data, offset, size, order="little"):
    return int.from_bytes(data[offset : offset + size], order)


def inflate(stored, size, dictionary=b""):
    """Exactly `size` bytes from exactly the stored ones, or ValueError."""
    if dictionary and not (len(stored) > 1 and stored[1] & 0x20):
        raise ValueError("the zlib stream does not use the preset dictionary")
    stream = zlib.decompressobj(zdict=dictionary) if dictionary else zlib.decompressobj()
    try:
        content = stream.decompress(stored, size + 1)
    except zlib.error as error:
        raise ValueError(f"the zlib stream is damaged ({error})") from None
    if len(content) != size or not stream.eof or stream.unused_data:
        raise ValueError(f"the zlib stream does not give exactly {size} bytes")
    return content


# Merkle tree of RFC 6962, section 2.1


class Tree:
    """The perfect subtrees of a tree that grows: their roots, largest first."""

    def __init__(self, leaves=()):
        self.size, self.peaks = 0, []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf):
        rest = self.size
        while rest & 1:
            leaf = sha256(b"\x01", self.peaks.pop(), leaf)
            rest >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = sha256(b"\x01", peak, root)
        return root


# Canonical JSON (RFC 8785)


def canonical(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return canonical_number(float(value))
    if isinstance(value, str):
        return canonical_string(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical_string(name)}:{canonical(value[name])}" for name in names) + "}"


def canonical_string(text):
    # json.dumps escapes what has to be escaped in the short forms that RFC 8785 wants; and DEL, which it leaves alone.
    return json.dumps(text, ensure_ascii=False)


def canonical_number(value):
    """As ECMAScript prints a double."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("not a finite number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    digits = (whole + fraction).lstrip("0")
    # The value is 0.DIGITS times ten to the power of `point`.
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    shown = digits if len(digits) == 1 else digits[0] + "." + digits[1:]
    return f"{sign}{shown}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def parse_canonical(data):
    """The JSON value, or ValueError if `data` is not canonical JSON."""

    def unique(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name is there twice")
        return dict(pairs)

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_int=float)
        if canonical(value).encode("utf-8") == data:
            return value
    except (UnicodeError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
    raise ValueError("it is not in canonical form")


TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{0,5}[1-9]))?Z")


def microseconds(text):
    """Microseconds since 1970 of a time in the form of the format, or ValueError."""
    match = TIME.fullmatch(text)
    if not match:
        raise ValueError(f"{text} is not a time")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    month_days = [31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (1 <= year and 1 <= month <= 12 and 1 <= day <= month_days[month - 1]):
        raise ValueError(f"{text} is not a date")
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{text} is not a time of day")
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + sum(month_days[: month - 1]) + day - 719163
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    return seconds * 1_000_000 + int((match.group(7) or "").ljust(6, "0"))


# Signed notes and keys (C2SP signed-note, tlog-checkpoint)


class Key:
    def __init__(self, text):
        self.text = text
        self.name, key_id, encoded = text.split("+", 2)
        typed = base64.b64decode(encoded, validate=True)
        self.id = sha256(self.name.encode(), b"\n", typed)[:4]
        if self.id.hex() != key_id or len(typed) != 33 or typed[0] != 1:
            raise ValueError("not an Ed25519 verifier key")
        self.public = typed[1:]

    def verify(self, signature, text):
        if Ed25519PublicKey is None:
            return
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise ValueError(f"the signature of {self.name} does not hold") from None


def open_note(data, keys):
    """The text of a note that all of the keys signed, or ValueError."""
    text, separator, lines = data.decode("utf-8").rpartition("\n\n")
    text += "\n"
    if not separator or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", text + lines):
        raise ValueError("it is not a signed note")
    missing = {(key.name, key.id): key for key in keys}
    for line in lines[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise ValueError("it has a line that is not a signature")
        payload = base64.b64decode(parts[2], validate=True)
        if base64.b64encode(payload).decode() != parts[2] or len(payload) < 5:
            raise ValueError("a signature is not in base64")
        for key in keys:
            if (key.name, key.id) == (parts[1], payload[:4]):
                key.verify(payload[4:], text)
                missing.pop((key.name, key.id), None)
    if missing:
        raise ValueError("it is not signed by " + ", ".join(key.text for key in missing.values()))
    return text


# The parts of a segment


class Header:
    def __init__(self, data):
        """Raises Problem with an offset; the file name is filled in by the caller."""

        def damaged(message, offset=0):
            return Problem("corrupt", "", offset, message)

        if data[:8] != SEGMENT_MAGIC:
            raise damaged("this is not a segment")
        self.length = number(data, 12, 4)
        if not 96 <= self.length <= 1 << 20 or self.length > len(data):
            raise damaged("the header has an impossible length", 12)
        if masked_crc(data[: self.length - 4]) != number(data, self.length - 4, 4):
            raise damaged("the CRC of the header is wrong", self.length - 4)
        if number(data, 8, 2) != 1 or data[10]:
            raise Problem("newer", "", 8, "the segment was written by a later version")
        self.ledger_id = data[16:32]
        self.number = number(data, 32, 4)
        self.first_position = number(data, 36, 8)
        self.previous_hash = data[52:84]
        origin, key, dictionary = number(data, 84, 2), number(data, 86, 2), number(data, 88, 4)
        if self.length != 96 + origin + key + dictionary or not 1 <= origin <= 255 or dictionary > 32768:
            raise damaged("the lengths in the header do not fit", 84)
        try:
            self.origin = data[92 : 92 + origin].decode("utf-8")
            self.key_text = data[92 + origin : 92 + origin + key].decode("utf-8")
            self.key = Key(self.key_text) if key else None
        except ValueError:
            raise damaged("origin or verifier key cannot be read", 92) from None
        self.dictionary = data[92 + origin + key : self.length - 4]
        self.hash = sha256(data[: self.length])


class Frame:
    """One frame, with its checks that need nothing but the bytes."""

    def __init__(self, data, offset):
        left = len(data) - offset
        if left < 76:
            raise Invalid("the file ends inside the header of a frame", is_short=True)
        if data[offset : offset + 8] != FRAME_MARKER:
            raise Invalid("no frame begins here")
        if masked_crc(data[offset : offset + 72]) != number(data, offset + 72, 4):
            raise Invalid("the CRC of the frame's header is wrong")
        (self.version, self.kind, self.flags, self.epoch, self.first, self.count, stored, self.length) = struct.unpack(
            "<BBHIQIII", data[offset + 8 : offset + 36]
        )
        self.previous_hash = data[offset + 36 : offset + 68]
        if self.version != 1 or self.flags & 0xF8 or (self.kind not in (1, 2) and not self.flags & MAY_SKIP):
            raise Problem("newer", "", offset, "the frame was written by a later version")
        if stored > BYTES_MAX or self.length > BYTES_MAX:
            raise Invalid("a length in the frame is over 64 MiB")
        if left < 80 + stored:
            raise Invalid("the file ends inside a frame", is_short=True)
        self.stored = data[offset + 76 : offset + 76 + stored]
        if masked_crc(self.stored) != number(data, offset + 68, 4):
            raise Invalid("the CRC of the stored bytes is wrong")
        if data[offset + 76 + stored : offset + 80 + stored] != END_MARKER:
            raise Invalid("the end marker of the frame is wrong")
        self.offset, self.end = offset, offset + 80 + stored
        self.hash = sha256(data[offset : self.end])

    def payload(self, dictionary):
        if not self.flags & STORED_AS_IS:
            return inflate(self.stored, self.length, dictionary)
        if self.length != len(self.stored):
            raise ValueError("a payload that is stored as it is has two lengths")
        return self.stored


def split_entries(payload, count):
    entries, offset = [], 0
    while offset < len(payload):
        size = number(payload, offset, 2, "big")
        if size == 0 or offset + 2 + size > len(payload):
            raise ValueError("an entry is empty or reaches over the end of the payload")
        entries.append(payload[offset + 2 : offset + 2 + size])
        offset += 2 + size
    if len(entries) != count or not entries:
        raise ValueError(f"the payload has {len(entries)} entries and the header says {count}")
    return entries


class Citation:
    def __init__(self, line, position):
        role, retention, length, digest, self.media_type = line.split(" ", 4)
        if not role or retention not in ("permanent", "droppable", "personal"):
            raise ValueError("an attachment has an unknown retention")
        if not re.fullmatch(r"0|[1-9]\d{0,9}", length) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise ValueError("an attachment has no proper length or digest")
        self.length, self.digest, self.position = int(length), bytes.fromhex(digest), position


class Entry:
    """One entry, with its checks that need nothing but its bytes."""

    REQUIRED = ("id", "source", "type", "subject", "time", "recordedtime", "authid", "authtype")
    OPTIONAL = (
        "timetext", "onbehalfof", "correlationid", "causationid", "traceparent", "attachments", "receivedsha256",
    )

    def __init__(self, data, position):
        self.data, self.position = data, position
        self.value = parse_canonical(data)
        if not isinstance(self.value, dict) or self.value.get("specversion") != "1.0":
            raise ValueError("it is not a CloudEvents 1.0 event")
        for name in self.REQUIRED:
            if not isinstance(self.value.get(name), str):
                raise ValueError(f"it has no {name}")
        for name in self.OPTIONAL:
            if not isinstance(self.value.get(name, ""), str):
                raise ValueError(f"its {name} is not a text")
        revision = self.value.get("revision")
        if not isinstance(revision, float) or revision < 0 or revision != int(revision):
            raise ValueError("it has no revision")
        self.revision = int(revision)
        self.type, self.subject = self.value["type"], self.value["subject"]
        self.time = microseconds(self.value["time"])
        self.recorded_time = microseconds(self.value["recordedtime"])
        if not re.fullmatch(r"([0-9a-f]{64})?", self.value.get("receivedsha256", "")):
            raise ValueError("its receivedsha256 is not a digest")
        lines = self.value.get("attachments")
        self.citations = [Citation(line, position) for line in lines.split("\n")] if lines is not None else []

    def payload_text(self, name):
        value = self.value.get("data")
        value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, str) else None


class Segment:
    """One segment as far as it can be read."""

    def __init__(self, name, header):
        self.name, self.header = name, header
        self.frames, self.citations = [], []
        # Dropped when the segment is read: a ledger may be larger than memory.
        self.entries = []
        self.index = None
        self.end = header.length


# The whole ledger


class Ledger:
    """Reads everything, and collects what is wrong in `problems`.

    `files` maps relative names to bytes; a mutation is a copy of that map with another value.
    """

    def __init__(self, files, emit=lambda entry: None):
        self.files, self.emit = files, emit
        self.problems, self.segments = [], []
        self.tree, self.signed_root = Tree(), None
        self.revisions, self.identities = {}, set()
        # (first size, key): the key that signs checkpoints from that size on.
        self.keys = []
        self.recorded_time, self.removals = None, set()
        self.attachment_count = self.gone_count = 0
        self.checkpoint_size = None
        self.read()

    @property
    def verdict(self):
        kinds = [problem.kind for problem in self.problems]
        return next((kind for kind in ("newer", "corrupt", "fork", "lost", "torn") if kind in kinds), "intact")

    def add(self, kind, file, offset, message):
        self.problems.append(Problem(kind, file, offset, message))

    def read(self):
        numbers = sorted(
            int(match.group(1)) for name in self.files if (match := re.fullmatch(r"segments/(\d{8})\.segment", name))
        )
        if not numbers:
            self.add("corrupt", "segments", 0, "there is no segment: this is not a ledger")
            return
        checkpoint = self.read_checkpoint()
        for place, segment_number in enumerate(numbers):
            if place != segment_number:
                self.add("corrupt", f"segments/{place:08}.segment", 0, "the segment is missing")
                return
            try:
                if any(problem.kind == "corrupt" for problem in self.problems):
                    self.salvage_segment(segment_number)
                else:
                    self.read_segment(segment_number, segment_number == numbers[-1])
            except Problem as problem:
                self.problems.append(problem)
        for segment in self.segments:
            try:
                self.check_attachments(segment, segment is self.segments[-1])
            except Problem as problem:
                self.problems.append(problem)
        if checkpoint and self.segments:
            self.check_checkpoint(*checkpoint)

    # Checkpoint

    def read_checkpoint(self):
        """Text, size and root; the signature is checked when the keys are known."""
        data = self.files.get("checkpoint")
        if data is None:
            return None
        try:
            text = open_note(data, [])
            origin, size, root, *more = text[:-1].split("\n")
            if not re.fullmatch(r"0|[1-9]\d{0,19}", size) or not origin or "" in more:
                raise ValueError("it has no origin or no size")
            decoded = base64.b64decode(root, validate=True)
            if len(decoded) != 32 or base64.b64encode(decoded).decode() != root:
                raise ValueError("it has no root")
        except ValueError as error:
            self.add("corrupt", "checkpoint", 0, f"the checkpoint cannot be read: {error}")
            return None
        self.checkpoint_size = int(size)
        self.note_root()
        return origin, int(size), decoded

    def note_root(self):
        """Keeps the root at the size that the checkpoint is for."""
        if self.tree.size == self.checkpoint_size:
            self.signed_root = self.tree.root()

    def check_checkpoint(self, origin, size, root):
        header = self.segments[0].header
        key = next((key for first, key in reversed(self.keys) if size >= first), None)
        try:
            if key is None:
                raise ValueError("the ledger has no key that could have signed it")
            open_note(self.files["checkpoint"], [key])
            if origin != header.origin:
                raise ValueError(f"it is of log {origin}, not {header.origin}")
        except ValueError as error:
            self.add("corrupt", "checkpoint", 0, f"the checkpoint is not the ledger's: {error}")
            return
        if size > self.tree.size:
            if not any(problem.kind == "corrupt" for problem in self.problems):
                message = f"entries {self.tree.size} to {size - 1} are lost: the signed checkpoint counts them"
                self.add("lost", self.segments[-1].name, self.segments[-1].end, message)
        elif self.signed_root != root:
            self.add("fork", "checkpoint", 0, f"the entries have another root at size {size} than was signed")

    # Segments

    def read_segment(self, segment_number, is_last):
        name = f"segments/{segment_number:08}.segment"
        data = self.files[name]
        try:
            header = Header(data)
        except Problem as problem:
            problem.file = name
            raise
        self.check_header(name, header, segment_number)
        segment = Segment(name, header)
        self.segments.append(segment)
        self.read_frames(segment, data, is_last)
        segment.entries = []
        if not is_last and segment.index is None and not self.problems:
            raise Problem("corrupt", name, segment.end, "the segment is not the last and has no index")

    def salvage_segment(self, segment_number):
        """After damage in an earlier segment: what is readable, for --entries."""
        data = self.files[f"segments/{segment_number:08}.segment"]
        header = Header(data)
        self.read_after(header.dictionary, self.later_frames(data, header.length))

    def check_header(self, name, header, segment_number):
        def require(condition, offset, message):
            if not condition:
                raise Problem("corrupt", name, offset, message)

        require(header.number == segment_number, 32, f"the segment says that it is number {header.number}")
        require(header.first_position == self.tree.size, 36, "the segment starts at another position")
        if not self.segments:
            require(header.previous_hash == bytes(32), 52, "the first segment names one before it")
            self.keys = [(0, header.key)] if header.key else []
            return
        before = self.segments[-1]
        require(before.frames and header.previous_hash == before.frames[-1].hash, 52, "it follows another segment")
        require(header.ledger_id == before.header.ledger_id, 16, "the segment is of another ledger")
        require(header.origin == before.header.origin, 92, "the segment has another origin")
        current = self.keys[-1][1].text if self.keys else ""
        require(header.key_text == current, 92, "the segment has another verifier key")

    def read_frames(self, segment, data, is_last):
        offset, previous_hash, commit_start = segment.header.length, segment.header.hash, None
        pending = []
        while offset < len(data) and segment.index is None:
            try:
                frame = Frame(data, offset)
                self.check_chain(frame, previous_hash, commit_start, pending)
            except Problem as problem:
                problem.file = segment.name
                raise
            except Invalid as invalid:
                self.stop(segment, data, offset, commit_start, invalid, is_last)
                return
            if frame.flags & BEGINS_COMMIT:
                commit_start = offset
            pending.append(frame)
            if frame.flags & ENDS_COMMIT:
                for complete in pending:
                    self.take(segment, complete)
                pending, commit_start = [], None
                segment.end = frame.end
            offset, previous_hash = frame.end, frame.hash
        if segment.index is not None and offset < len(data):
            raise Problem("corrupt", segment.name, offset, "there are bytes after the index")
        if commit_start is not None:
            self.stop(segment, data, offset, commit_start, Invalid("the last commit is unfinished", True), is_last)

    def check_chain(self, frame, previous_hash, commit_start, pending):
        if frame.previous_hash != previous_hash:
            raise Invalid("the frame follows another one")
        expected = self.tree.size + sum(item.count for item in pending if item.kind == 1)
        if frame.kind == 1 and frame.first != expected:
            raise Invalid(f"the frame starts at position {frame.first} instead of {expected}")
        if bool(frame.flags & BEGINS_COMMIT) != (commit_start is None):
            raise Invalid("commits overlap")
        # Writers that are open at the same time take turns, so epochs may go up and down.
        if frame.epoch < 1:
            raise Invalid("the writer's epoch is 0")

    def stop(self, segment, data, offset, commit_start, invalid, is_last):
        """Tells a torn tail from damage, by section 9 of the format."""
        place = offset if commit_start is None else commit_start
        rest = data[place:]
        is_short = invalid.is_short
        sectors = range(place - place % SECTOR, len(data), SECTOR)
        has_empty_sector = any(not any(data[max(start, place) : start + SECTOR]) for start in sectors)
        later = self.later_frames(data, offset)
        position = self.tree.size
        reasons = []
        if not is_last:
            reasons.append("it is not the last segment")
        if any(frame.flags & BEGINS_COMMIT for frame in later):
            reasons.append("a later commit is whole")
        if not is_short and not has_empty_sector:
            reasons.append("the bytes are there, and wrong")
        if self.checkpoint_size is not None and self.checkpoint_size > position:
            reasons.append(f"a checkpoint of {self.checkpoint_size} entries was signed")
        if reasons:
            message = f"{invalid}, and this is no torn tail: {'; '.join(reasons)}"
            self.add("corrupt", segment.name, offset, message)
            self.read_after(segment.header.dictionary, later)
        else:
            self.add("torn", segment.name, place, f"{len(rest)} bytes of a write that was never acknowledged")

    def later_frames(self, data, offset):
        """Every valid frame after a damaged place, wherever it starts."""
        found, place = [], data.find(FRAME_MARKER, offset)
        while place >= 0:
            try:
                frame = Frame(data, place)
                found.append(frame)
                place = data.find(FRAME_MARKER, frame.end)
            except (Invalid, Problem):
                place = data.find(FRAME_MARKER, place + 1)
        return found

    def read_after(self, dictionary, later):
        """Keeps what is readable after damage, for --entries; nothing of it is verified any more."""
        for frame in later:
            try:
                if frame.kind == 1:
                    for index, data in enumerate(split_entries(frame.payload(dictionary), frame.count)):
                        self.emit(Entry(data, frame.first + index))
            except ValueError:
                continue

    def take(self, segment, frame):
        """A frame of a complete commit: its entries, or the index."""
        try:
            if frame.kind == 2:
                payload = frame.payload(b"")
                if not frame.flags & STORED_AS_IS:
                    raise ValueError("the index is compressed")
                Index(self, segment, frame, payload).check()
                segment.index = frame
            elif frame.kind == 1:
                for data in split_entries(frame.payload(segment.header.dictionary), frame.count):
                    self.take_entry(segment, data)
        except ValueError as error:
            raise Problem("corrupt", segment.name, frame.offset, f"the frame's CRCs are right, but {error}") from None
        segment.frames.append(frame)

    def take_entry(self, segment, data):
        position = self.tree.size
        try:
            entry = Entry(data, position)
            identity = (entry.value["source"], entry.value["id"])
            if identity in self.identities:
                raise ValueError(f"its identity {identity} is there already")
            if entry.revision != self.revisions.get(entry.subject, -1) + 1:
                raise ValueError(f"its revision {entry.revision} does not follow in stream {entry.subject}")
            if self.recorded_time is not None and entry.recorded_time < self.recorded_time:
                raise ValueError("its recordedtime is before that of the entry before")
            self.check_own_event(entry)
        except ValueError as error:
            raise ValueError(f"entry {position} is wrong: {error}") from None
        self.identities.add(identity)
        self.revisions[entry.subject] = entry.revision
        self.recorded_time = entry.recorded_time
        segment.entries.append(entry)
        segment.citations += entry.citations
        self.tree.append(sha256(b"\x00", data))
        self.note_root()
        self.emit(entry)

    def check_own_event(self, entry):
        """The events that the ledger writes about itself say what is so."""
        if entry.subject != "ledger/self":
            return
        if entry.type == "cairn.streams.sealed.v1":
            data = entry.value["data"]
            if data.get("entries") != entry.position or data.get("streams") != len(self.revisions):
                raise ValueError("it counts other entries or streams")
            if data.get("streams_root") != self.streams_root().hex():
                raise ValueError("its streams root is another")
        elif entry.type in REMOVALS:
            self.removals.add((entry.position, entry.payload_text("digest")))
        elif entry.type == "cairn.key.rotated.v1":
            self.rotate(entry)
        elif entry.type == "cairn.ledger.continued.v1" and entry.position != 0:
            raise ValueError("a ledger is continued at its first entry only")

    def streams_root(self):
        leaves = [
            sha256(b"\x00", name.encode(), b"\x00", struct.pack(">Q", self.revisions[name]))
            for name in sorted(self.revisions, key=str.encode)
        ]
        return Tree(leaves).root()

    def rotate(self, entry):
        lines = (entry.payload_text("note") or "").split("\n")
        if len(lines) < 5 or not self.keys:
            raise ValueError("it rotates no key")
        header, old, new = self.segments[0].header, self.keys[-1][1], Key(lines[4])
        expected = ["cairn key rotation v1", header.origin, header.ledger_id.hex(), old.text, new.text]
        if open_note(entry.payload_text("note").encode(), [old, new]) != "\n".join(expected) + "\n":
            raise ValueError("its rotation note is about something else")
        self.keys.append((entry.position + 1, new))

    # Attachments

    def check_attachments(self, segment, is_last):
        citations = segment.citations
        name = segment.name.replace(".segment", ".attachments")
        data = self.files.get(name)
        if data is None:
            if citations:
                raise Problem("corrupt", name, 0, f"the file is missing, and {len(citations)} attachments are cited")
            return
        offset = self.check_attachments_header(name, data, segment)
        for citation in citations:
            try:
                offset = self.check_record(name, data, offset, citation)
            except ValueError as error:
                message = f"the attachment that entry {citation.position} cites: {error}"
                raise Problem("corrupt", name, offset, message) from None
        if offset < len(data):
            left = len(data) - offset
            if is_last and segment.index is None:
                self.add("torn", name, offset, f"{left} bytes of a write that was never acknowledged")
            else:
                raise Problem("corrupt", name, offset, f"{left} bytes after the last cited attachment")

    def check_attachments_header(self, name, data, segment):
        if len(data) < 48 or data[:8] != ATTACHMENTS_MAGIC:
            raise Problem("corrupt", name, 0, "this is not an attachments file")
        if masked_crc(data[:44]) != number(data, 44, 4) or number(data, 12, 4) != 48:
            raise Problem("corrupt", name, 44, "the CRC of the header is wrong")
        if number(data, 8, 2) != 1 or data[10]:
            raise Problem("newer", name, 8, "the file was written by a later version")
        if data[16:32] != segment.header.ledger_id or number(data, 32, 4) != segment.header.number:
            raise Problem("corrupt", name, 16, "the file is of another ledger or segment")
        return 48

    def check_record(self, name, data, offset, citation):
        header = data[offset : offset + 88]
        if len(header) < 88 or header[:8] != RECORD_MARKER:
            raise ValueError("no record begins here")
        if masked_crc(header[:84]) != number(header, 84, 4):
            raise ValueError("the CRC of the record's header is wrong")
        version, kind, flags, stored, length, media, zero, position = struct.unpack("<BBHIIHHQ", header[8:32])
        if version != 1 or flags & 0xFE or kind not in (1, 2):
            raise Problem("newer", name, offset, "the record was written by a later version")
        end = offset + 88 + media + stored
        if stored > BYTES_MAX or length > BYTES_MAX or zero or end > len(data):
            raise ValueError("a length in the record is impossible")
        if masked_crc(data[offset + 88 : end]) != number(header, 80, 4):
            raise ValueError("the CRC of its bytes is wrong")
        if header[48:80] != citation.digest or length != citation.length:
            raise ValueError("this is another attachment")
        if data[offset + 88 : offset + 88 + media] != citation.media_type.encode():
            raise ValueError("it has another media type")
        self.attachment_count += 1
        if kind == 2:
            if stored or any(header[32:48]) or (position, citation.digest.hex()) not in self.removals:
                raise ValueError("it is gone, and no event removed it")
            self.gone_count += 1
            return end
        if position != citation.position:
            raise ValueError(f"the record says that entry {position} cites it")
        if any(digest == citation.digest.hex() for _, digest in self.removals):
            if citation.digest.hex().encode() not in self.files.get("redaction.pending", b"").split(b"\n")[1:]:
                raise ValueError("an event removed it, and its content is still there")
            self.add("torn", name, offset, "the content is still to be erased")
        content = data[offset + 88 + media : end]
        if flags & 1:
            content = inflate(content, length)
        if len(content) != length or sha256(header[32:48], content) != citation.digest:
            raise ValueError("its content does not have its digest")
        return end


class Index:
    """The index of a sealed segment, compared with what the entries give."""

    def __init__(self, ledger, segment, frame, payload):
        self.ledger, self.segment, self.frame, self.payload = ledger, segment, frame, payload

    def check(self):
        entries = self.segment.entries
        first = self.segment.header.first_position
        if not entries or self.frame.first != first or self.frame.count != len(entries):
            raise ValueError("the index counts other entries")
        last = entries[-1]
        if last.type != "cairn.streams.sealed.v1" or last.value["data"].get("segment") != self.segment.header.number:
            raise ValueError("the last entry before the index does not seal the segment")
        parts = [self.frames(), self.identities(), *self.streams(), self.attachments(), self.tree()]
        offsets, expected = [], b""
        for part in parts:
            offsets.append(len(expected))
            expected += part
        expected += self.summary(offsets, parts, last)
        if self.without_hints(expected, offsets, parts) != self.without_hints(self.payload, offsets, parts):
            differing = next(
                (place for place, (left, right) in enumerate(zip(expected, self.payload)) if left != right),
                min(len(expected), len(self.payload)),
            )
            raise ValueError(f"byte {differing} of the index is not what the entries give")

    @staticmethod
    def without_hints(payload, offsets, parts):
        """E with the offsets left out: they may be outdated."""
        start, end = offsets[4], offsets[4] + len(parts[4])
        records = [payload[place : place + 32] + payload[place + 40 : place + 44] for place in range(start, end, 44)]
        return payload[:start], records, payload[end:]

    def frames(self):
        parts, position = [], 0
        for frame in self.segment.frames:
            if frame.kind == 1:
                entries = self.segment.entries[position : position + frame.count]
                position += frame.count
                times = [entry.time for entry in entries]
                parts.append(
                    struct.pack("<QQI", frame.offset, frame.first, frame.count)
                    + struct.pack("<qq", entries[0].recorded_time, entries[-1].recorded_time)
                    + struct.pack("<qq", min(times), max(times))
                )
        return b"".join(parts)

    def identities(self):
        def key(entry):
            source, event = entry.value["source"].encode(), entry.value["id"].encode()
            return number(sha256(struct.pack("<I", len(source)), source, event), 0, 8, "big")

        pairs = sorted((key(entry), place) for place, entry in enumerate(self.segment.entries))
        return b"".join(struct.pack("<QI", *pair) for pair in pairs)

    def streams(self):
        places = {}
        for place, entry in enumerate(self.segment.entries):
            places.setdefault(entry.subject, []).append((place, entry.revision))
        hashes, records = [], b""
        for name in sorted(places, key=str.encode):
            hashes.append((number(sha256(name.encode()), 0, 8, "big"), len(records)))
            found = [place for place, _ in places[name]]
            differences = [found[0]] + [after - before for before, after in zip(found, found[1:])]
            records += varint(len(name.encode())) + name.encode() + varint(places[name][0][1]) + varint(len(found))
            records += b"".join(varint(value) for value in differences)
        self.stream_count = len(places)
        return b"".join(struct.pack("<QI", *pair) for pair in sorted(hashes)), records

    def attachments(self):
        first = self.segment.header.first_position
        cited = sorted(
            (citation.digest, citation.position - first)
            for entry in self.segment.entries
            for citation in entry.citations
        )
        return b"".join(digest + bytes(8) + struct.pack("<I", place) for digest, place in cited)

    def tree(self):
        return b"".join(self.ledger.tree.peaks)

    def summary(self, offsets, parts, last):
        entries = self.segment.entries
        times = [entry.time for entry in entries]
        body = struct.pack("<QI", self.segment.header.first_position, len(entries))
        body += struct.pack("<IIII", len(parts[0]) // 52, self.stream_count, len(parts[4]) // 44, len(parts[5]) // 32)
        body += struct.pack("<IIIII", *offsets[1:])
        body += struct.pack("<qqqq", min(times), max(times), entries[0].recorded_time, entries[-1].recorded_time)
        body += struct.pack("<Q", int(last.value["data"]["streams"])) + bytes.fromhex(last.payload_text("streams_root"))
        body += struct.pack("<QI", self.frame.offset, 1)
        return body + struct.pack("<I", masked_crc(body))


def varint(value):
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


# The command


def load(folder):
    """The files of the format; everything else in the folder is none of its business."""
    names = ["checkpoint", "redaction.pending"]
    if (folder / "segments").is_dir():
        names += [f"segments/{path.name}" for path in (folder / "segments").iterdir()]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def summary(ledger):
    lines = [str(problem) for problem in ledger.problems]
    is_signed = ledger.checkpoint_size is not None
    checked = "verified" if Ed25519PublicKey else "not checked (the module cryptography is missing)"
    lines.append(
        f"{'intact' if ledger.verdict in ('intact', 'torn') else 'NOT INTACT'}: {ledger.tree.size} entries in "
        f"{len(ledger.segments)} segments, {len(ledger.revisions)} streams, {ledger.attachment_count} attachments "
        f"({ledger.gone_count} gone), root {ledger.tree.root().hex()}, "
        + (f"checkpoint at {ledger.checkpoint_size}, signature {checked}" if is_signed else "no checkpoint")
    )
    return "\n".join(lines)


def answer_mutations(files):
    for line in sys.stdin:
        name, place, *change = line.split()
        changed = dict(files)
        if change[0] == "remove":
            changed.pop(name)
        elif change[0] == "cut":
            changed[name] = files[name][: int(place)]
        elif change[0] == "add":
            changed[name] = files[name] + bytes.fromhex(place)
        else:
            changed[name] = bytearray(files[name])
            changed[name][int(place)] ^= int(change[1])
            changed[name] = bytes(changed[name])
        ledger = Ledger(changed)
        first = next((problem for problem in ledger.problems if problem.kind == ledger.verdict), None)
        print(ledger.verdict, first.file if first else "-", first.offset if first else 0)


def main(arguments):
    options = {argument for argument in arguments if argument.startswith("-")}
    paths = [argument for argument in arguments if not argument.startswith("-")]
    if len(paths) != 1 or options - {"--entries", "--mutations"}:
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 64
    try:
        files = load(pathlib.Path(paths[0]))
    except OSError as error:
        print(f"cannot read {paths[0]}: {error}", file=sys.stderr)
        return 1
    if "--mutations" in options:
        answer_mutations(files)
        return 0
    is_listing = "--entries" in options

    def emit(entry):
        if is_listing:
            sys.stdout.buffer.write(entry.data + b"\n")

    ledger = Ledger(files, emit)
    sys.stdout.flush()
    print(summary(ledger), file=sys.stderr if is_listing else sys.stdout)
    return 0 if ledger.verdict in ("intact", "torn") else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        # The reader of --entries has seen enough.
        sys.stderr.close()
        sys.exit(1)
