#!/bin/sh
# mri-retag: the gate, IRWF on real bytes, no-op, plan, undo, --set, character sets, syntaxes, work without a spool.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
DIFF="/usr/bin/python3 $SRC/tests/tool/retagdiff.py"

new_spool
cat >"$TMPDIR/order.json" <<'EOF'
{"v":1,"ref":"T-9","basis":{"kind":"consent","reference":"form 9"},"patient":{"id":"L4711","issuer":"HOSP","name":"Müller^Jörg","birth_date":"1970-01-01","sex":"M"},"studies":[{"accession":"ACC1","accession_issuer":"HOSPACC","requested_procedure_id":"RP1","scheduled_step_id":"S1","description":"CT Thorax"}]}
EOF
sed 's/,"studies":.*/}/' "$TMPDIR/order.json" >"$TMPDIR/unscheduled.json"
# item ORDER mkstudy-option...: a checked item; sets I
item() {
	_o=$1; shift
	mkstudy --zip "$TMPDIR/s.zip" --slices 3 --patient-name 'Müller^Jörg' "$@"
	I=$(mri-fetch --order "$_o" "$TMPDIR/s.zip" 2>/dev/null | mri-unpack 2>/dev/null | head -1)
	rm "$TMPDIR/s.zip"
}
checked() { mri-check "$I" >/dev/null 2>&1 || { mri-check "$I"; return 1; }; }
# original N, changed N: one object as it came, as it will go out
changed() { mri-show --cat "$I/original/$1" >"$TMPDIR/changed.dcm"; }
original() { age -d -i "$TMPDIR/key" "$I/original/$1" >"$TMPDIR/original.dcm"; }
# dump FILE TAG: the value
dump() { dcmdump -q +P "$2" "$1" 2>/dev/null | head -1 | sed -n 's/^[^[]*\[\(.*\)\].*/\1/p'; }

# --- the gate
item "$TMPDIR/order.json" --seed 1 --other-ids OLD7 --group-lengths --private --sequence-undefined --issuer ELSE
status 'not checked: 1' 1 mri-retag "$I"
has 'and says what to do' 'mri-check' "$TMPDIR/err"
hasnt 'no receipt' . "$TMPDIR/out"
ok 'checked' checked
status 'checked: 0' 0 mri-retag --json "$I"
is 'receipt' "ok false 3" "$(jq -r 'select(.type=="receipt")|"\(.status) \(.again) \(.objects)"' "$TMPDIR/out")"
is 'state' retagged "$(mri-show --json "$I" | jq -r 'select(.state)|.state' | head -1)"
h=$(sha256sum <"$I/overlay")
status 'again: 0' 0 mri-retag --json "$I"
is 'a no-op' true "$(jq -r 'select(.type=="receipt")|.again' "$TMPDIR/out")"
is 'the same bytes' "$h" "$(sha256sum <"$I/overlay")"

# --- what is in it
mri-spool key "${I%/study/*}" >"$TMPDIR/key" 2>/dev/null
for n in 00001 00002 00003; do
	original $n
	changed $n
	ok "object $n: nothing but named elements changed" $DIFF "$TMPDIR/original.dcm" "$TMPDIR/changed.dcm"
	ok "dcmftest $n" dcmftest "$TMPDIR/changed.dcm" >/dev/null
	is "dcmdump $n has no complaint" '' "$(dcmdump "$TMPDIR/changed.dcm" 2>&1 >/dev/null)"
	is "UID $n" "$(dump "$TMPDIR/original.dcm" 0008,0018)" "$(dump "$TMPDIR/changed.dcm" 0008,0018)"
