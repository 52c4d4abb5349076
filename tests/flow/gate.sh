# The gate is in the data: what was not checked is not retagged, what was not retagged is not sent, and a check
# with another order makes both stale. One entry, three studies; papers alone; the wrong patient.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"

store=$(free_port)
mkdir stored
storescp +B -aet STORE -od stored "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
new_spool '[destination store]' "url = dicom://STORE@127.0.0.1:$store" 'verify = no' \
    '[destination his]' "url = folder:$TMPDIR/his"
person='--patient-name Muster^Eva --birth 1970-01-01 --sex F --patient-id EXT-1'
# shellcheck disable=SC2086
mkstudy --zip three.zip --studies 3 --slices 3 $person --study-date 20260901
mkstudy --pdf-only report.pdf --pdf-text Befund
order() {	# order FILE JQ: the usual one, changed by a jq expression
	jq -cn '{v:1,basis:{kind:"consent",reference:"form"},
	    patient:{id:"4711",issuer:"HOSP",name:"Muster^Eva",birth_date:"1970-01-01",sex:"F"},
	    studies:[{date:"2026-09-01",modality:"CT",accession:"A100"}],want:{studies:"all"},destinations:["store"]} | '"$2" >"$1"
}
order order.json .
order other.json '.studies[0].accession = "A200"'

import=$(mri-fetch --order order.json three.zip 2>>log)
status 'check before unpack: 1' 1 mri-check "$import"
has 'check before unpack: advice' 'mri-unpack' err
mri-unpack "$import" >items 2>>log
is 'three studies' 3 "$(wc -l <items)"
item=$import/study/1
status 'retag before check: 1' 1 mri-retag "$item"
has 'retag before check: advice' 'mri-check' err
status 'send before check: 1' 1 mri-send "$item"
has 'send before check: advice' 'mri-check' err
status 'check' 0 mri-check "$import"
status 'send before retag: 1' 1 mri-send "$item"
has 'send before retag: advice' 'mri-retag' err
status 'retag' 0 mri-retag "$import"
status 'checked again with another order' 0 mri-check --order other.json "$item"
status 'send of what was checked again: 1' 1 mri-send "$item"
has 'send of what was checked again: advice' 'mri-retag' err
is 'nothing was sent' '' "$(ls stored)"
status 'retag again' 0 mri-retag "$item"
status 'send of all three' 0 mri-send "$import"
is 'nine objects' 9 "$(ls stored | wc -l)"
for f in stored/*; do
	printf '%s %s\n' "$(dcmdump -q -s +P 0008,0020 "$f" | sed -n 's/.*\[\(.*\)\].*/\1/p')" \
	    "$(dcmdump -q -s +P 0008,0050 "$f" | sed -n 's/.*\[\(.*\)\].*/\1/p')"
done | sort | uniq -c | sed 's/^ *//; s/ *$//' >accessions
is 'one is scheduled, with the accession; two are not, without' '3 20240901
3 20250901
3 20260901 A200' "$(cat accessions)"
status 'a destination that is not the order'"'"'s: 77' 77 mri-send -d his "$item"

order papers.json '.destinations = ["his"]'
import=$(mri-fetch --order papers.json report.pdf 2>>log)
status 'papers: unpack' 0 mri-unpack "$import"
is 'papers: the item' "$import/papers" "$(cat out)"
status 'papers: check' 0 mri-check "$import"
status 'papers: retag passes them' 0 mri-retag "$import"
is 'papers: retag prints them' "$import/papers" "$(cat out)"
status 'papers: send' 0 mri-send "$import"
found=$(find his -type f -exec sh -c 'cmp -s "$1" report.pdf && echo "$1"' - {} \;)
ok 'papers: the PDF is in the folder, as it was' test -n "$found"

order wrong.json '.patient.birth_date = "1970-10-01"'
import=$(mri-fetch --order wrong.json three.zip 2>>log)
mri-unpack "$import" >items 2>>log
status 'another birth date: held' 1 mri-check "$import"
is 'another birth date: nothing passes' '' "$(cat out)"
hasnt 'another birth date: no value in the message' '1970|Muster|EXT-1' err
status 'another birth date: retag refuses' 1 mri-retag "$import/study/1"
status 'another birth date: send refuses' 1 mri-send "$import/study/1"
is 'state' 'held held held' "$(mri-show --json "${import##*/}" 2>>log | jq -r '.. | .items? // empty | .[].state' | tr '\n' ' ' | sed 's/ $//')"
status 'accepting needs a reason' 64 mri-check --accept patient "$import/study/1"
status 'accepted by somebody, with a reason' 0 mri-check --accept patient --reason 'seen the passport' "$import/study/1"
is 'only that item passes' "$import/study/1" "$(cat out)"
status 'then retag takes it' 0 mri-retag "$import/study/1"
status 'then send takes it' 0 mri-send "$import/study/1"

# shellcheck disable=SC2086
mkstudy --zip letter.zip --slices 2 --seed 8 --pdf letter.pdf $person --study-date 2026-09-01
import=$(mri-fetch --order order.json letter.zip 2>>log)
status 'a letter with it: the way' 0 sh -c 'echo "$1" | mri-unpack | mri-check | mri-retag' - "$import"
status 'a letter with it, an archive only: 1' 1 mri-send "$import"
is 'the study is printed: its objects are there' "$import/study/1" "$(cat out)"
has 'the letter is not, and that is said' 'warning: .*1 document was not sent' err
status 'fsck finds nothing wrong in that' 0 mri-spool fsck --deep -n
status 'not purged early' 1 mri-purge --confirmed "${import##*/}"

order nobasis.json 'del(.basis)'
status 'no legal basis: 77' 77 mri-fetch --order nobasis.json three.zip
done_testing
