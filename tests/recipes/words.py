"""The attributes of each element, with what they may hold: are they the same in schema and table? words.py RNG TABLE.

Mutants cannot tell: a word that only one of the two knows stands in no recipe. Prints the differences, then a count."""
import re
import sys
import xml.etree.ElementTree as ET

R = "{http://relaxng.org/ns/structure/1.0}"


def schema(path):
    found = {}
    for e in ET.parse(path).getroot().iter(R + "element"):
        for a in e.iter(R + "attribute"):
            words = sorted(v.text for v in a.iter(R + "value"))
            found[e.get("name"), a.get("name")] = " ".join(words) or a.find(R + "ref").get("name")[2:]
    return found


def table(path):
    text = open(path).read()
    codes = "".join(re.findall(r'"([^"]*)"', re.search(r"#define CODES(.*?)\n\n", text, re.S)[1]))
    found = {}
    for element, body in re.findall(r'\[RT_[A-Z_]+\] = \{ "([a-z-]+)", (.*?)\},?\n(?=\t\[RT_|\};)', text, re.S):
        for name, words in re.findall(r'(?:NEED|MAY|EITHER)_WORD\("([^"]+)", (CODES|"[^"]*")\)', body):
            found[element, name] = " ".join(sorted((codes if words == "CODES" else words.strip('"')).split()))
        for name, kind in re.findall(r'(?:(?:NEED|MAY|EITHER)\(|\.name = )"([^"]+)", (?:\.value = )?RV_(\w+)', body):
            found[element, name] = kind.lower()
    return found


a, b = schema(sys.argv[1]), table(sys.argv[2])
for key in sorted(a.keys() | b.keys()):
    if a.get(key) != b.get(key):
        print(f"<{key[0]}> {key[1]}: the schema has {a.get(key)!r}, the table {b.get(key)!r}")
print(f"{len(a)} and {len(b)} attributes")