done
F=$TMPDIR/changed.dcm
is 'Patient ID' L4711 "$(dump "$F" 0010,0020)"
is 'issuer' HOSP "$(dump "$F" 0010,0021)"
is 'accession' ACC1 "$(dump "$F" 0008,0050)"
is 'character set stays: the name fits' 'ISO_IR 100' "$(dump "$F" 0008,0005)"
/usr/bin/python3 - "$F" >"$TMPDIR/py" <<'EOF'
import sys, pydicom
d = pydicom.dcmread(sys.argv[1])
o = d.OriginalAttributesSequence[-1]
m = o.ModifiedAttributesSequence[0]
e = d.ContributingEquipmentSequence[-1]
r = d.RequestAttributesSequence[0]
print("name", d.PatientName)
print("old", m.PatientID, m.IssuerOfPatientID, m.AccessionNumber)
print("why", o.ReasonForTheAttributeModification, o.ModifyingSystem)
print("other", [(i.PatientID, i.get("IssuerOfPatientID", "")) for i in d.OtherPatientIDsSequence])
print("equipment", e.PurposeOfReferenceCodeSequence[0].CodeValue, e.Manufacturer)
print("request", r.RequestedProcedureID, r.ScheduledProcedureStepID, r.RequestedProcedureDescription)
EOF
has 'name as pydicom reads it' '^name Müller\^Jörg$' "$TMPDIR/py"
has 'old id, issuer and accession are on record' '^old P1000 ELSE FOREIGN1$' "$TMPDIR/py"
has 'reason' '^why COERCE mri-tools$' "$TMPDIR/py"
has 'other ids: appended, none dropped' "^other .*OLD7.*'P1000', 'ELSE'" "$TMPDIR/py"
has 'equipment' '^equipment MEDIM mri-tools$' "$TMPDIR/py"
has 'request' '^request RP1 S1 CT Thorax$' "$TMPDIR/py"

# --- plan, undo, set
status 'plan of a checked item: 0' 0 mri-retag --plan "$I"
has 'tag, old, new, rule' '^ *\(0010,0020\) PatientID +"P1000" -> "L4711" +irwf$' "$TMPDIR/out"
status 'plan in JSON' 0 mri-retag --plan --json "$I"
is 'is a document' plan "$(jq -r .type "$TMPDIR/out")"
is 'and changes nothing' "$h" "$(sha256sum <"$I/overlay")"
status '--set: 0' 0 mri-retag --set 'StudyDescription=Thorax neu' --set AccessionNumber=A2 "$I"
changed 00001
is 'later wins' A2 "$(dump "$F" 0008,0050)"
original 00001
ok 'and only that is changed besides' $DIFF "$TMPDIR/original.dcm" "$F" 00081030
status 'undo: 0' 0 mri-retag --undo --json "$I"
ok 'the overlay is gone' test ! -e "$I/overlay"
is 'receipt says it was done now' false "$(jq -r 'select(.type=="receipt")|.again' "$TMPDIR/out")"
status 'undo again: 0' 0 mri-retag --undo --json "$I"
is 'a no-op' true "$(jq -r 'select(.type=="receipt")|.again' "$TMPDIR/out")"
for bad in StudyDescriptio=x SOPInstanceUID=1.2 PixelData=x StudyDate=2026-01-01 StudyID=12345678901234567 nothing; do
	status "--set $bad: 78" 78 mri-retag --set "$bad" "$I"
done
hasnt 'no object was read for it' 'original' "$TMPDIR/err"
status 'unknown keyword: 78' 78 mri-retag --set StudyDescriptio=x "$I"
has 'the nearest one is named' 'StudyDescription$' "$TMPDIR/err"
hasnt 'no patient data on stderr' 'ller|L4711|P1000|1970' "$TMPDIR/err"

# --- checked again with another order: the overlay is stale until it is made again
status 'retag' 0 mri-retag "$I"
sed 's/ACC1/ACC2/' "$TMPDIR/order.json" >"$TMPDIR/order2.json"
mri-check --order "$TMPDIR/order2.json" "$I" >/dev/null 2>&1
status 'made again after another check' 0 mri-retag --json "$I"
is 'not a no-op' false "$(jq -r 'select(.type=="receipt")|.again' "$TMPDIR/out")"
changed 00001
is 'with the new order' ACC2 "$(dump "$F" 0008,0050)"

