#!/usr/bin/env python3
"""Check a static transparency log on disk: check_static_log.py FOLDER

FOLDER has the files of c2sp.org/tlog-tiles (checkpoint, tile/...) and the verifier keys in vkey, one a line. Written
from the C2SP documents and RFC 6962 alone, and sharing no code with Cairn, so that the two can disagree.

Checked: the form of the checkpoint, its signature (where the module `cryptography` is there), that exactly the tiles
of its size are present, that every hash tile follows from the level below, that every entry hashes to its leaf, and
that the whole leads to the signed root. Exit code 0 if all holds, else 1.
"""

import base64
import hashlib
import pathlib
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None


class Broken(Exception):
    """What is wrong, in words."""


def require(condition, message):
    if not condition:
        raise Broken(message)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    return sha256(b"\x00", entry)


def tree_hash(hashes):
    """The Merkle tree hash of RFC 6962, section 2.1, straight from its definition."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01", tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def tile_path(level, index, width):
    groups = [f"{index % 1000:03}"]
    index //= 1000
    while index:
        groups.insert(0, f"x{index % 1000:03}")
        index //= 1000
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < 256 else "")


def read_key(line):
    name, key_id, encoded = line.split("+", 2)
    typed = base64.b64decode(encoded, validate=True)
    require(sha256(name.encode(), b"\n", typed)[:4].hex() == key_id, f"vkey {line}: the key id does not fit")
    require(typed[0] == 1 and len(typed) == 33, f"vkey {line}: not an Ed25519 key")
    return name, bytes.fromhex(key_id), typed[1:]


def read_checkpoint(data, keys):
    """Size and root of the checkpoint, and whether a signature was verified."""
    text, separator, signatures = data.decode().rpartition("\n\n")
    require(separator and signatures.endswith("\n"), "checkpoint: not a signed note")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    require(origin and str(int(size)) == size and int(size) >= 0, "checkpoint: bad origin or size")
    verified = 0
    for line in signatures[:-1].split("\n"):
        dash, name, encoded = line.split(" ")
        require(dash == "\u2014", "checkpoint: bad signature line")
        payload = base64.b64decode(encoded, validate=True)
        for key_name, key_id, key in keys:
            if (key_name, key_id) == (name, payload[:4]) and Ed25519PublicKey:
                try:
                    Ed25519PublicKey.from_public_bytes(key).verify(payload[4:], text.encode())
                except InvalidSignature:
                    raise Broken(f"checkpoint: the signature of {name} does not hold") from None
                verified += 1
    require(verified or not Ed25519PublicKey, "checkpoint: no signature of a known key")
    return int(size), base64.b64decode(root, validate=True), verified > 0


def check_tiles(folder, size):
    """The leaf hashes, after every hash tile was compared with the level below."""
    expected_files = set()
    leaves, level, below = [], 0, []
    while size >> (8 * level):
        count = size >> (8 * level)
        hashes = []
        for index in range((count + 255) // 256):
            path = tile_path(level, index, min(256, count - index * 256))
            expected_files.add(path)
            require((folder / path).is_file(), f"{path}: missing")
            data = (folder / path).read_bytes()
            require(len(data) == 32 * min(256, count - index * 256), f"{path}: {len(data)} bytes")
            hashes += [data[place : place + 32] for place in range(0, len(data), 32)]
        if level == 0:
            leaves = hashes
        else:
            for index, value in enumerate(hashes):
                computed = tree_hash(below[index * 256 : index * 256 + 256])
                require(value == computed, f"hash {index} of level {level} is not that of the tile below")
        below = hashes
        level += 1
    return leaves, expected_files


def check_entries(folder, size, leaves):
    expected_files = set()
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        path = tile_path("entries", index, width)
        expected_files.add(path)
        require((folder / path).is_file(), f"{path}: missing")
        data, offset = (folder / path).read_bytes(), 0
        for place in range(index * 256, index * 256 + width):
            length = int.from_bytes(data[offset : offset + 2], "big")
            entry = data[offset + 2 : offset + 2 + length]
            require(offset + 2 + length <= len(data), f"{path}: it ends inside entry {place}")
            require(leaf_hash(entry) == leaves[place], f"{path}: entry {place} is not what its leaf says")
            offset += 2 + length
        require(offset == len(data), f"{path}: bytes after the last entry")
    return expected_files


def check(folder):
    keys = [read_key(line) for line in (folder / "vkey").read_text().splitlines()]
    size, root, is_verified = read_checkpoint((folder / "checkpoint").read_bytes(), keys)
    leaves, files = check_tiles(folder, size)
    files |= check_entries(folder, size, leaves)
    require(tree_hash(leaves) == root, "the tiles do not lead to the root of the checkpoint")
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    extra = present - files - {"checkpoint", "vkey"}
    require(not extra, f"files that do not belong to size {size}: {sorted(extra)[:5]}")
    return size, is_verified


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 64
    try:
        size, is_verified = check(pathlib.Path(arguments[0]))
    except (Broken, OSError, ValueError) as error:
        print(f"not intact: {error}", file=sys.stderr)
        return 1
    print(f"intact: {size} entries, " + ("signature verified" if is_verified else "signature not checked"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
