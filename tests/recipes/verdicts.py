"""What jing and mri-portal check say of the same recipes: verdicts.py JING JSON STDERR FILE...

JING is what jing printed of all files, JSON and STDERR what `mri-portal --json check` did. Prints each disagreement:
  - of form: jing refuses a file, or we do, and the other takes it (what we call a fault of meaning jing cannot see);
  - of a broken file, whose first line is <!-- line N: words -->: no message names file and line N, or a word is not in
    what is said of that line.
The last line counts: files, broken ones, disagreements."""
import json
import os
import re
import sys

jing, ours, stderr = (open(p, encoding="utf-8").read() for p in sys.argv[1:4])
files = sys.argv[4:]
refused = set(re.findall(r"^(.+?\.xml):\d+:\d+: (?:error|fatal):", jing, re.M))
refused |= {p[len(os.getcwd()) + 1:] for p in refused if p.startswith(os.getcwd() + "/")}  # jing writes whole paths
answers = {a["path"]: a for a in map(json.loads, ours.splitlines()) if a.get("type") == "check"}
broken = wrong = 0


def complain(path, what):
    global wrong
    wrong += 1
    print(f"{path}: {what}")


for path in files:
    answer = answers.get(path)
    if answer is None:
        complain(path, "not checked")
        continue
    formal = [f for f in answer["findings"] if f["pass"] == "form"]
    if not path.rsplit("/", 1)[-1].startswith(("xml-", "doctype")) and bool(formal) != (path in refused):
        complain(path, f"jing {'refuses' if path in refused else 'takes'} it, we {'do not' if not formal else formal[0]}")
    with open(path, "rb") as f:
        m = re.match(rb"<!-- line (\d+): (.*) -->", f.readline())
    if m is None:
        continue
    broken += 1
    line, words = int(m[1]), m[2].decode().split()
    said = " ".join(f["text"] + " " + f["advice"] for f in answer["findings"] if f["line"] == line)
    if answer["ok"] or f"{path}:{line}: " not in stderr:
        complain(path, f"no message names line {line}")
    for word in words:
        if word not in said:
            complain(path, f"of line {line} nothing is said of {word!r}: {said!r}")
print(f"{len(files)} files, {broken} broken, {wrong} disagreements")
