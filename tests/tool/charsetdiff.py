#!/usr/bin/python3
"""charsetdiff FOLDER...: does every text of out/1/00001.dcm say what it says in in/object.dcm? pydicom reads the
original by the sets that it declares, items by their own; of the changed object the raw bytes are taken as UTF-8.
What mri-retag names is left out, but the name: it must stand in Original Attributes. Every (0008,0005), of items too,
must be ISO_IR 192. What is no text must be the same bytes (retagdiff).
Prints a line a folder, with its texts that are beyond ASCII, and a line with ! a difference; status 1 when there is
one."""
import io
import os
import sys
import warnings

sys.dont_write_bytecode = True	# nothing is left beside the sources
import pydicom
import retagdiff
from retagdiff import BASIC

TEXT = {"SH", "LO", "ST", "PN", "LT", "UC", "UT"}


def one(value):
    return str(value) if isinstance(value, pydicom.valuerep.PersonName) else value


def old_texts(ds, path=()):
    """{path: text} of a data set that pydicom has decoded."""
    found = {}
    for e in ds:
        here = path + (int(e.tag),)
        if e.VR == "SQ":
            for n, item in enumerate(e.value):
                found.update(old_texts(item, here + (n,)))
        elif e.VR in TEXT:
            many = [] if e.value is None else e.value if e.VM > 1 else [e.value]
            found[here] = "\\".join(one(v) or "" for v in many)
    return found


def new_texts(ds, wrong, path=()):
    """The same from raw bytes."""
    found = {}
    for tag in sorted(ds.keys()):
        raw = ds.get_item(tag)
        here = path + (int(tag),)
        e = ds[tag]
        if e.VR == "SQ":
            for n, item in enumerate(e.value):
                found.update(new_texts(item, wrong, here + (n,)))
        elif int(tag) == 0x00080005 and e.value != "ISO_IR 192":
            wrong.append("(0008,0005) is %s" % e.value)
        elif e.VR in TEXT:
            try:
                found[here] = (raw.value or b"").decode("utf-8")
            except UnicodeDecodeError:
                wrong.append("a text is not UTF-8")
    return found


def pad(text):
    return text.rstrip(" \0").rstrip("=^")


def compare(one, two, wrong):
    """The texts beyond ASCII."""
    old = pydicom.dcmread(io.BytesIO(one), force=True)
    old.decode()
    old = old_texts(old)
    new = new_texts(pydicom.dcmread(io.BytesIO(two), force=True), wrong)
    seen = set()
    for path, text in old.items():
        at = path
        if path[0] in BASIC - {0x00100010}:
            continue
        if path[0] == 0x00100010:
            last = max(p[1] for p in new if p[0] == 0x04000561)
            at = (0x04000561, last, 0x04000550, 0) + path
        if at not in new or pad(new[at]) != pad(text):
            wrong.append("a text at depth %d differs" % (len(path) // 2))
        elif not text.isascii():
            seen.add(pad(text))
    return sorted(seen)


def main():
    warnings.simplefilter("ignore")
    failed = False
    for folder in sys.argv[1:]:
        wrong = []
        with open(folder + "/in/object.dcm", "rb") as f:
            one = f.read()
        with open(folder + "/out/1/00001.dcm", "rb") as f:
            two = f.read()
        texts = compare(one, two, wrong)
        wrong += retagdiff.compare(one, two, BASIC, True)
        print("\t".join([os.path.basename(folder), " ".join(texts)]))
        for line in wrong:
            print("!", line)
        failed |= bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
