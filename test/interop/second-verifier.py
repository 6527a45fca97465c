#!/usr/bin/env python3
"""A second verifier of exported audit logs, written from docs/audit-log.md and from nothing else.

Python's standard library; Ed25519 by the `openssl` command.

    second-verifier.py DIRECTORY... --key LINE [--anchor FILE|DIRECTORY]... [--witness LINE]... [--part]

Prints {"ok": ..., "size": ..., "events": ..., "findings": [{"code", "where", "first", "next"}]}. Exit 0 when nothing is wrong, 1 when something is.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

DASH = "\u2014"
BLOCK = 65536


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def node(left, right):
    return sha256(b"\x01", left, right)


def root_of_row(row):
    """Join neighbours, take a last one up as it is."""
    while len(row) > 1:
        row = [node(row[i], row[i + 1]) if i + 1 < len(row) else row[i] for i in range(0, len(row), 2)]
    return row[0]


class Growing:
    """The root of the leaves so far: complete subtrees, the largest first."""

    def __init__(self, other=None):
        self.subtrees = list(other.subtrees) if other else []
        self.size = other.size if other else 0

    def append(self, leaf):
        self.subtrees.append((1, leaf))
        while len(self.subtrees) > 1 and self.subtrees[-1][0] == self.subtrees[-2][0]:
            count, right = self.subtrees.pop()
            _, left = self.subtrees.pop()
            self.subtrees.append((2 * count, node(left, right)))
        self.size += 1

    def root(self):
        reached = self.subtrees[-1][1]
        for _, left in reversed(self.subtrees[:-1]):
            reached = node(left, reached)
        return reached


def strict_base64(text):
    try:
        octets = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return octets if base64.b64encode(octets).decode() == text else None


class Key:
    """A verifier key: <name>+<id>+<base64 of kind and key>."""

    def __init__(self, line):
        self.name, identifier, encoded = line.split("+", 2)
        octets = strict_base64(encoded)
        if octets is None or len(octets) != 33 or octets[0] not in (1, 4) or not self.name or re.search(r"\s", self.name):
            raise SystemExit("not a verifier key")
        self.id = sha256(self.name.encode(), b"\n", octets)[:4]
        if self.id.hex() != identifier:
            raise SystemExit("the id of a key does not fit")
        self.kind, self.octets = octets[0], octets[1:]

    def signed(self, message, signature):
        # SubjectPublicKeyInfo of Ed25519 (RFC 8410).
        der = bytes.fromhex("302a300506032b6570032100") + self.octets
        with tempfile.TemporaryDirectory() as place:
            paths = [os.path.join(place, name) for name in ("key", "message", "signature")]
            for path, content in zip(paths, (der, message, signature)):
                with open(path, "wb") as file:
                    file.write(content)
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0]]
            command += ["-rawin", "-in", paths[1], "-sigfile", paths[2]]
            return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Malformed(Exception):
    pass


def split_note(octets):
    """The text, and (name, id, signature) of each line."""
    try:
        note = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed from error
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise Malformed
    lines = []
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(DASH + r" ([^\s+]+) (\S+)", line)
        octets = strict_base64(match[2]) if match else None
        if octets is None or len(octets) < 5:
            raise Malformed
        lines.append((match[1], octets[:4], octets[4:]))
    return text + "\n", lines


class Checkpoint:
    def __init__(self, where, octets, keys):
        self.where, self.octets = where, octets
        text, lines = split_note(octets)
        by = [
            (key, signature)
            for key in keys
            for name, identifier, signature in lines
            if key.kind == 1 and (name, identifier) == (key.name, key.id)
        ]
        if not by:
            raise LookupError("signature_missing")
        if not all(len(signature) == 64 and key.signed(text.encode(), signature) for key, signature in by):
            raise LookupError("signature_wrong")
        match = re.match(r"([^\n]+)\n([1-9][0-9]{0,15})\n([^\n]+)\n", text)
        root = strict_base64(match[3]) if match else None
        if root is None or len(root) != 32 or int(match[2]) >= 2**53:
            raise Malformed
        self.origin, self.size, self.root = match[1], int(match[2]), root
        if all(key.name != self.origin for key, _ in by):
            raise LookupError("signature_missing")

    def cosigned(self, witness):
        text, lines = split_note(self.octets)
        for name, identifier, signature in lines:
            if witness.kind == 4 and (name, identifier, len(signature)) == (witness.name, witness.id, 72):
                time = int.from_bytes(signature[:8], "big")
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                if witness.signed(message, signature[8:]):
                    return True
        return False


def read(path):
    """The octets of a regular file; None when there is none."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def names(path):
    return sorted(os.listdir(path), key=os.fsencode) if os.path.isdir(path) else []


