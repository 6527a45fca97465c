#!/usr/bin/env python3
"""A second verifier of exported audit logs and of evidence, written from docs/audit-log.md and docs/evidence.md and from nothing else.

Python's standard library; Ed25519 by the `openssl` command.

    second-verifier.py DIRECTORY... --key LINE [--anchor FILE|DIRECTORY]... [--witness LINE]... [--part]
    second-verifier.py --evidence FILE --key LINE [--anchor FILE|DIRECTORY]... [--witness LINE]...

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
        match = re.fullmatch(DASH + r" ([^\s+\x7f-\x9f]+) (\S+)", line)
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
        return self.judge(path, octets, from_outside)

    def judge(self, where, octets, from_outside=False):
        try:
            return Checkpoint(where, octets, self.keys)
        except Malformed:
            if not from_outside:
                self.find("checkpoint_malformed", where)
        except LookupError as error:
            self.find(error.args[0], where)
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


def root_by_proof(leaf, size, digest, proof):
    """The root of `size` leaves by the hashes beside the way up from one of them; None when these are too many or too few."""
    if size == 1 or not proof:
        return digest if size == 1 and not proof else None
    left = 1 << (size - 1).bit_length() - 1
    *below, beside = proof
    if leaf < left:
        reached = root_by_proof(leaf, left, digest, below)
        return reached and node(reached, beside)
    reached = root_by_proof(leaf - left, size - left, digest, below)
    return reached and node(beside, reached)


class Event(dict):
    def __init__(self, leaf, body):
        super().__init__(json.loads(body))
        self.leaf = leaf


class Missing(Exception):
    pass


NOT_RECORDED = "not recorded"
ROLES = {"change.asked": "admin", "fingerprint.verified": "admin", "change.approved": "approver", "policy.adopted": "approver"}
ATTEMPTS = ("delivery.delivered", "delivery.deferred", "delivery.failed")
DECIDED = ("delivery.quarantined", "delivery.released", "delivery.cancelled")
UNDECIDED = [f"change.{end}" for end in ("asked", "rejected", "withdrawn", "expired", "voided", "refused")]
STANDING = [f"recipient.{end}" for end in ("activated", "suspended", "reinstated", "unenrolled")] + ["attestation.recorded"]
FACTS = ("reason", "means", "kind", "validUntil", "finishUntil", "certificate")


class Story:
    """What the events of an evidence file say: docs/evidence.md, "How the answers are made"."""

    def __init__(self, events, replies):
        self.events = events
        self.replies = {sha256(reply.encode()).hex(): reply for reply in replies}
        self.taken, self.heard, self.unfit = set(), set(), []

    def all(self, *types, after=-1, before=2**53, **members):
        return [
            event
            for event in self.events
            if event.get("type") in types
            and after < event.leaf < before
            and all(event.get(name) == value for name, value in members.items())
        ]

    def last(self, *types, **wanted):
        found = self.all(*types, **wanted)
        if not found:
            raise Missing(f"{types[0]} {wanted}")
        return found[-1]

    def must(self, holds, what):
        if not holds:
            self.unfit.append(what)

    def step(self, event, /, **more):
        self.taken.add(event.leaf)
        return {"leaf": event.leaf, "at": event["at"], "by": self.who(event), **more}

    def who(self, event):
        who = {name: event["actor"][name] for name in ("kind", "id") if name in event["actor"]}
        if who["kind"] != "operator":
            return who
        added = self.last("operator.added", operator=who["id"], before=event.leaf)
        self.taken.add(added.leaf)
        who["name"] = added.get("name", NOT_RECORDED)
        self.must(ROLES.get(event["type"]) in [None, *added["roles"]], f"{event['type']} without the role")
        for revoked in self.all("operator.revoked", operator=who["id"]):
            self.taken.add(revoked.leaf)
            who["revoked"] = {"leaf": revoked.leaf, "at": revoked["at"]}
            # What two replicas do at a time is committed in any order.
            before = event.leaf < revoked.leaf or event["at"] <= revoked["at"]
            self.must(before, f"{event['type']} by a revoked operator")
        return who

    def decision(self, change, kind, subject):
        of = {"change": change, "kind": kind, "subject": subject}
        asked = self.last("change.asked", **of)
        approved = self.last("change.approved", after=asked.leaf, **of)
        people = {event["actor"]["id"] for event in (asked, approved) if event["actor"]["kind"] == "operator"}
        self.must(len(people) == 2, f"{change} by one person")
        refused = [self.step(event) for event in self.all("change.refused", **of)]
        return {"change": change, "asked": self.step(asked), "approved": self.step(approved), "refused": refused}

    def policy(self, record, before):
        if record is None:
            return NOT_RECORDED
        adopted = self.last("policy.adopted", record=record, before=before)
        name, change = adopted["policy"], adopted.get("change")
        return {
            **{"record": record, "name": name, "sha256": adopted["sha256"], "effectiveAt": adopted["effectiveAt"]},
            "adopted": self.step(adopted),
            "decision": self.decision(change, "policy.adopt", name) if change else NOT_RECORDED,
        }

    def enrolment(self, activated):
        of = {name: activated[name] for name in ("recipient", "proposal")}
        key = {name: activated[name] for name in ("certificate", "encryptionSubkey")}
        approved = self.last("proposal.approved", before=activated.leaf, **of)
        proposed = self.last("certificate.proposed", before=approved.leaf, **of, **key)
        proved = self.last("possession.proved", after=proposed.leaf, before=approved.leaf, **of)
        change, certified_by = approved["change"], proposed.get("certifiedBy")
        verified = decision = certifier = None
        if change is not None:
            between = {"after": proved.leaf, "before": approved.leaf}
            verified = self.last("fingerprint.verified", certificate=key["certificate"], **between, **of)
            decision = self.decision(change, "recipient.activate", of["proposal"])
            who = [decision[role]["by"].get("id") for role in ("asked", "approved")]
            self.must(who == [event["actor"].get("id") for event in (verified, approved)], "approved by others")
        elif certified_by is None:
            self.must(False, f"{of['proposal']} certified by none")
        else:
            certifier = self.last(
                "certificate.activated", recipient=of["recipient"], certificate=certified_by, before=proposed.leaf
            )
        others = self.all("possession.challenged", "possession.refused", "fingerprint.verified", **of)
        asked = self.all(*UNDECIDED, kind="recipient.activate", subject=of["proposal"])
        others += [event for event in asked if event.get("change") != change]
        return {
            **{"proposal": of["proposal"], "source": proposed["source"]},
            **{name: proposed.get(name, NOT_RECORDED) for name in ("algorithm", "expires")},
            "proposed": self.step(proposed),
            "possessionProved": self.step(proved),
            "fingerprintVerified": verified and self.step(verified, means=verified["means"]),
            "decision": decision,
            "approved": self.step(approved),
            "policy": self.policy(approved.get("policy"), approved.leaf),
            "activated": self.step(activated),
            "certifiedBy": certifier and {"fingerprint": certified_by, "enrolment": self.enrolment(certifier)},
            "otherSteps": [self.step(event, event=event["type"]) for event in others if event is not verified],
        }

    def attempt(self, event):
        digest, reply, enhanced = event.get("replySha256", NOT_RECORDED), NOT_RECORDED, NOT_RECORDED
        if digest is None:
            reply = enhanced = None
        elif digest != NOT_RECORDED:
            if digest not in self.replies:
                raise Missing(f"the reply of leaf {event.leaf}")
            reply = self.replies[digest]
            self.heard.add(reply)
            match = re.match(r"[0-9]{3} ([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)", reply)
            enhanced = match and match[1]
        said = {name: event[name] for name in ("attempt", "host", "tls", "replyCode")}
        return {**said, "reply": reply, "enhancedCode": enhanced}

    def rule(self, event):
        about = {name: event.get(name, NOT_RECORDED) for name in ("domain", "mode", "sha256")}
        change = event.get("change")
        decision = self.decision(change, "destination.set", event["domain"]) if change else None
        return self.step(event, event=event["type"], **about, decision=decision)

    def standing(self, event):
        facts = {name: event[name] for name in FACTS if name in event}
        change = event.get("change")
        decision = self.decision(change, "recipient.reinstate", event["recipient"]) if change else None
        return self.step(event, event=event["type"], facts=facts, decision=decision)

    def delivery(self, sent, accepted):
        invited = self.last("recipient.invited", recipient=sent["recipient"], before=accepted.leaf)
        address = invited.get("address", NOT_RECORDED)
        key = {name: sent[name] for name in ("recipient", "certificate", "encryptionSubkey")}
        enrolment = self.enrolment(self.last("certificate.activated", before=accepted.leaf, **key))
        history = self.all(*ATTEMPTS, *DECIDED, delivery=sent["delivery"], after=accepted.leaf)
        steps = []
        for event in history:
            if event["type"] == "delivery.cancelled" and event["actor"]["kind"] == "application":
                self.must(event["actor"].get("id") == accepted["actor"].get("id"), "cancelled by another application")
            elif event["type"] in DECIDED[1:]:
                self.last("delivery.quarantined", delivery=sent["delivery"], after=accepted.leaf, before=event.leaf)
            more = self.attempt(event) if event["type"] in ATTEMPTS else {}
            steps.append(self.step(event, event=event["type"], outcome=event.get("outcome", NOT_RECORDED), **more))
        ends = [event["type"][9:] for event in history if event["type"][9:] in ("delivered", "failed", "cancelled")]
        waits = history and history[-1]["type"] == "delivery.quarantined"
        rules = NOT_RECORDED
        if address != NOT_RECORDED:
            of = {"domain": address.rpartition("@")[2].lower()}
            found = [self.last("destination.set", before=accepted.leaf, **of)]
            if history:
                during = {"after": accepted.leaf, "before": history[-1].leaf}
                found += self.all("destination.set", "destination.removed", **during, **of)
            rules = [self.rule(event) for event in found]
        of = {"recipient": sent["recipient"]}
        stood = self.all(*STANDING, **of)
        stood += self.all("certificate.retired", "certificate.revoked", certificate=sent["certificate"], **of)
        return {
            "delivery": sent["delivery"],
            "state": ends[0] if ends else "quarantined" if waits else "under_way",
            "recipient": {
                **{"id": sent["recipient"], "address": address, "kind": invited["kind"]},
                "invited": self.step(invited),
            },
            "certificate": {
                **{"fingerprint": sent["certificate"], "encryptionSubkey": sent["encryptionSubkey"]},
                **{"algorithm": enrolment["algorithm"], "enrolment": enrolment},
            },
            "ciphertext": {
                **{"sha256": sent["ciphertextSha256"], "bytes": sent["ciphertextBytes"]},
                "format": sent.get("format", NOT_RECORDED),
            },
            "destination": rules,
            "history": steps,
            "standing": [self.standing(event) for event in sorted(stood, key=lambda event: event.leaf)],
        }

    def answers(self, message):
        accepted = (self.all("message.accepted", message=message) or [self.last("message.accepted", message=message)])[0]
        application = accepted["actor"].get("id")
        added = self.last("application.added", application=application, before=accepted.leaf)
        said = accepted.get("policy")
        policy = self.policy(said and said["record"], accepted.leaf)
        self.must(not said or all(policy[name] == said[name] for name in ("name", "sha256")), "another policy")
        return {
            "message": message,
            "accepted": self.step(accepted),
            "application": {"id": application, "san": added["san"], "added": self.step(added)},
            "policy": policy,
            "deliveries": [self.delivery(sent, accepted) for sent in accepted["deliveries"]],
        }


class Evidence(Verification):
    """One file of evidence: docs/evidence.md, "What is verified"."""

    def read(self, path):
        """The file, to the octet; None when it is none."""
        members = {"format": str, "message": str, "answers": object, "checkpoint": str, "key": str, "events": list, "replies": list}
        of_event = {"leaf": int, "body": str, "proof": list}

        def is_made_of(value, members):
            return isinstance(value, dict) and list(value) == list(members) and all(
                kind is object or type(value[name]) is kind for name, kind in members.items()
            )

        try:
            text = read(path).decode("utf-8")
            file = json.loads(text)
            same = text == json.dumps(file, ensure_ascii=False, indent=2) + "\n"
        except (ValueError, RecursionError):
            return None
        texts = same and is_made_of(file, members) and file["format"] == "sealpost-evidence/1" and [file["replies"]]
        if not texts or not all(is_made_of(event, of_event) for event in file["events"]):
            return None
        texts += [event["proof"] for event in file["events"]]
        return file if all(isinstance(text, str) for row in texts for text in row) else None

    def run(self, path):
        file = self.read(path)
        if file is None:
            self.find("evidence_malformed", "file")
            return 0
        try:
            key = Key(file["key"])
        except (SystemExit, ValueError):
            self.find("evidence_malformed", "key")
            return 0
        if all((key.id, key.octets) != (given.id, given.octets) for given in self.keys):
            self.find("other_key", "key")
        head = self.judge("checkpoint", file["checkpoint"].encode())
        if head is None:
            return 0
        self.proven(file, head)
        if not self.findings:
            self.story(file)
        for path in self.anchors:
            anchor = self.open(path)
            if anchor and anchor.size == head.size and anchor.root != head.root:
                self.find("forked", path)
        for witness in self.witnesses:
            if not head.cosigned(witness):
                self.find("cosignature_missing", witness.name)
        return head.size

    def proven(self, file, head):
        leaves = [event["leaf"] for event in file["events"]]
        for leaf, event in zip(leaves, file["events"]):
            body = event["body"].encode()
            proof = [strict_base64(text) for text in event["proof"]]
            fits = 0 <= leaf < head.size and all(digest is not None and len(digest) == 32 for digest in proof)
            if fits and root_by_proof(leaf, head.size, sha256(b"\x00", body), proof) == head.root:
                self.events += 1
            else:
                self.find("event_altered", f"leaf {leaf}")
            if not canonical(body):
                self.find("event_not_canonical", f"leaf {leaf}")
        if any(leaf >= following for leaf, following in zip([-1, *leaves], leaves)):
            self.find("event_misplaced", "events")

    def story(self, file):
        story = Story([Event(event["leaf"], event["body"]) for event in file["events"]], file["replies"])
        try:
            answers = story.answers(file["message"])
        except Missing as missing:
            # All else would follow from this.
            self.find("event_missing", str(missing))
            return
        for what in story.unfit:
            self.find("event_unfit", what)
        for event in story.events:
            if event.leaf not in story.taken:
                self.find("event_foreign", f"leaf {event.leaf}")
        if file["replies"] != sorted(story.heard, key=lambda reply: reply.encode("utf-16-be")):
            self.find("reply_foreign", "replies")
        if json.dumps(file["answers"]) != json.dumps(answers):
            self.find("answers_wrong", "answers")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", nargs="*")
    parser.add_argument("--evidence")
    parser.add_argument("--key", action="append", required=True)
    parser.add_argument("--anchor", action="append", default=[])
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--part", action="store_true")
    options = parser.parse_args()
    verification = Evidence(options) if options.evidence else Verification(options)
    size = verification.run(options.evidence) if options.evidence else verification.run()
    ok = not verification.findings
    json.dump({"ok": ok, "size": size, "events": verification.events, "findings": verification.findings}, sys.stdout)
    print()
    sys.exit(0 if ok else 1)


main()
