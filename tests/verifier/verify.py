#!/usr/bin/env python3
"""A second verifier of Strongroom's audit format, version 1.

Written from docs/audit-format.md alone, with nothing but Python's standard library; it shares no
code with the product. It is slow (its ciphers are plain Python) and meant for checking that page
and program agree, and for whoever wants to check a bundle without trusting the program.

    verify.py bundle FILE --key KEYFILE [--witness KEYFILE]... [--tenant SLUG]
    verify.py checkpoint NOTE --key KEYFILE [--witness KEYFILE]...
    verify.py inclusion --entry ENTRY.json --proof PROOF.json --checkpoint NOTE --key KEYFILE
    verify.py consistency --proof PROOF.json --from NOTE --to NOTE --key KEYFILE

One JSON object on standard output; exit 0 when everything holds, 1 when something does not.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import struct
import sys
import uuid


class Bad(Exception):
    """Something does not hold; `seq` names the entry, where it is one."""

    def __init__(self, reason, seq=None):
        super().__init__(reason)
        self.seq = seq


def need(holds, reason, seq=None):
    if not holds:
        raise Bad(reason, seq)


# --- Ed25519, RFC 8032, section 5.1 -----------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    """Extended coordinates (X, Y, Z, T)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def point_multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = point_add(result, point)
        point = point_add(point, point)
        scalar >>= 1
    return result


def points_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_decode(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = point_decode(BASE_Y.to_bytes(32, "little"))


def ed25519_verify(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = point_decode(public), point_decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return points_equal(point_multiply(s, BASE), point_add(r, point_multiply(k, a)))


# --- AES-256-GCM, FIPS 197 and SP 800-38D -----------------------------------------------------


def make_sbox():
    sbox, p, q = [0] * 256, 1, 1
    while True:
        p ^= (p << 1) ^ (0x11B if p & 0x80 else 0)
        p &= 0xFF
        for shift in (1, 2, 4):
            q ^= q << shift
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        sbox[p] = 0x63 ^ q
        for turn in (1, 2, 3, 4):
            sbox[p] ^= (q << turn | q >> (8 - turn)) & 0xFF
        if p == 1:
            break
    sbox[0] = 0x63
    return sbox


SBOX = make_sbox()
DOUBLE = [(x << 1) ^ (0x11B if x & 0x80 else 0) for x in range(256)]


def aes256_schedule(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        word = list(words[i - 1])
        if i % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = DOUBLE[rcon]
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word)])
    return [sum(words[i : i + 4], []) for i in range(0, 60, 4)]


def aes256_block(schedule, block):
    state = [a ^ b for a, b in zip(block, schedule[0])]
    for number in range(1, 15):
        shifted = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if number < 14:
            mixed = []
            for column in range(0, 16, 4):
                a, b, c, d = shifted[column : column + 4]
                everything = a ^ b ^ c ^ d
                mixed += [
                    a ^ everything ^ DOUBLE[a ^ b],
                    b ^ everything ^ DOUBLE[b ^ c],
                    c ^ everything ^ DOUBLE[c ^ d],
                    d ^ everything ^ DOUBLE[d ^ a],
                ]
            shifted = mixed
        state = [a ^ b for a, b in zip(shifted, schedule[number])]
    return bytes(state)


def ghash(h, data):
    """Multiplies in GF(2^128) as SP 800-38D has it: the leftmost bit is the lowest power."""
    powers, v = [], h
    for _ in range(128):
        powers.append(v)
        v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    y = 0
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i : i + 16], "big")
        product, bit = 0, 127
        while y:
            if y >> bit & 1:
                product ^= powers[127 - bit]
                y ^= 1 << bit
            bit -= 1
        y = product
    return y


