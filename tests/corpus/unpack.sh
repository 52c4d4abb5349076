# Third-party archives and DICOM files: taken or set aside, all that dcmdump reads is read; the series are whole.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home
: "${CORPUS:?}"
cat >run.py <<'P'
# Every file through mri-unpack by itself, in one process, for there are hundreds. To stdout, by tabs: path, status,
# objects/documents/duplicates/set aside, what was said. To the file `bad`: who broke a rule.
import json, os, re, shutil, subprocess, sys
program, limit, corpus = sys.argv[1], int(sys.argv[2]), sys.argv[3]
bad = open('bad', 'w')
for line in sys.stdin:
    path = line.rstrip('\n')
    shutil.rmtree('o', ignore_errors=True)
    with open('said', 'w+') as err:
        p = subprocess.Popen([program, '--json', '-v', '-o', 'o', path], stdout=subprocess.PIPE, stderr=err)
        out = p.stdout.read().decode().splitlines()
        _, status, use = os.wait4(p.pid, 0)
        err.seek(0)
        said = err.read()
    code = os.waitstatus_to_exitcode(status)
    stray = [f for d, _, fs in os.walk('o') for f in fs if f not in ('manifest', 'unpack', 'lock') and not f.isdigit()]
    if code not in (0, 65, 77) or stray or 'signal' in said or 'died' in said or use.ru_maxrss >= limit:
        print(path, code, '%d KB' % use.ru_maxrss, stray, said[:200], file=bad)
    n = json.loads(out[-1])['counts']
    reasons = {}
    for text in said.splitlines():
        text = text.replace('mri-unpack: ', '', 1).replace(path + ': ', '', 1)
        text = re.sub(r'^package \d+, member \d+ was set aside: ', '', text)
        if not re.match(r'warning: package \d+: \d+ files? set aside', text):
            reasons[text] = reasons.get(text, 0) + 1
    print(path[len(corpus) + 1:], code, '%d/%d/%d/%d' % (n['objects'], n['documents'], n['duplicates'], n['set_aside']),
          '; '.join(t if c == 1 else '%d times: %s' % (c, t) for t, c in reasons.items()), sep='\t', flush=True)
P
limit=262144
case $MRI_BIN in */san/*) limit=2000000 ;; esac
find "$CORPUS/archives" "$CORPUS/dicom" -type f | sort >list
python3 run.py "$MRI_BIN/mri-unpack" $limit "$CORPUS" <list >verdicts
sed 's/^/# /' bad
is "$(wc -l <list) files: taken or set aside, no signal, little memory" 0 "$(wc -l <bad)"
# Somebody has looked at each line of that table; a line that changes is looked at again.
diff "$SRC/tests/corpus/verdicts.tsv" verdicts >differ || :
sed 's/^/# /' differ
is 'each of them as it was judged before' 0 "$(grep -c '^[<>]' differ || :)"

# What dcmdump reads, the walk reads. One file that it reads is refused here on purpose: the items of
# DICOMDIR-nooffset are longer than what is left of their sequence.
find "$CORPUS/dicom" "$CORPUS/series" -type f | sort >all
while IFS= read -r f; do if dcmdump -q "$f" >/dev/null 2>&1; then printf '%s\n' "$f"; fi; done <all >readable
"$MRI_TOOL/walkinfo" <readable >walked
grep '^FAIL' walked | sed 's/^/# /' || :
is "$(wc -l <readable) files that dcmdump reads: all but one" 1 "$(grep -c '^FAIL' walked || :)"

for d in "$CORPUS"/series/*; do
	rm -rf o
	"$MRI_BIN/mri-unpack" --json -o o "$d" >out 2>/dev/null || :
	find "$d" -type f >files
	is "series $(basename "$d"): all objects" "$(grep -cFxf files readable || :)" \
	    "$(jq -r 'select(.type=="summary").counts | .objects + .duplicates' out)"
done
done_testing