def below(path):
    if not os.path.isdir(path):
        return [path]
    return [found for name in names(path) for found in below(os.path.join(path, name))]


def canonical(octets):
    def once(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    try:
        text = octets.decode("utf-8")
        value = json.loads(text, object_pairs_hook=once)
        # Names are ASCII and numbers are integers, so this is RFC 8785.
        return isinstance(value, dict) and text == json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )
    except (ValueError, RecursionError):
        return False


class Verification:
    def __init__(self, options):
        self.findings = []
        self.keys = [Key(line) for line in options.key]
        self.witnesses = [Key(line) for line in options.witness]
        self.directories = options.directory
        self.anchors = [path for anchor in options.anchor for path in below(anchor)]
        self.part = options.part
        self.events = 0

    def find(self, code, where, first=None, following=None):
        finding = {"code": code, "where": where}
        if first is not None:
            finding.update(first=first, next=first + 1 if following is None else following)
        self.findings.append(finding)

    def open(self, path, from_outside=False):
        octets = read(path)
        if octets is None:
            self.find("checkpoint_missing", path)
            return None
        try:
            return Checkpoint(path, octets, self.keys)
        except Malformed:
            if not from_outside:
                self.find("checkpoint_malformed", path)
        except LookupError as error:
            self.find(error.args[0], path)
        return None

    def run(self):
        heads = [self.open(os.path.join(directory, "checkpoint")) for directory in self.directories]
        older = []
        for directory in self.directories:
            for name in names(os.path.join(directory, "checkpoints")):
                path = os.path.join(directory, "checkpoints", name)
                checkpoint = self.open(path)
                if checkpoint and name != str(checkpoint.size):
                    self.find("checkpoint_malformed", path)
                older += [checkpoint] if checkpoint else []
        found = [head for head in heads if head]
        if not found:
            return 0
        largest = max(found, key=lambda head: head.size)
        outside = [anchor for anchor in (self.open(path, True) for path in self.anchors) if anchor]
        for anchor in outside:
            if anchor.size > largest.size:
                self.find("truncated", anchor.where, largest.size, anchor.size)
        for checkpoint in found + older + outside:
            if checkpoint.origin != largest.origin:
                self.find("other_log", checkpoint.where)
        marks = [("checkpoint_wrong", mark) for mark in found + older if mark is not largest]
        marks += [("forked", mark) for mark in outside]

        present = set()
        for directory, head in zip(self.directories, heads):
            if head:
                self.tree(directory, head, marks if head is largest else [], present)
        if not self.part:
            leaf = 0
            while leaf < largest.size:
                if leaf in present:
                    leaf += 1
                    continue
                first = leaf
                while leaf < largest.size and leaf not in present:
                    leaf += 1
                self.find("event_missing", "events", first, leaf)
        for witness in self.witnesses:
            if not any(checkpoint.cosigned(witness) for checkpoint in found + older + outside):
                self.find("cosignature_missing", witness.name)
        return largest.size

    def lines(self, directory, size):
        """Events by leaf: the hash, and where it stands."""
        placed = []
        for name in names(os.path.join(directory, "events")):
            path = os.path.join(directory, "events", name)
            if not re.fullmatch(r"[0-9]{12}\.jsonl", name) or int(name[:12]) % BLOCK:
                self.find("line_misplaced", path)
                continue
            block = int(name[:12])
            octets = read(path)
            *lines, rest = [b"?"] if octets is None else octets.split(b"\n")
            for number, line in enumerate(lines, 1):
                where = f"{path}:{number}"
                match = re.fullmatch(rb'\{"leaf":(0|[1-9][0-9]{0,15}),"event":(.*)\}', line, re.DOTALL)
                if not match:
                    self.find("line_malformed", where)
                    continue
                leaf = int(match[1])
                if not block <= leaf < min(block + BLOCK, size):
                    self.find("line_misplaced", where, leaf)
                    continue
                if not canonical(match[2]):
                    self.find("event_not_canonical", where, leaf)
                placed.append((leaf, sha256(b"\x00", match[2]), where))
            if rest:
                self.find("line_malformed", f"{path}:{len(lines) + 1}")
        events, last = {}, -1
        for at, (leaf, digest, where) in enumerate(placed):
            following = placed[at + 1][0] if at + 1 < len(placed) else leaf + 1
            # One line that says too large a leaf is out of place, not all after it.
            if leaf <= last or last < following <= leaf:
                self.find("line_misplaced", where, leaf)
                continue
            events[leaf], last = (digest, where), leaf
        return events

    def tile(self, directory, level, index, size):
        """The hashes, or None and a finding."""
        path, width = self.tile_path(directory, level, index, size)
        octets = read(path)
        span = 256**level
        place = (index * 256 * span, (index * 256 + width) * span)
        if octets is None:
            self.find("tile_missing", path, *place)
        elif len(octets) != 32 * width:
            self.find("tile_malformed", path, *place)
        else:
            return [octets[i : i + 32] for i in range(0, len(octets), 32)]
        return None

    @staticmethod
    def tile_path(directory, level, index, size):
        width = min(256, size // 256**level - 256 * index)
        digits = str(index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        return os.path.join(directory, "tile", str(level), name + ("" if width == 256 else f".p/{width}")), width

    def tree(self, directory, head, marks, present):
        size = head.size
        events = self.lines(directory, size)
        present.update(events)
        tree, rows = Growing(), [[]]
        known, anchored = 0, 0
        for first in range(0, size, 256):
            width = min(256, size - first)
            stored = self.tile(directory, 0, first // 256, size)
            by_lines = [events[leaf][0] for leaf in range(first, first + width) if leaf in events]
            by_lines = by_lines if len(by_lines) == width else None
            hashes = stored or by_lines
            if hashes is None:
                return
            if stored:
                altered = [leaf for leaf in range(first, first + width) if leaf in events and events[leaf][0] != stored[leaf - first]]
                if altered and by_lines and self.fits(directory, tree, head, first, by_lines) and not self.fits(directory, tree, head, first, stored):
                    hashes = by_lines
                    for leaf in altered:
                        self.find("tile_wrong", self.tile_path(directory, 0, first // 256, size)[0], leaf)
                else:
                    for leaf in altered:
                        self.find("event_altered", events[leaf][1], leaf)
            for leaf, digest in enumerate(hashes, first):
                self.events += leaf in events and events[leaf][0] == digest
                tree.append(digest)
                for code, mark in marks:
                    if mark.size != tree.size:
                        continue
                    if mark.root == tree.root():
                        known = tree.size
                        anchored = tree.size if code == "forked" else anchored
                    else:
                        self.find(code, mark.where, anchored if code == "forked" else known, tree.size)
            if width == 256:
                rows[0].append(root_of_row(hashes))
        level = 1
        while rows[level - 1]:
            computed = rows[level - 1]
            rows.append([])
            for index in range(0, len(computed), 256):
                part = computed[index : index + 256]
                stored = self.tile(directory, level, index // 256, size)
                for at, digest in enumerate(stored or []):
                    if digest != part[at]:
                        path = self.tile_path(directory, level, index // 256, size)[0]
                        self.find("tile_wrong", path, (index + at) * 256**level, (index + at + 1) * 256**level)
                if len(part) == 256:
                    rows[level].append(root_of_row(part))
            level += 1
        if tree.root() != head.root:
            self.find("root_wrong", head.where, known, size)

    def fits(self, directory, tree, head, first, hashes):
        """Whether the tree above says that these are the hashes."""
        if len(hashes) < 256:
            whole = Growing(tree)
            for digest in hashes:
                whole.append(digest)
            return whole.root() == head.root
        path, width = self.tile_path(directory, 1, first // 65536, head.size)
        octets = read(path) or b""
        at = first // 256 % 256
        return octets[32 * at : 32 * at + 32] == root_of_row(hashes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", nargs="+")
    parser.add_argument("--key", action="append", required=True)
    parser.add_argument("--anchor", action="append", default=[])
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--part", action="store_true")
    verification = Verification(parser.parse_args())
    size = verification.run()
    ok = not verification.findings
    json.dump({"ok": ok, "size": size, "events": verification.events, "findings": verification.findings}, sys.stdout)
    print()
    sys.exit(0 if ok else 1)


main()
