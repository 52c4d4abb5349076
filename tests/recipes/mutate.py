"""Recipes that are a little wrong, or still right: mutate.py OUT EVERY FILE...

Each element is dropped, doubled, put behind its neighbour, moved into it, renamed; each attribute dropped, renamed,
joined by another, and filled with values of other attributes. Every EVERYth of them is written
to OUT/<number>.xml: what jing and the table say about each has to be the same. The same files at every run.
"""
import copy
import sys
import xml.etree.ElementTree as ET

NS = "{urn:mri:recipe:1}"
VALUES = ["", "x", "X", "0", "1", "01", "-1", "+1", "1.5", "1,5", "yes", "no", "true", "30s", "30", "1ms", "1 h", "40GiB",
          "40GB", "404", "4xx 500", "600", "later", "login", "poll", "zip", "dlx", "text", "uid", "next", "strong",
          "a.b-c", "a_b", "9a", "jwt:exp", "required", "study", "\u00e9", "x" * 31, "x" * 32, "1" * 9, "1" * 10, " yes",
          "a\nb"]
NAMES = ["xpath", "json", "equals", "matches", "url", "id", "name", "value", "secret", "once", "min", "every", "user"]


def parents(root):
    return [(p, i, e) for p in root.iter() for i, e in enumerate(list(p))]


def mutants(root, salt):
    for k, (_, i, e) in enumerate(parents(root)):
        for how in range(6):
            r = copy.deepcopy(root)
            p, i, e = parents(r)[k]
            if how == 0:
                p.remove(e)
            elif how == 1:
                p.insert(i, copy.deepcopy(e))
            elif how == 2 and i + 1 < len(p):
                p.remove(e)
                p.insert(i + 1, e)
            elif how == 3 and i + 1 < len(p):
                p.remove(e)
                p[i].append(e)
            elif how == 4:
                others = sorted({x.tag for x in root.iter()})
                e.tag = others[(k + salt) % len(others)]
            elif how == 5:
                e.text = (e.text or "") + "text"
            else:
                continue
            yield r
    for k, e in enumerate(root.iter()):
        for m, name in enumerate(sorted(e.attrib)):
            n = k * 7 + m * 3 + salt
            for how in range(6):
                r = copy.deepcopy(root)
                a = list(r.iter())[k].attrib
                if how == 0:
                    del a[name]
                elif how == 1:
                    a[NAMES[n % len(NAMES)]] = a.pop(name)
                elif how == 2:
                    a[NAMES[(n + 5) % len(NAMES)]] = VALUES[n % len(VALUES)]
                else:
                    a[name] = VALUES[(n * 5 + how * 11) % len(VALUES)]
                yield r


def main():
    out, every, files = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    ET.register_namespace("", NS[1:-1])
    n = 0
    for salt, path in enumerate(sorted(files)):
        for r in mutants(ET.parse(path).getroot(), salt):
            n += 1
            if n % every == 0:
                ET.ElementTree(r).write(f"{out}/{n:06d}.xml", encoding="utf-8", xml_declaration=True)


main()
