#!/bin/sh
# mri-check: verdicts, exit status, acceptance, the order it completes, what it never says.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
HOME=$TMPDIR; MRI_SPOOL=$TMPDIR/spool
export HOME MRI_SPOOL
PATH=$MRI_BIN:$MRI_TOOL:$PATH

order() { # FILE REF BIRTH [more members]
	printf '{"v":1,"ref":"%s","basis":{"kind":"consent","reference":"form 7"},"patient":{"id":"4711","issuer":"HOSP",' "$2" >"$1"
	printf '"name":"Müller^Jörg","birth_date":"%s","sex":"M"}%s}\n' "$3" "${4:-}" >>"$1"
}
# bring NAME ORDER mkstudy-options...: an import of the spool, unpacked; its item 1 in NAME.item
bring() {
	_n=$1 _o=$2; shift 2
	mkstudy --zip "$_n.zip" --patient-name 'Müller^Jörg' --birth 1970-02-01 "$@"
	mri-fetch --order "$_o" "$_n.zip" >"$_n.import"
	mri-unpack <"$_n.import" >"$_n.items" 2>/dev/null || :
	head -1 "$_n.items" >"$_n.item"
}
sums() { cat "$(cat "$1.item")/order" "$(cat "$1.item")/check" | sha256sum; }
silent() { # no patient string in what a program said or wrote in clear
	hasnt "$1" 'ller|J.rg|Joerg|1970-?0[12]|P1000|4711|FREMD|Fremd|F9999' "$2"
}
rule() { jq -r --arg r "$2" 'select(.type=="receipt").findings[]|select(.rule==$r)|"\(.verdict) \(.severity)"' "$1"; }

mri-spool init --organisation Test "$MRI_SPOOL" >/dev/null 2>&1
order good.json T1 1970-02-01 ',"studies":[{"modality":"CT","date":"2026-09-01","accession":"A1"}],"want":{"studies":"all"}'
order swapped.json T2 1970-01-02

# A study that is what was asked for
bring a good.json --slices 6 --seed 1
status "a good study passes" 0 mri-check "$(cat a.item)"
is "its path is the receipt" "$(cat a.item)" "$(cat out)"
has "what nobody claimed is said" 'warning: .*complete: nobody said' err
silent "messages name no patient" err
first=$(sums a)
status "the same check again" 0 mri-check --json "$(cat a.item)"
is "it is said to be done before" true "$(jq 'select(.type=="receipt").again' out)"
is "it rewrites nothing" "$first" "$(sums a)"
is "one line of history" 1 "$(grep -c '"stage":"check"' "$(cat a.import)/history")"
is "it is scheduled" true "$(jq 'select(.type=="receipt").scheduled' out)"
is "every file of the check is sealed" 2 "$(head -qc 21 "$(cat a.item)/order" "$(cat a.item)/check" | grep -ao age-encryption.org/v1 | wc -l)"

# The wrong patient
bring b swapped.json --slices 6 --seed 2
status "another birth date holds" 1 mri-check "$(cat b.item)"
is "nothing on stdout" "" "$(cat out)"
has "and is named" 'held: patient: mismatch: birth date differs: day and month swapped' err
silent "without a value" err
silent "nor in the history" "$(cat b.import)/history"
has "history has the rule" '"outcome":"held","reason":"held: patient"' "$(cat b.import)/history"
status "retag refuses it" 1 mri-retag "$(cat b.item)"
status "--findings shows both sides" 0 mri-show --findings --json "$(cat b.item)"
has "for those who may see them" '"found":"19700201"' out
status "held in JSON too" 1 mri-check --json "$(cat b.item)"
is "as a perm receipt" perm "$(jq -r 'select(.type=="receipt").status' out)"
silent "without detail" out

# Acceptance
status "--accept needs a reason" 64 mri-check --accept patient "$(cat b.item)"
status "--accept of no rule" 64 mri-check --accept all --reason x "$(cat b.item)"
status "accepted it passes" 0 mri-check --accept patient --reason 'passport seen' "$(cat b.item)"
has "the audit log has it" '"what":"accept".*"why":"passport seen"' "$MRI_SPOOL/audit/log"
status "it holds for the next check" 0 mri-check --json "$(cat b.item)"
is "which is the same" true "$(jq 'select(.type=="receipt").again' out)"
order other.json T2 1970-01-03
status "not for another order" 1 mri-check --order other.json "$(cat b.item)"
order right.json T2 1970-02-01
status "--order completes the order" 0 mri-check --order right.json "$(cat b.item)"
status "and stays" 0 mri-check "$(cat b.item)"