# --- unscheduled, conversion, syntaxes
for ts in explicit implicit big deflated rle; do
	item "$TMPDIR/unscheduled.json" --seed "3$ts" --ts $ts --group-lengths
	checked
	status "$ts: 0" 0 mri-retag "$I"
	mri-spool key "${I%/study/*}" >"$TMPDIR/key" 2>/dev/null
	original 00001
	changed 00001
	ok "$ts: nothing but named elements changed" $DIFF "$TMPDIR/original.dcm" "$F"
	ok "$ts: dcmdump" dcmdump -q "$F" >/dev/null
	is "$ts: accession emptied" '' "$(dump "$F" 0008,0050)"
done
sed 's/Müller^Jörg/Müller^Jörg=Łukasz/' "$TMPDIR/order.json" >"$TMPDIR/polish.json"
item "$TMPDIR/polish.json" --seed 5
checked
status 'a name that Latin-1 can not hold: 0' 0 mri-retag --json "$I"
is 'converted' 3 "$(jq -r 'select(.type=="receipt")|.converted' "$TMPDIR/out")"
mri-spool key "${I%/study/*}" >"$TMPDIR/key" 2>/dev/null
original 00001
changed 00001
is 'to ISO_IR 192' 'ISO_IR 192' "$(dump "$F" 0008,0005)"
ok 'texts stay what they were' $DIFF --converted "$TMPDIR/original.dcm" "$F"

# --- no id: 66; papers pass
sed 's/"id":"L4711",//' "$TMPDIR/order.json" >"$TMPDIR/noid.json"
item "$TMPDIR/noid.json" --seed 6
if mri-check "$I" >/dev/null 2>&1; then
	status 'no local patient id: 66' 66 mri-retag "$I"
else
	ok 'mri-check holds an order without an id' true
fi
mkstudy --pdf-only "$TMPDIR/report.pdf" --pdf-text 'Müller Jörg 01.01.1970'
P=$(mri-fetch --order "$TMPDIR/order.json" "$TMPDIR/report.pdf" 2>/dev/null | mri-unpack 2>/dev/null)
status 'papers pass' 0 mri-retag "$P"
is 'by their path' "$P" "$(cat "$TMPDIR/out")"
status 'empty stdin: 0' 0 mri-retag
status 'a path of no spool: 66' 66 mri-retag /nonexistent
status '-o without --order: 64' 64 mri-retag -o "$TMPDIR/x" "$I"
status '--order without -o: 64' 64 mri-retag --order "$TMPDIR/order.json" "$I"

# --- without a spool
mkstudy --out "$TMPDIR/folder" --slices 3 --seed 8 --patient-name 'Müller^Jörg' --pdf report.pdf
status 'folder: 0' 0 env -u MRI_SPOOL -u MRI_CONFIG HOME="$TMPDIR" mri-retag --order "$TMPDIR/order.json" -o "$TMPDIR/out1" "$TMPDIR/folder"
is 'its path' "$TMPDIR/out1/1" "$(cat "$TMPDIR/out")"
is 'three files' 3 "$(find "$TMPDIR/out1/1" -type f | wc -l)"
is 'no leftovers' '' "$(find "$TMPDIR/out1" -name '.?*')"
i=0
for f in $(find "$TMPDIR/folder" -type f -name 'IM*' | sort); do
	i=$((i + 1))
	ok "file $i: nothing but named elements changed" $DIFF "$f" "$TMPDIR/out1/1/0000$i.dcm"
done
is 'scheduled: the only study' ACC1 "$(dump "$TMPDIR/out1/1/00001.dcm" 0008,0050)"
mkstudy --out "$TMPDIR/two" --slices 1 --studies 2 --seed 9 --patient-name 'Müller^Jörg'
status 'two studies in a folder: 1' 1 env -u MRI_SPOOL -u MRI_CONFIG HOME="$TMPDIR" mri-retag --order "$TMPDIR/order.json" -o "$TMPDIR/out2" "$TMPDIR/two"
is 'nothing written' '' "$(ls "$TMPDIR/out2")"
done_testing
