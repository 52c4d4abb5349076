# Every case of cases.py, at once: taken, set aside or refused as the table says, with its reason; no process dies,
# nothing is written elsewhere, little memory. What was taken goes through mri-check too.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home in
/usr/bin/python3 -B "$SRC/tests/hostile/cases.py" in >cases
ok "at least 300 cases ($(wc -l <cases))" test "$(wc -l <cases)" -ge 300
cat >run.py <<'P'
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:], stdout=open('out', 'wb'), stderr=open('err', 'wb'), stdin=subprocess.DEVNULL,
    timeout=200)
print(p.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
P
limit=262144
case $MRI_BIN in */san/*) limit=2000000 ;; esac
: >out && : >err && : >table
before=$(ls -A | sort)
# run TEXT STATUS COMMAND...
run() {
	_what=$1 _want=$2; shift 2
	set -- $(/usr/bin/python3 run.py "$@")
	is "$_what: status" "$_want" "$1"
	ok "$_what: memory ($2 KB)" test "$2" -lt $limit
	hasnt "$_what: no process died" 'signal|died|Sanitizer|internal error' err
	hasnt "$_what: no control characters" "$(printf '[\001-\010\016-\037]')" err
}
# Encrypted ones are among them: a person has to give a password.
run unpack 77 "$MRI_BIN/mri-unpack" --json -o o in/*
/usr/bin/python3 "$SRC/tests/hostile/held.py" cases out err o >held || :
sed '$!s/^/# /' held
is 'each as the table says' "$(wc -l <cases) cases, 0 not as the table says" "$(tail -n 1 held)"
is 'conservation: as many files as were taken or set aside' true \
    "$(jq -c 'select(.type == "summary").counts | .files == .objects + .documents + .duplicates + .set_aside' out)"
is 'nothing but items and the record below o' '' "$(find o -mindepth 1 |
    grep -vE '^o/(unpack$|([0-9]+|papers)(/(manifest|lock|original|document|original/[0-9]{5}|document/[0-9]{3}))?$)' || :)"
is 'nothing beside it' "$before" "$(ls -A | grep -vxE 'o|held' | sort)"
# Held, for there is no order.
run check 1 "$MRI_BIN/mri-check" --json o/1
is 'check: every object was read' '' "$(jq -r 'select(.type == "receipt" and .status == "temp").reason' out)"
# The DICOM files again as members of one archive: another way into the same walk.
(cd in && /usr/bin/python3 -c 'import sys, zipfile
with zipfile.ZipFile("../all.zip", "w", zipfile.ZIP_STORED) as z:
    for line in open("../cases"):
        n, name, outcome, why = line.rstrip("\n").split("\t")
        if name.startswith(("length-", "delimiter-", "tags-", "vr-", "cut-")):
            z.write("%03d-%s" % (int(n), name), name)')
rm -rf o
run zip 65 "$MRI_BIN/mri-unpack" --json -o o all.zip
is 'zip: as many objects as by themselves' \
    "$(awk -F'\t' '$2 ~ /^(length|delimiter|tags|vr|cut)-/ && $3 == "object"' cases | wc -l)" \
    "$(jq 'select(.type == "summary").counts.objects' out)"
done_testing