# A check is bound to its order: retag refuses what was checked for another one since
status "retag takes a passed item" 0 mri-retag "$(cat a.item)"
order more.json X 1970-02-01 ',"studies":[{"modality":"CT","accession":"A2"}]'
status "another order, another check" 0 mri-check --json --order more.json "$(cat a.item)"
is "not the same as before" false "$(jq 'select(.type=="receipt").again' out)"
is "ref stays" T1 "$(jq -r 'select(.type=="receipt").ref' out)"
status "the overlay is stale" 1 mri-send -d "folder:$TMPDIR/sent" "$(cat a.item)"

# Broken, foreign, doubled
bring c good.json --slices 8 --seed 3 --cut 2 --stranger 4 --drop 6
status "a cut object and a stranger" 1 mri-check --json "$(cat c.item)"
is "readable" "finding error" "$(rule out readable)"
is "one patient" "finding error" "$(rule out one_patient)"
is "patient" "finding error" "$(rule out patient)"
has "a gap is a hint" 'instance numbers are missing' out
status "each has to be accepted" 1 mri-check --accept patient --accept one_patient --reason r "$(cat c.item)"
status "all are" 0 mri-check --accept readable --reason r "$(cat c.item)"
status "and stay accepted" 0 mri-check "$(cat c.item)"
bring d good.json --slices 3 --seed 4 --charset lie
status "bytes that contradict the character set" 1 mri-check --json "$(cat d.item)"
is "consistent" "finding error" "$(rule out consistent)"

# Spellings
bring e good.json --slices 2 --seed 5
status "no umlauts, other case" 0 mri-check --json "$(cat e.item)"
is "nothing to say about the patient" "" "$(rule out patient)"
order muller.json T5 1970-02-01
sed -i 's/Müller^Jörg/MULLER^JORG/' muller.json
bring f muller.json --slices 2 --seed 6
status "a bare umlaut is likely" 0 mri-check --json "$(cat f.item)"
is "a warning" "finding warning" "$(rule out patient)"

# Three studies, one entry; papers
bring g good.json --slices 2 --studies 3 --seed 7 --pdf report.pdf
status "an import with three studies and papers" 0 mri-check --json "$(cat g.import)"
is "one is scheduled" 1 "$(jq 'select(.type=="receipt" and .scheduled).path' out | wc -l)"
is "four items" 4 "$(jq 'select(.type=="receipt").path' out | wc -l)"
order two.json T8 1970-02-01 ',"studies":[{"modality":"CT","accession":"A9"}],"want":{"studies":"all"}'
bring h two.json --slices 2 --studies 2 --seed 8
status "an entry that fits two" 1 mri-check --json "$(cat h.import)"
is "one_order holds both" 2 "$(rule out one_order | grep -c 'finding error')"

two=$(cat h.import)
uid() { mri-show --raw manifest "$1" 2>/dev/null | jq -r 'select(.study_uid).study_uid' | head -n 1; }
order one.json T8 1970-02-01 ",\"studies\":[{\"study_uid\":\"$(uid "$two/study/1")\",\"accession\":\"A9\"}]"
order two.json T8 1970-02-01 ",\"studies\":[{\"study_uid\":\"$(uid "$two/study/2")\",\"accession\":\"A9\"}]"
sed -i 's/,"want":{[^}]*}//' one.json two.json
status "an order of its own for one" 0 mri-check --order one.json "$two/study/1"
status "the same accession for the other" 1 mri-check --json --order two.json "$two/study/2"
has "is seen" 'another study of this import has this accession number' out

# Every transfer syntax is read
n=9
for ts in implicit big deflated rle; do
	n=$((n + 1))
	bring "t$ts" good.json --slices 2 --frames 2 --seed $n --ts $ts --sequence-undefined --private --group-lengths
	status "$ts passes" 0 mri-check "$(cat t$ts.item)"
done

# -n
bring i good.json --slices 2 --seed 20
status "-n prints" 0 mri-check -n "$(cat i.item)"
has "the rules" '^  patient +pass' out
ok "and writes nothing" not test -e "$(cat i.item)/check"
status "-n --json" 0 mri-check -n --json "$(cat i.item)"
is "the check as it would be" pass "$(jq -r 'select(.type=="check").verdict' out)"