def gcm_open(key, nonce, associated, ciphertext, tag):
    """The plaintext, or None."""
    schedule = aes256_schedule(key)
    h = int.from_bytes(aes256_block(schedule, bytes(16)), "big")

    def padded(data):
        return data + bytes(-len(data) % 16)

    lengths = struct.pack(">QQ", 8 * len(associated), 8 * len(ciphertext))
    digest = ghash(h, padded(associated) + padded(ciphertext) + lengths)
    mask = aes256_block(schedule, nonce + struct.pack(">I", 1))
    expected = (digest ^ int.from_bytes(mask, "big")).to_bytes(16, "big")
    if not hmac.compare_digest(expected, tag):
        return None
    stream = b"".join(
        aes256_block(schedule, nonce + struct.pack(">I", i + 2))
        for i in range((len(ciphertext) + 15) // 16)
    )
    return bytes(a ^ b for a, b in zip(ciphertext, stream))


# --- Envelopes --------------------------------------------------------------------------------


def hkdf(key, info):
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def context(log, seq, member=None):
    place = b"strongroom/audit/v1" + log + struct.pack(">Q", seq)
    return place if member is None else place + struct.pack(">I", member)


def open_envelope(secret, place, envelope, seq, what):
    need(len(envelope) >= 77 and envelope[0] == 2, what + " is not an envelope", seq)
    commitment = hkdf(secret, b"commit")
    need(
        hmac.compare_digest(commitment, envelope[17:49]),
        what + " is not committed to the secret that is given",
        seq,
    )
    opened = gcm_open(
        hkdf(secret, b"key"), envelope[49:61], place, envelope[61:-16], envelope[-16:]
    )
    need(opened is not None, what + " was changed after it was sealed", seq)
    return opened


# --- Canonical JSON, RFC 8785 -----------------------------------------------------------------


def number_text(value):
    """A double as ECMAScript prints it: Python's shortest digits, in JavaScript's layout."""
    if value == 0:
        return "0"
    sign, value = ("-", -value) if value < 0 else ("", value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    power = point - 1
    rest = "." + digits[1:] if count > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string_text(text):
    out = []
    for c in text:
        if c in ESCAPES:
            out.append(ESCAPES[c])
        elif c < " ":
            out.append(f"\\u{ord(c):04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def canonical_text(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 2**53 else number_text(float(value))
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical_text(item) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(string_text(n) + ":" + canonical_text(value[n]) for n in names) + "}"


def strict_object(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse_canonical(data, what, seq=None):
    """An object in canonical form."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=strict_object, parse_constant=no_constant)
        same = canonical_text(value).encode("utf-8") == data
    except (ValueError, RecursionError, OverflowError):
        same = False
    need(same and isinstance(value, dict), what + " is not canonical JSON", seq)
    return value


def merge(target, member):
    for name, value in member.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value


# --- Signed notes and checkpoints -------------------------------------------------------------


def from_base64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(what + " is not Base64") from None
    need(base64.b64encode(data).decode() == text, what + " is not Base64 in its one form")
    return data


class Key:
    """A verifier key: name+key id+base64(kind ‖ public key)."""

    def __init__(self, text):
        self.text = text.rstrip("\r\n")
        parts = self.text.split("+", 2)
        need(len(parts) == 3, "this is not a verifier key")
        self.name, key_id, encoded = parts
        data = from_base64(encoded, "a key")
        need(len(data) == 33 and data[0] in (1, 4), "a key of a kind that is not known")
        self.kind, self.public = data[0], data[1:]
        hashed = hashlib.sha256(self.name.encode() + b"\n" + data).digest()
        self.key_id = hashed[:4]
        need(self.key_id.hex() == key_id, "a key's id is not its own")


class Note:
    def __init__(self, data, what):
        try:
            note = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad(what + " is not text") from None
        need(not any(c < " " and c != "\n" for c in note), what + " has control characters")
        cut = note.rfind("\n\n")
        need(cut >= 0 and note.endswith("\n"), what + " is not a signed note")
        self.what, self.text, self.signatures = what, note[: cut + 1], []
        for line in note[cut + 2 : -1].split("\n"):
            parts = line.split(" ")
            need(len(parts) == 3 and parts[0] == "—", what + " has a malformed signature line")
            data = from_base64(parts[2], "a signature in " + what)
            need(len(data) > 4, what + " has a signature that is too short")
            self.signatures.append((parts[1], data[:4], data[4:]))

    def signed_by(self, key):
        return [s for s in self.signatures if s[0] == key.name and s[1] == key.key_id]

    def verify(self, key):
        """Checks the signatures of this key; a cosignature's time, or None."""
        mine = self.signed_by(key)
        need(mine, f"{self.what} has no signature of {key.name}")
        time = None
        for _, _, signature in mine:
            message = self.text.encode()
            if key.kind == 4:
                need(len(signature) == 72, f"the cosignature of {key.name} is malformed")
                time = struct.unpack(">Q", signature[:8])[0]
                message = f"cosignature/v1\ntime {time}\n".encode() + message
                signature = signature[8:]
            good = ed25519_verify(key.public, message, signature)
            need(good, f"the signature of {key.name} under {self.what} is wrong")
        return time


class Checkpoint:
    def __init__(self, data, key, what="the checkpoint"):
        self.note = Note(data, what)
        self.note.verify(key)
        lines = self.note.text.split("\n")
        need(len(lines) == 4, what + " does not have three lines")
        self.origin, size, root = lines[:3]
        need(size.isascii() and size.isdigit() and str(int(size)) == size, what + " has no size")
        self.size, self.root = int(size), from_base64(root, "a root")
        need(len(self.root) == 32, what + " has no root")
        try:
            log = self.origin.rsplit("/", 1)[-1]
            self.log = uuid.UUID(log)
        except ValueError:
            raise Bad(what + " names no log") from None
        need(str(self.log) == log, what + " names no log")


# --- The tree ---------------------------------------------------------------------------------


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\x01" + left + right)


def inclusion_holds(seq, size, entry_hash, proof, root):
    """RFC 9162, section 2.1.3.2."""
    if not 1 <= seq <= size:
        return False
    fn, sn, hashed = seq - 1, size - 1, entry_hash
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            hashed = node(sibling, hashed)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            hashed = node(hashed, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and hashed == root


def consistency_holds(old_size, old_root, new_size, new_root, proof):
    """RFC 9162, section 2.1.4.2."""
    if not 1 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for hashed in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node(hashed, old), node(hashed, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node(new, hashed)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == old_root and new == new_root


class Frontier:
    """The left part of a tree, as a stack of (height, hash)."""

    def __init__(self):
        self.at, self.stack = 0, []

    def push(self, height, hashed):
        self.at += 1 << height
        while self.stack and self.stack[-1][0] == height:
            hashed = node(self.stack.pop()[1], hashed)
            height += 1
        self.stack.append((height, hashed))

    def root(self):
        if not self.stack:
            return sha256(b"")
        root = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            root = node(left, root)
        return root


def cover(at, end):
    """Heights of the largest full subtrees from leaf `at` up to but not including `end`."""
    while at < end:
        height = (end - at).bit_length() - 1
        if at:
            height = min(height, (at & -at).bit_length() - 1)
        yield height
        at += 1 << height


# --- Bundles ----------------------------------------------------------------------------------


def tar_header(name, size):
    def octal(value, digits):
        return f"{value:0{digits}o}".encode() + b"\x00"

    before = name.encode().ljust(100, b"\x00") + octal(0o644, 7) + octal(0, 7) * 2
    before += octal(size, 11) + octal(0, 11)
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
    checksum = sum(before) + 8 * ord(" ") + sum(after)
    return before + octal(checksum, 7) + after


class Archive:
    """The files of a bundle, one after the other."""

    def __init__(self, stream):
        self.stream, self.sums, self.count = stream, [], 0

    def take(self, count):
        data = self.stream.read(count)
        need(len(data) == count, "the bundle is cut off")
        return data

    def head(self):
        block = self.take(512)
        try:
            name = block[:100].rstrip(b"\x00").decode("ascii")
            size = int(block[124:135].decode("ascii"), 8)
            same = name and size >= 0 and tar_header(name, size) == block
        except ValueError:
            same = False
        need(same, "a header is not in a bundle's form")
        return name, size

    def body(self, head, counted=True):
        name, size = head
        need(size <= 3 << 20 or name == "SHA256SUMS", f"{name} is too large")
        data = self.take(size)
        need(not any(self.take(-size % 512)), "padding is not zero")
        if counted:
            self.sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        return data

    def file(self, name, counted=True):
        head = self.head()
        need(head[0] == name, f"the bundle has {head[0]} where {name} belongs")
        return self.body(head, counted)

    def end(self):
        need(not any(self.take(1024)) and not self.stream.read(1), "the bundle has no proper end")


class Part:
    """Reads fields off the front of a file of entries."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "a record is cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, kind):
        return struct.unpack(kind, self.take(struct.calcsize(kind)))[0]

    def secret(self):
        mark = self.take(1)
        need(mark in (b"\x00", b"\x01"), "a record has a mark that no record has")
        return self.take(32) if mark == b"\x01" else None


class Entries:
    """Goes through records, from the first leaf of the tree to the last."""

    def __init__(self, checkpoint):
        self.log, self.size = checkpoint.log.bytes, checkpoint.size
        self.tree, self.after_gap, self.gapless = Frontier(), False, True
        self.count = self.disclosed = 0
        self.first = self.previous = None
        self.events = []

    def part(self, data):
        part = Part(data)
        while part.at < len(data):
            kind = part.take(1)
            need(kind in (b"\x00", b"\x01"), "a record is of a kind that no record has")
            if kind == b"\x00":
                self.gap(part)
            else:
                self.entry(part)

    def gap(self, part):
        end = part.number(">Q") - 1
        need(self.tree.at < end <= self.size and not self.after_gap, "a gap leads nowhere")
        for height in cover(self.tree.at, end):
            self.tree.push(height, part.take(32))
        self.after_gap = True

    def entry(self, part):
        seq = self.tree.at + 1
        need(seq <= self.size, "there are entries beyond the checkpoint")
        leaf = part.take(96)
        envelope = part.take(part.number(">I"))
        secret = part.secret()
        members = []
        if secret is not None:
            members = [part.secret() for _ in range(part.number(">I"))]
        number, time = struct.unpack(">Qq", leaf[16:32])
        need(leaf[:16] == self.log, "the leaf is of another log", seq)
        need(number == seq, f"the leaf has the number {number}", seq)
        need(leaf[32:64] == sha256(envelope), "the envelope is not the leaf's", seq)
        if seq == 1:
            need(leaf[64:] == bytes(32), "the first entry follows another", seq)
        if self.previous:
            before, hashed, earlier = self.previous
            need(before + 1 != seq or leaf[64:] == hashed, "the entry does not follow", seq)
            need(earlier <= time, "the entry is older than the one before it", seq)
        if secret is not None:
            self.events.append(self.content(seq, envelope, secret, members))
            self.disclosed += 1
        if self.first and self.after_gap:
            self.gapless = False
        self.first = self.first or (seq, time)
        self.previous = (seq, sha256(b"\x00" + leaf), time)
        self.tree.push(0, self.previous[1])
        self.after_gap, self.count = False, self.count + 1

    def content(self, seq, envelope, secret, members):
        opened = open_envelope(secret, context(self.log, seq), envelope, seq, "the entry")
        event = parse_canonical(opened, "the entry", seq)
        need(isinstance(event.get("action"), str), "the entry names no action", seq)
        sealed = event.pop("sealed", [])
        need(isinstance(sealed, list) and len(sealed) == len(members), "secrets are lacking", seq)
        for index, (text, member) in enumerate(zip(sealed, members)):
            if member is None:
                event["erased"] = True
                continue
            what = f"sealed member {index}"
            try:
                data = bytes.fromhex(text)
            except (ValueError, TypeError):
                raise Bad(what + " is not hex", seq) from None
            need(data.hex() == text, what + " is not lower-case hex", seq)
            opened = open_envelope(member, context(self.log, seq, index), data, seq, what)
            merge(event, parse_canonical(opened, what, seq))
        return {"seq": seq, **event}


MANIFEST = """disclosed entries exportedAt exportedBy files first format gapless last logId origin
    product prunedThrough root selection size sums tenant""".split()


def micros(text):
    """RFC 3339 in UTC, with up to 6 decimals, as microseconds since 1970."""
    from datetime import datetime, timezone

    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 1_000_000 + int(fraction.ljust(6, "0") or 0)


def check_manifest(manifest, entries, checkpoint, archive, tenant):
    need(sorted(manifest) == MANIFEST, "the manifest has other members than a manifest has")
    need(manifest["format"] == "strongroom-audit-bundle/1", "the format is not known")
    first, last = entries.first, entries.previous
    found = {
        "logId": str(checkpoint.log),
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "entries": entries.count,
        "disclosed": entries.disclosed,
        "first": first and first[0],
        "last": last and last[0],
        "gapless": entries.gapless,
        "files": len(archive.sums),
        "sums": hashlib.sha256("".join(archive.sums).encode()).hexdigest(),
    }
    for name, value in found.items():
        need(manifest[name] == value, f"the manifest says {manifest[name]!r} as {name}")
    selection, pruned = manifest["selection"], manifest["prunedThrough"]
    need(sorted(selection) == ["from", "query", "to"], "the manifest's selection is malformed")
    if first and selection["from"] is not None:
        need(micros(selection["from"]) <= first[1], "an entry is before the selection", first[0])
    if first and selection["to"] is not None:
        need(last[2] < micros(selection["to"]), "an entry is after the selection", last[0])
    if selection == {"query": "", "from": None, "to": None}:
        if first:
            whole = first[0] == pruned + 1 and last[0] == checkpoint.size and entries.gapless
        else:
            whole = pruned == checkpoint.size
        need(whole, "the bundle says that it is the whole log, and is not")
    if tenant is not None:
        names = manifest["tenant"] or {}
        need(tenant in names.values(), f"the bundle is of {names.get('slug')}, not of {tenant}")


def witnessed(witness, notes):
    """The first of these notes with a signature of this witness; one that is wrong is not passed over."""
    for note, size in notes:
        if note.signed_by(witness):
            return {"time": note.verify(witness), "size": size}
    raise Bad(f"no checkpoint in the bundle has a signature of {witness.name}")


def verify_bundle(stream, key, witnesses, tenant):
    archive = Archive(stream)
    checkpoint = Checkpoint(archive.file("checkpoint"), key)
    signed = [(checkpoint.note, checkpoint.size)]
    same = archive.file("public-key") == (key.text + "\n").encode()
    need(same, "the bundle is signed with another key than the one given")
    head = archive.head()
    grown_from = None
    if head[0] == "earlier-checkpoint":
        earlier = Checkpoint(archive.body(head), key, "the earlier checkpoint")
        need(earlier.origin == checkpoint.origin, "the earlier checkpoint is of another log")
        proof = archive.file("consistency")
        need(len(proof) % 32 == 0, "the consistency proof is malformed")
        hashes = [proof[i : i + 32] for i in range(0, len(proof), 32)]
        grown = consistency_holds(
            earlier.size, earlier.root, checkpoint.size, checkpoint.root, hashes
        )
        need(grown, "the log did not grow from the earlier checkpoint")
        grown_from, head = earlier.size, archive.head()
        signed.append((earlier.note, earlier.size))
    cosigned = {witness.name: witnessed(witness, signed) for witness in witnesses}
    entries, number = Entries(checkpoint), 1
    while head[0] == f"entries/{number:08d}":
        entries.part(archive.body(head))
        head, number = archive.head(), number + 1
    need(entries.tree.at == checkpoint.size, f"the bundle ends at entry {entries.tree.at}")
    need(entries.tree.root() == checkpoint.root, "the root is not the checkpoint's")
    need(head[0] == "SHA256SUMS", f"the bundle has {head[0]} where SHA256SUMS belongs")
    sums = archive.body(head, counted=False)
    need(sums == "".join(archive.sums).encode(), "SHA256SUMS is not of these files")
    data = archive.file("manifest.json", counted=False)
    signature = Note(archive.file("manifest.sig", counted=False), "the signature")
    signature.verify(key)
    signed = f"strongroom/audit-bundle/v1\nsha256 {hashlib.sha256(data).hexdigest()}\n"
    need(signature.text == signed, "the signature is not over this manifest")
    need(len(signature.signatures) == 1, "the manifest has two signatures")
    manifest = parse_canonical(data, "the manifest")
    check_manifest(manifest, entries, checkpoint, archive, tenant)
    archive.end()
    return {
        "logId": str(checkpoint.log),
        "tenant": manifest["tenant"] and manifest["tenant"]["slug"],
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "head": entries.previous and entries.previous[1].hex(),
        "entries": entries.count,
        "disclosed": entries.disclosed,
        "witnesses": cosigned,
        "grownFrom": grown_from,
        "events": entries.events,
    }


# --- The API's answers ------------------------------------------------------------------------


def read(path):
    with open(path, "rb") as file:
        return file.read()


def read_hashes(path):
    return [bytes.fromhex(text) for text in json.loads(read(path))["hashes"]]


def verify_checkpoint(arguments):
    checkpoint = Checkpoint(read(arguments.note), arguments.key)
    cosigned = {w.name: checkpoint.note.verify(w) for w in arguments.witness}
    root = checkpoint.root.hex()
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": root, "witnesses": cosigned}


def verify_inclusion(arguments):
    """The entry is what `GET …/events/{seq}` answers, the proof what `…/proof/inclusion` does."""
    checkpoint = Checkpoint(read(arguments.checkpoint), arguments.key)
    leaf = json.loads(read(arguments.entry))["leaf"]
    need(leaf["logId"] == str(checkpoint.log), "the entry is of another log", leaf["seq"])
    packed = checkpoint.log.bytes + struct.pack(">Qq", leaf["seq"], leaf["timeMicros"])
    packed += bytes.fromhex(leaf["payloadHash"]) + bytes.fromhex(leaf["prevHash"])
    hashed = sha256(b"\x00" + packed)
    need(hashed.hex() == leaf["hash"], "the entry's hash is not its leaf's", leaf["seq"])
    proof = read_hashes(arguments.proof)
    holds = inclusion_holds(leaf["seq"], checkpoint.size, hashed, proof, checkpoint.root)
    need(holds, "the entry is not in the tree of the checkpoint", leaf["seq"])
    return {"seq": leaf["seq"], "size": checkpoint.size}


def verify_consistency(arguments):
    old = Checkpoint(read(arguments.old), arguments.key, "the earlier checkpoint")
    new = Checkpoint(read(arguments.new), arguments.key, "the later checkpoint")
    need(old.origin == new.origin, "the checkpoints are of two logs")
    proof = read_hashes(arguments.proof)
    holds = consistency_holds(old.size, old.root, new.size, new.root, proof)
    need(holds, "the later log did not grow from the earlier one")
    return {"from": old.size, "to": new.size}


def bundle(arguments):
    with open(arguments.file, "rb") as stream:
        return verify_bundle(stream, arguments.key, arguments.witness, arguments.tenant)


def key_file(path):
    return Key(read(path).decode("utf-8"))


def main():
    parser = argparse.ArgumentParser(description="Verifies Strongroom's audit format")
    verbs = parser.add_subparsers(required=True)

    def verb(name, run, *paths):
        sub = verbs.add_parser(name)
        sub.set_defaults(run=run)
        for path in paths:
            sub.add_argument(path)
        sub.add_argument("--key", required=True)
        sub.add_argument("--witness", action="append", default=[])
        return sub

    verb("bundle", bundle, "file").add_argument("--tenant")
    verb("checkpoint", verify_checkpoint, "note")
    inclusion = verb("inclusion", verify_inclusion)
    for option in ("--entry", "--proof", "--checkpoint"):
        inclusion.add_argument(option, required=True)
    consistency = verb("consistency", verify_consistency)
    consistency.add_argument("--proof", required=True)
    consistency.add_argument("--from", required=True, dest="old")
    consistency.add_argument("--to", required=True, dest="new")
    arguments = parser.parse_args()
    try:
        arguments.key = key_file(arguments.key)
        arguments.witness = [key_file(path) for path in arguments.witness]
        found = {"ok": True, **arguments.run(arguments)}
    except Bad as bad:
        found = {"ok": False, "firstBad": bad.seq, "reason": str(bad)}
    except OSError as error:
        found = {"ok": False, "firstBad": None, "reason": f"a file cannot be read: {error}"}
    print(json.dumps(found))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
