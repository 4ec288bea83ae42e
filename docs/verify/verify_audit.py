"""Check an audit export of Marsad. Needs Python 3.10 or newer and nothing else.

    python verify_audit.py export.zip 0a1b2c3d4e5f6071.pub

The public key comes from whoever runs the system, by a way you trust; its id stands on every audit report. What is
hashed and signed, and why, is written in README.md beside this file.
"""

import base64
import hashlib
import json
import pathlib
import sys
import zipfile

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NAMES = {  # the order in which the values are hashed
    "payload": ["changes", "label", "reason"],
    "actor": ["userId", "userName", "userEmail", "ipAddress", "deviceId", "userAgent", "impersonatorId", "latitude",
              "longitude"],
    "meta": ["id", "organizationId", "timestamp", "action", "entityType", "entityId", "outcome", "userRole", "via",
             "requestId"],
}  # fmt: skip
SIGNED = ["organizationId", "first", "count", "head", "root", "at", "previous"]


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(p, q):  # points of edwards25519 in extended coordinates (RFC 8032, section 5.1.4)
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(s, p):
    q = (0, 1, 1, 0)
    while s:
        q, p, s = (add(q, p) if s & 1 else q), add(p, p), s >> 1
    return q


def point(raw):
    y, sign = int.from_bytes(raw, "little") & (1 << 255) - 1, raw[31] >> 7
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != xx or (x == 0 and sign):
        raise ValueError("not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key, text, signature):
    try:
        r, s = point(signature[:32]), int.from_bytes(signature[32:], "little")
        h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
        left, right = times(s, BASE), add(r, times(h, point(key)))
    except (ValueError, IndexError):
        return False
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    return len(signature) == 64 and s < L and same


def must(good, fault):
    if not good:
        raise SystemExit(f"FAULT {fault}")


def root_of(level):
    while len(level) > 1:
        pairs = [sha(b"\x02", *level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def check_entry(line, checkpoint):
    what = f"entry {line['meta']['id']} (place {line['seq']})"
    for group, salt in (("payload", "salt"), ("actor", "actorSalt")):
        if line[group] is not None:  # an erased part is known by its hash alone
            text = json.dumps([line[group][name] for name in NAMES[group]], ensure_ascii=False).encode()
            must(sha(bytes.fromhex(line[salt]), text).hex() == line[f"{group}Hash"], f"{what}: {group} altered")
    meta = json.dumps([line["meta"][name] for name in NAMES["meta"]], ensure_ascii=False).encode()
    leaf = sha(b"\x00", bytes.fromhex(line["payloadHash"]), bytes.fromhex(line["actorHash"]), meta)
    must(leaf.hex() == line["leaf"], f"{what}: time, action or record altered")
    at = leaf
    for step in line["path"]:
        beside = bytes.fromhex(step[1:])
        at = sha(b"\x02", beside, at) if step[0] == "L" else sha(b"\x02", at, beside)
    must(checkpoint and at.hex() == checkpoint["root"], f"{what}: not under its signed checkpoint")
    return leaf


def main(bundle, key_file):
    lines = pathlib.Path(key_file).read_text().splitlines()
    key = base64.b64decode("".join(line for line in lines if "-----" not in line))[-32:]
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        unsigned = {name: value for name, value in manifest.items() if name not in ("keyId", "signature")}
        text = json.dumps(unsigned, sort_keys=True, separators=(",", ":")).encode()
        must(signed_by(key, text, bytes.fromhex(manifest["signature"])), "manifest: signature wrong")
        for name, digest in manifest["files"].items():
            must(name in archive.namelist(), f"{name}: missing")
            with archive.open(name) as file:
                must(hashlib.sha256(file.read()).hexdigest() == digest, f"{name}: altered since it was exported")
        checkpoints, before = {}, None
        for made in map(json.loads, archive.read("checkpoints.jsonl").splitlines()):
            what = f"checkpoint {made['count']}"
            text = json.dumps([made[name] for name in SIGNED], separators=(",", ":")).encode()
            must(signed_by(key, text, bytes.fromhex(made["signature"])), f"{what}: signature wrong")
            linked = before is None or (made["previous"], made["first"]) == (before["signature"], before["count"] + 1)
            must(linked, f"{what}: does not follow the one before")
            checkpoints[made["count"]] = before = made
        must(before == manifest["checkpoint"], "manifest: not the newest checkpoint")
        leaves, chain, erased = [], None, 0
        with archive.open("entries.jsonl") as file:
            for line in map(json.loads, file):
                what = f"entry {line['meta']['id']} (place {line['seq']})"
                leaves.append(check_entry(line, checkpoints.get(line["checkpoint"])))
                previous = bytes.fromhex(line["previous"])
                must(not manifest["complete"] or chain in (None, previous), f"{what}: does not follow the one before")
                chain = sha(b"\x01", previous, leaves[-1])
                at_end = checkpoints[line["checkpoint"]]
                must(line["seq"] != at_end["count"] or chain.hex() == at_end["head"], f"{what}: not the signed head")
                erased += line["payload"] is None or line["actor"] is None
        must(len(leaves) == manifest["count"], f"{manifest['count']} entries announced, {len(leaves)} found")
        must(not leaves or root_of(leaves).hex() == manifest["merkleRoot"], "manifest: other entries than these")
    gaps = "without a gap" if manifest["complete"] else "chosen by filters"
    print(f"OK {len(leaves)} entries {gaps}, {erased} with erased parts, {len(checkpoints)} checkpoints signed by "
          f"{hashlib.sha256(key).hexdigest()[:16]}, head {before['head'] if before else '-'}")  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