# No basis, no patient
printf '{"patient":{"name":"Müller^Jörg","birth_date":"1970-02-01"},"basis":{"kind":"consent","reference":"r"}}' >nopid.json
status "a destination that is none" 1 mri-check --dest nowhere "$(cat i.item)"
has "permitted says so" 'permitted: a destination that is asked for is not configured' err

# A configuration makes findings stricter, none weaker
printf '[check]\ncomplete.unclaimed = error\n' >strict.conf
status "a warning that is to hold" 1 mri-check -c strict.conf -n "$(cat i.item)"
has "holds" '^  complete +unknown +error' out
status "without it, it is a warning" 0 mri-check -n "$(cat i.item)"
printf '[check]\npatient.mismatch = warning\n' >weak.conf
status "an error cannot become a warning" 78 mri-check -c weak.conf -n "$(cat i.item)"
has "line and reason" 'weak.conf:2: .*patient.mismatch: is an error by itself' err
mandoc -Tascii "$SRC/man/mri-check.1" | sed 's/.\x08//g' >manual
sed -n 's/^.*\[POINT_.*{ CHECK_\([A-Z_]*\), CHECK_\([A-Z]*\), .*"\(.*\)" }.*/\1.\3 +\2/p' "$SRC/lib/check/points.c" |
	tr A-Z a-z >points
ok "there are findings" test "$(wc -l <points)" -gt 30
while read -r point; do grep -qE "^ +$point " manual || echo "$point"; done <points >unnamed
is "the manual has each finding with its severity" '' "$(cat unnamed)"

# Pipes, absent things
mkstudy --zip j.zip --slices 2 --seed 21
mri-fetch --order good.json j.zip >j.import
status "not unpacked" 1 mri-check "$(cat j.import)"
has "and what to do" 'mri-unpack' err
status "an absent one" 66 mri-check "$TMPDIR/nothing"
printf '%s\n' "$(cat a.item)" "$(cat b.item)" >two
ok "items come from stdin" sh -c 'mri-check <two >out 2>err'
is "and go on to stdout" "$(cat two)" "$(cat out)"
ok "no stdin, no work" sh -c 'mri-check </dev/null >out 2>err'
{ cat i.item; cat d.item; } >mixed
_s=0; mri-check <mixed >out 2>err || _s=$?
is "one held item makes it 1" 1 "$_s"
is "the other passes all the same" "$(cat i.item)" "$(cat out)"

# A study of the portal's list whose package gave only a document; the package itself is gone by then
printf '[spool]\nencrypt = no\n' >plain.conf
mri-spool --config plain.conf init --organisation Test plain >/dev/null 2>&1
mkstudy --zip k.zip --slices 2 --studies 2 --patient-name 'Müller^Jörg' --birth 1970-02-01 --seed 40
mkstudy --pdf-only k.pdf
MRI_SPOOL=$TMPDIR/plain
k=$(mri-fetch --config plain.conf --order good.json k.zip 2>/dev/null)
cp k.pdf "$k/package/002"
printf '%s\n' '{"v":1,"package":2,"source":"dlx","kind":"study","media":"application/pdf",'\
	'"studies":[{"study_uid":"1.2.3.9","instances":5}],"plausible":true}' >"$k/claim/002"
status "a report in place of a study unpacks" 0 mri-unpack --config plain.conf "$k"
is "two studies and papers" 3 "$(wc -l <out)"
ok "no package stays" test -z "$(ls "$k/package")"
status "the study that did not come is missed" 1 mri-check --config plain.conf --json "$k"
is "in each item that has objects" 2 "$(rule out complete | grep -c 'finding error')"
has "by its number only" '1 studies of the portal.s list did not come' out
hasnt "without its UID" '1\.2\.3\.9' out

