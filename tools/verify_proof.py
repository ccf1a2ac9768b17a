#!/usr/bin/env python3
"""Verify an offline proof: verify_proof.py PROOF ENTRY VKEY

PROOF is a c2sp.org/tlog-proof@v1 file, ENTRY the bytes of the entry as they are in the log, VKEY the verifier key of
the log (`name+keyid+base64`), kept since before anybody could have wished to alter the log. Nothing else is needed, no
ledger and no network. Written from the C2SP documents and RFC 9162 alone, and sharing no code with Cairn.

Exit code 0: the holder of the key signed a log of which the entry is the one at the index that is printed. 1: the
proof shows no such thing. 64: wrong usage. 69: the module `cryptography` is missing, so signatures cannot be verified.
"""

import base64
import hashlib
import pathlib
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def decode(text):
    """Base64 in its one canonical form."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError(f"{text} is not canonical base64")
    return data


def decode_hash(text):
    data = decode(text)
    if len(data) != 32:
        raise ValueError(f"{text} is not a hash")
    return data


def decimal(text):
    if not re.fullmatch(r"0|[1-9][0-9]{0,19}", text):
        raise ValueError(f"{text} is not a plain number")
    return int(text)


def read_key(text):
    name, key_id, encoded = text.split("+", 2)
    typed = decode(encoded)
    if sha256(name.encode(), b"\n", typed)[:4].hex() != key_id or len(typed) != 33 or typed[0] != 1:
        raise ValueError("the verifier key is not a whole Ed25519 key")
    return name, bytes.fromhex(key_id), typed[1:]


def read_proof(data):
    """Index, hashes and the checkpoint's note."""
    head, separator, note = data.decode("utf-8").partition("\n\n")
    lines = head.split("\n")
    if not separator or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise ValueError("this is not a tlog-proof")
    if lines and lines[0].startswith("extra "):
        decode(lines.pop(0)[6:])
    if not lines or not lines[0].startswith("index "):
        raise ValueError("the proof has no index")
    return decimal(lines.pop(0)[6:]), [decode_hash(line) for line in lines], note


def read_checkpoint(note, key):
    """Size and root, after the signature was verified."""
    name, key_id, public = key
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator or not signatures.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise ValueError("the checkpoint is not a signed note")
    is_signed = False
    for line in signatures[:-1].split("\n"):
        dash, signer, encoded = line.split(" ")
        payload = decode(encoded)
        if dash != "\u2014":
            raise ValueError("the checkpoint has a line that is not a signature")
        if (signer, payload[:4]) == (name, key_id):
            Ed25519PublicKey.from_public_bytes(public).verify(payload[4:], text.encode())
            is_signed = True
    if not is_signed:
        raise ValueError(f"the checkpoint is not signed by {name}")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or "" in lines:
        raise ValueError("the checkpoint has no origin, size and root")
    return lines[0], decimal(lines[1]), decode_hash(lines[2])


def root_of(index, size, leaf, hashes):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        raise ValueError(f"entry {index} is not in a log of {size} entries")
    place, last, root = index, size - 1, leaf
    for value in hashes:
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            root = sha256(b"\x01", value, root)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = sha256(b"\x01", root, value)
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return root


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.split("\n")[0], file=sys.stderr)
        return 64
    if Ed25519PublicKey is None:
        print("cannot verify signatures: install the Python module cryptography", file=sys.stderr)
        return 69
    try:
        index, hashes, note = read_proof(pathlib.Path(arguments[0]).read_bytes())
        origin, size, root = read_checkpoint(note, read_key(arguments[2]))
        entry = pathlib.Path(arguments[1]).read_bytes()
        if root_of(index, size, sha256(b"\x00", entry), hashes) != root:
            raise ValueError("the entry is not the one that was logged: the proof leads to another root")
    except InvalidSignature:
        print("not proved: the signature does not hold", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"not proved: {error}", file=sys.stderr)
        return 1
    print(f"proved: entry {index} of {origin}, in its checkpoint of {size} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
