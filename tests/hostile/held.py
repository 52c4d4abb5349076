"""held.py CASES RECEIPTS STDERR OUTDIR: is every case of cases.py what its table says? A line for each that is not."""
import json, os, re, sys

table = [line.rstrip('\n').split('\t') for line in open(sys.argv[1])]
reason, aside, partly, taken, objects, documents = {}, {}, set(), set(), set(), set()
for line in open(sys.argv[2]):
    r = json.loads(line)
    if r['type'] != 'receipt':
        continue
    if r['status'] == 'perm':
        reason[int(r['in'])] = r['reason']
    else:
        taken.add(int(r['in']))
for line in open(sys.argv[3], errors='replace'):
    # the first few reasons are told, and of each package how much of it
    m = re.match(r'mri-unpack: warning: package (\d+): 1 file set aside, the first is member \d+: (.*)', line)
    if m:
        aside[int(m.group(1))] = m.group(2)
    m = re.match(r'mri-unpack: warning: package (\d+): \d+ of its \d+ files were set aside', line)
    if m:
        partly.add(int(m.group(1)))
for d, _, files in os.walk(sys.argv[4]):
    for f in files:
        path = os.path.join(d, f)
        if f == 'manifest':
            for line in open(path):
                r = json.loads(line)
                if r['type'] == 'object':
                    objects.add(int(r['sop_uid'].split('.')[-1]))
        elif os.path.basename(d) == 'document':
            m = re.search(rb'case (\d+) ', open(path, 'rb').read(64))
            if m:
                documents.add(int(m.group(1)))
bad = 0
for n, name, outcomes, pattern in table:
    n, why = int(n), ''
    if n in taken:
        got = 'partial' if n in partly else 'object' if n in objects else 'document' if n in documents else 'nothing'
        why = aside.get(n, '')
    else:
        why = reason.get(n, '')
        got = 'aside' if 'set aside' in why else 'refused' if why else 'nothing'
    if got not in outcomes.split('|') or (why and not re.search(pattern, why)) or (got in ('aside',
            'refused') and not pattern):
        bad += 1
        print('%d %s: %s, not %s: %s' % (n, name, got, outcomes, why))
print('%d cases, %d not as the table says' % (len(table), bad))