# Papers: what the text of a PDF says. The portal's list says nothing of a local file
says() {	# says NAME TEXT: what the rule patient finds in papers with this text
	mkstudy --pdf-only "$1.pdf" --pdf-text "$2"
	mri-fetch --config plain.conf --order good.json "$1.pdf" 2>/dev/null | mri-unpack --config plain.conf >"$1.items" 2>/dev/null || :
	mri-check --config plain.conf --json <"$1.items" >out 2>err || :
	echo "$(jq -r 'select(.type=="receipt")|.path|sub(".*/";"")' out) $(rule out patient)"
}
is "a letter that names name and birth date" "papers " "$(says agrees 'Herr Jörg Müller, geboren am 1. Februar 1970')"
is "one that names another birth date" "papers finding error" "$(says other 'Herr Jörg Müller, geb. 02.01.1970')"
has "says which, and no value" 'document 1 says another birth date than the order.s' err
silent "to nobody" err
is "one that says nothing" "papers unknown warning" "$(says silent 'Befund: unauffaellig')"
# A document that came with the objects, and has a field for the birth date
cda() { printf '<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><patient><name><given>J\303\266rg</given>'
	printf '<family>M\303\274ller</family></name><birthTime value="%s"/></patient></patientRole></recordTarget>' "$1"
	printf '</ClinicalDocument>'; }
for birth in 19700201 19800605; do
	mkstudy --zip "cda$birth.zip" --slices 1 --patient-name 'Müller^Jörg' --birth 1970-02-01 --seed 44
	cda $birth >report.xml && zip -q "cda$birth.zip" report.xml
	mri-fetch --config plain.conf --order good.json "cda$birth.zip" 2>/dev/null |
		mri-unpack --config plain.conf >"cda$birth.items" 2>/dev/null
	mri-check --config plain.conf --json <"cda$birth.items" >out 2>err || :
	is "a CDA of a study, born $birth" "$([ $birth = 19700201 ] || echo 'finding error')" "$(rule out patient)"
done
has "the other one holds its study" 'document 1 says another birth date than the order.s' err
k=$(mri-fetch --config plain.conf --order good.json k.pdf 2>/dev/null)
chmod u+w "$k/claim/001"
printf '%s\n' '{"v":1,"package":1,"source":"dlx","kind":"study","media":"application/pdf",'\
	'"studies":[{"study_uid":"1.2.3.9","modality":"CT"}],"patient_name":"Müller^Jörg",'\
	'"patient_birth":"19700201","plausible":true}' >"$k/claim/001"
status "only a report, where a study was promised" 0 mri-unpack --config plain.conf "$k"
status "is not complete" 1 mri-check --config plain.conf "$k"
has "with the reason" "complete: 1 studies of the portal's list came without an image" err

# Without a spool
unset MRI_SPOOL
mkstudy --out loose --slices 4 --studies 2 --patient-name 'Müller^Jörg' --birth 1970-02-01 --junk --pdf report.pdf --seed 30
status "a folder only prints" 0 mri-check --order good.json loose
is "a line for each study" 2 "$(grep -c '^loose ' out)"
status "in JSON" 0 mri-check --json --order good.json loose
is "two checks" 2 "$(jq -r 'select(.type=="check").verdict' out | grep -c pass)"
status "a wrong patient there" 1 mri-check --order swapped.json loose
silent "prints no patient" out
status "nothing can be accepted there" 64 mri-check --order swapped.json --accept patient --reason r loose
mkstudy --out twice --slices 3 --duplicate 2 --patient-name 'Müller^Jörg' --birth 1970-02-01 --seed 31
status "the same file twice is a warning" 0 mri-check --order good.json twice
has "consistent says so" 'consistent +finding +warning +1 objects are there twice' out
mkstudy --out conflict --slices 3 --conflict 2 --patient-name 'Müller^Jörg' --birth 1970-02-01 --seed 32
status "the same UID with other bytes is a conflict" 1 mri-check --order good.json conflict
has "consistent says that too" 'consistent +finding +error +1 objects have the SOP Instance UID' out
mkdir empty
status "no DICOM at all" 65 mri-check --order good.json empty
status "an order with a wrong key" 65 sh -c 'echo "{\"pateint\":{}}" >bad.json; exec mri-check --order bad.json loose'
has "names the nearest" 'patient' err
mri-unpack -o taken j.zip >/dev/null 2>&1
status "what mri-unpack -o made" 1 mri-check --order good.json taken
has "is judged by its manifest" '^taken/1: held' out
chmod u+w taken/1/manifest
sed -i '1s/"study_uid":"[0-9]/&0/; 1s/"partial":false/"partial":true/' taken/1/manifest
mri-check --order good.json taken >out 2>err || :
has "an object of another study than its item's holds" 'consistent +finding +error +Study Instance UID of another study in 2 of 2' out
has "so does a verdict of unpack that something is missing" 'complete +finding +error +partial: something of its packages' out
done_testing
