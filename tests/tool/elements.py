#!/usr/bin/env python3
"""The elements of DICOM files, byte by byte, by a reader that shares nothing with ours.

    elements.py --pixels PATH...       "UID sha256" of the value of (7FE0,0010), a line a file, sorted
    elements.py --same A B TAG...      pairs the files below A and B by SOP Instance UID; every top-level element
                                       but TAGs (gggg,eeee; group lengths of their groups too) must have the same
                                       bytes. Prints those that differ, and at the end "N compared, N differ".

Explicit and implicit little endian, explicit big endian, deflated; fragments are compared with their items.
Files that are no DICOM, and DICOMDIR, are passed over.
"""
import hashlib, os, struct, sys, zlib

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}


def elements(data, pos, end, explicit, little):
    order = "<" if little else ">"
    while pos < end:
        begin = pos
        group, element = struct.unpack_from(order + "HH", data, pos)
        vr = None
        if explicit and group != 0xFFFE:
            vr = data[pos + 4:pos + 6]
            if vr in LONG:
                length, pos = struct.unpack_from(order + "I", data, pos + 8)[0], pos + 12
            else:
                length, pos = struct.unpack_from(order + "H", data, pos + 6)[0], pos + 8
        else:
            length, pos = struct.unpack_from(order + "I", data, pos + 4)[0], pos + 8
        value = pos
        if length == 0xFFFFFFFF:
            pos = undefined(data, pos, end, explicit and vr != b"UN", little, (group, element) == (0x7FE0, 0x0010))
        else:
            pos += length
        yield (group, element), data[begin:pos], data[value:pos]


def undefined(data, pos, end, explicit, little, fragments):
    order = "<" if little else ">"
    while pos < end:
        group, element, length = struct.unpack_from(order + "HHI", data, pos)
        pos += 8
        if (group, element) == (0xFFFE, 0xE0DD):
            return pos
        if length != 0xFFFFFFFF:
            pos += length
            continue
        while struct.unpack_from(order + "HH", data, pos) != (0xFFFE, 0xE00D):
            for _, raw, _ in elements(data, pos, end, explicit, little):
                pos += len(raw)
                break
        pos += 8
    raise SystemExit("a sequence does not end")


def parse(name):
    with open(name, "rb") as f:
        data = f.read()
    if data[128:132] != b"DICM":
        if data[:2] != b"\x08\0":
            return None
        return dict((t, (raw, value)) for t, raw, value in elements(data, 0, len(data), False, True))
    meta_end = 132 + 12 + struct.unpack_from("<I", data, 140)[0]
    meta = dict((t, value) for t, _, value in elements(data, 132, meta_end, True, True))
    syntax = meta[(2, 0x10)].rstrip(b"\0 ").decode()
    body = data[meta_end:]
    if syntax == "1.2.840.10008.1.2.1.99":
        body = zlib.decompressobj(-15).decompress(body)
    return dict((t, (raw, value)) for t, raw, value in
                elements(body, 0, len(body), syntax != "1.2.840.10008.1.2", syntax != "1.2.840.10008.1.2.2"))


def objects(*paths):
    """SOP Instance UID and elements of each file"""
    names = []
    for path in paths:
        names += [path] if os.path.isfile(path) else [os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs]
    for name in sorted(names):
        found = parse(name)
        if found and (8, 0x18) in found:
            yield found[(8, 0x18)][1].rstrip(b"\0 ").decode(), found


def main(args):
    if args[:1] == ["--pixels"]:
        for uid, found in sorted((u, f.get((0x7FE0, 0x0010), (b"", b""))[1]) for u, f in objects(*args[1:])):
            print(uid, hashlib.sha256(found).hexdigest())
        return 0
    if args[:1] != ["--same"] or len(args) < 3:
        raise SystemExit(__doc__)
    named = set(tuple(int(x, 16) for x in t.split(",")) for t in args[3:])
    named |= set((g, 0) for g, _ in named)
    after = dict(objects(args[2]))
    compared = differ = 0
    for uid, a in objects(args[1]):
        b = after.get(uid)
        compared += 1
        if b is None:
            print("absent")
            differ += 1
            continue
        bad = sorted(t for t in set(a) | set(b) if t not in named and a.get(t, (0,))[0] != b.get(t, (0,))[0])
        differ += bool(bad)
        for t in bad:
            print("(%04x,%04x)" % t)
    print("%d compared, %d differ" % (compared, differ))
    return 1 if differ or not compared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
