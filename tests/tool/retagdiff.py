#!/usr/bin/python3
"""retagdiff ORIGINAL CHANGED [NAMED-TAG...]: is every top-level element that is not named byte-identical?

Splits both data sets by a parser of its own (no code shared with lib/dicom). Named tags are hex (00100010).
--converted: the character set was converted; texts are compared as pydicom decodes them.
Prints a line a difference; status 1 when there is one."""
import io
import struct
import sys
import warnings
import zlib

import pydicom

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL",
         b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
BASIC = {0x00080005, 0x00080015, 0x00080050, 0x00080051, 0x00081032, 0x00081110, 0x00100010, 0x00100020, 0x00100021,
         0x00100024, 0x00100030, 0x00100040, 0x00101002, 0x0018a001, 0x00380010, 0x00380014, 0x00400275, 0x04000561,
         0xfffafffa}


def header(b, at, explicit, end):
    tag = struct.unpack_from(end + "HH", b, at)
    tag = tag[0] << 16 | tag[1]
    if not explicit or tag >> 16 == 0xfffe:
        return tag, b"", struct.unpack_from(end + "I", b, at + 4)[0], at + 8
    vr = b[at + 4:at + 6]
    if vr in LONG or (vr not in SHORT and vr.isalpha() and vr.isupper()):
        return tag, vr, struct.unpack_from(end + "I", b, at + 8)[0], at + 12
    return tag, vr, struct.unpack_from(end + "H", b, at + 6)[0], at + 8


def skip_undefined(b, at, explicit, end):
    """Past the sequence delimiter of a value that begins at `at`."""
    while True:
        tag, _, length, at = header(b, at, explicit, end)
        if tag == 0xfffee0dd:
            return at
        if length != 0xffffffff:
            at += length
            continue
        while True:
            tag, vr, length, value = header(b, at, explicit, end)
            if tag == 0xfffee00d:
                at = value
                break
            at = skip_undefined(b, value, explicit and vr != b"UN", end) if length == 0xffffffff else value + length


def split(data):
    """(head bytes, {tag: bytes}, transfer syntax)"""
    at, ts = 0, "1.2.840.10008.1.2"
    explicit, end = False, "<"
    if data[128:134] == b"DICM\x02\0":
        at = 132
    known = None
    while at + 8 <= len(data) and data[at:at + 2] == b"\x02\x00":
        tag, _, length, value = header(data, at, True, "<")
        if tag == 0x00020010:
            known = data[value:value + length].rstrip(b"\0 ").decode()
        at = value + length
    head, rest = data[:at], data[at:]
    if known:
        ts = known
    if ts in ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"):
        rest = zlib.decompressobj(-15).decompress(rest)
    explicit, end = ts != "1.2.840.10008.1.2", ">" if ts == "1.2.840.10008.1.2.2" else "<"
    if rest[4:6] in LONG | SHORT and known is None:
        explicit, end = True, ">" if rest[0] == 0 else "<"
    if known and explicit and rest[4:6] not in LONG | SHORT:
        explicit = False
    elements, at = [], 0
    while at + 8 <= len(rest):
        if not any(rest[at:]):
            break
        tag, vr, length, value = header(rest, at, explicit, end)
        stop = skip_undefined(rest, value, explicit and vr != b"UN", end) if length == 0xffffffff else value + length
        elements.append((tag, rest[at:stop]))
        at = stop
    return head, elements, end, rest[at:]


def text_of(ds, tag):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        def plain(e):
            if e.VR == "SQ":
                return [[(x.tag, plain(x)) for x in item if x.tag.element != 0 and x.tag != 0x00080005] for item in e.value]
            return e.value if not isinstance(e.value, (str, pydicom.valuerep.PersonName)) else str(e.value).rstrip()
        ds.decode()
        return plain(ds[tag])


def compare(one, two, named, converted):
    found = []
    a, ea, end, taila = split(one)
    b, eb, _, tailb = split(two)
    preamble = a[128:132] == b"DICM"
    if a[128:] != b[128:] if preamble else a != b:
        found.append("meta header differs")
    if preamble and b[:128] not in (a[:128], b"\0" * 128):
        found.append("preamble is neither old nor zero")
    if taila != tailb:
        found.append("bytes after the data set differ")
    da, db = dict(ea), dict(eb)
    if [t for t, _ in ea] == sorted(da) and [t for t, _ in eb] != sorted(db):
        found.append("elements out of order")
    groups = {t >> 16 for t in named}
    dsa = dsb = None
    for tag in sorted(set(da) | set(db)):
        if tag in named or (tag & 0xffff == 0 and (tag >> 16 in groups or converted)):
            continue
        if da.get(tag) == db.get(tag):
            continue
        if converted and tag in da and tag in db:
            if dsa is None:
                dsa = pydicom.dcmread(io.BytesIO(one), force=True)
                dsb = pydicom.dcmread(io.BytesIO(two), force=True)
            if text_of(dsa, tag) == text_of(dsb, tag):
                continue
        found.append("(%04x,%04x) differs" % (tag >> 16, tag & 0xffff))
    for tag, raw in eb:
        if tag & 0xffff == 0 and (tag >> 16 in groups or converted):
            length = sum(len(r) for t, r in eb if t >> 16 == tag >> 16 and t != tag)
            if struct.unpack(end + "I", raw[-4:])[0] != length:
                found.append("group length %04x is wrong" % (tag >> 16))
    return found


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    one, two = (open(p, "rb").read() for p in args[:2])
    named = BASIC | {int(t, 16) for t in args[2:]}
    found = compare(one, two, named, "--converted" in sys.argv)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
