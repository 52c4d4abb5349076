# Third-party archives and DICOM files: taken or set aside, all that dcmdump reads is read; the series are whole.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home
: "${CORPUS:?}"
cat >run.py <<'P'
# Every file through mri-unpack by itself: "status KB answer path". One process, for there are a thousand.
import os, shutil, subprocess, sys
for line in sys.stdin:
    path = line.rstrip('\n')
    shutil.rmtree('o', ignore_errors=True)
    p = subprocess.Popen([sys.argv[1], '-o', 'o', path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = p.stderr.read().decode('utf-8', 'replace')
    _, status, use = os.wait4(p.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    stray = [f for d, _, fs in os.walk('o') for f in fs if f not in ('manifest', 'lock') and not f.isdigit()]
    died = 'signal' in said or 'died' in said
    objects = len(os.listdir('o/1/original')) if os.path.isdir('o/1/original') else 0
    good = code in (0, 65) and not stray and not died and use.ru_maxrss < int(sys.argv[2])
    print('good' if good else 'BAD', code, use.ru_maxrss, objects, path, flush=True)
P
limit=262144
case $MRI_BIN in */san/*) limit=2000000 ;; esac
find "$CORPUS/archives" "$CORPUS/dicom" -type f | sort >list
python3 run.py "$MRI_BIN/mri-unpack" $limit <list >result
grep BAD result | sed 's/^/# /' || :
is "$(wc -l <list) files: taken or set aside, no signal, little memory" 0 "$(grep -c BAD result || :)"

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
