#!/bin/sh
# mri-send: the gate, statuses, resume, read-back, folders, destinations; the receiver follows a script.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"

# receiver_start ARG...: sets PORT, R (its pid), URL; its log is $TMPDIR/log
receiver_start() {
	rm -f "$TMPDIR/port" "$TMPDIR/log"
	receiver -P "$TMPDIR/port" -l "$TMPDIR/log" "$@" &
	R=$!
	_pids="$_pids $R"
	wait_for 10 test -s "$TMPDIR/port"
	PORT=$(cat "$TMPDIR/port")
	URL=dicom://ANY@127.0.0.1:$PORT
	: >>"$TMPDIR/log"
}
receiver_stop() { kill "$R"; wait "$R" 2>/dev/null || :; }
stores() { grep -c '^store ' "$TMPDIR/log" || :; }
sum() { jq -r "select(.type==\"summary\")|.counts.$1" "$TMPDIR/out"; }
# send CODE ARG...: an item by URL, as JSON
send() {
	_c=$1; shift
	status "$WHAT" "$_c" mri-send --json --timeout 2 -d "$URL" "$@"
}

new_spool '[spool]' 'encrypt = no'	# so that the test can forge what earlier stages write
cat >"$TMPDIR/order.json" <<'END'
{"v":1,"ref":"T-7","basis":{"kind":"consent","reference":"form 7"},"patient":{"id":"4711","issuer":"HOSP","name":"Test^Patient","birth_date":"1970-01-01","sex":"M"}}
END
# item SEED [NAME]: a study of four slices, and a report called NAME, in a new import; sets I
item() {
	mkstudy --zip "$TMPDIR/$1.zip" --slices 4 --seed "$1" ${2:+--pdf "$2"}
	I=$(mri-fetch --order "$TMPDIR/order.json" "$TMPDIR/$1.zip" 2>/dev/null | mri-unpack 2>/dev/null)
	rm "$TMPDIR/$1.zip"
}
# checked ITEM VERDICT: what mri-check would write
checked() {
	_d=${1%/study/*}
	[ -f "$1/order" ] || cp "${_d%/papers}/order" "$1/order"
	printf '{"v":1,"type":"check","time":"2026-11-24T07:00:00Z","order":"%s","manifest":"%s","verdict":"%s","scheduled":false,"entry":-1,"rules":[]}' \
	    "$(sha256sum <"$1/order" | cut -d' ' -f1)" "$(sha256sum <"$1/manifest" | cut -d' ' -f1)" "$2" >"$1/check"
}
ready() { item "$@"; checked "$I" pass; mri-retag "$I" >/dev/null 2>&1; }

# --- the gate
receiver_start
item 1
WHAT='not checked: 1'; send 1 "$I"
has 'and says which step' 'run mri-check first' "$TMPDIR/err"
checked "$I" held
WHAT='held: 1'; send 1 "$I"
checked "$I" pass
WHAT='not retagged: 1'; send 1 "$I"
has 'and says which step' 'run mri-retag first' "$TMPDIR/err"
mri-retag "$I" >/dev/null 2>&1
printf ' ' >>"$I/order"
WHAT='another order since: 1'; send 1 "$I"
has 'and says so' 'of another order' "$TMPDIR/err"
checked "$I" accepted
WHAT='checked again since retagged: 1'; send 1 "$I"
has 'and says which step' 'run mri-retag again' "$TMPDIR/err"
is 'no association was opened' '' "$(cat "$TMPDIR/log")"
mri-retag "$I" >/dev/null 2>&1
cp "$I/overlay" "$TMPDIR/overlay"
python3 - "$I/overlay" <<'END'
import sys
p = sys.argv[1]
b = open(p, 'rb').read()
at = b.rindex(b'Test^Patient')
open(p, 'wb').write(b[:at] + b'Best' + b[at + 4:])
END
WHAT='an overlay that is not what the plan makes: refused'; send 1 "$I"
is 'still no association' '' "$(cat "$TMPDIR/log")"
hasnt 'no name, no UID in the message' 'Test|Best|2\.25' "$TMPDIR/err"
cp "$TMPDIR/overlay" "$I/overlay"

# --- all well
WHAT='sent and read back: 0'; send 0 "$I"
is 'four stored' 4 "$(sum stored)"
is 'four arrived' 4 "$(stores)"
is 'confirmed' true "$(jq -r 'select(.type=="receipt").confirmed' "$TMPDIR/out")"
is 'ref comes back' T-7 "$(jq -r 'select(.type=="receipt").ref' "$TMPDIR/out")"
WHAT='again: 0'; send 0 "$I"
is 'it was done before' true "$(jq -r 'select(.type=="receipt").again' "$TMPDIR/out")"
is 'nothing was sent' 4 "$(stores)"
is 'already there' 4 "$(sum already_there)"
status 'plain form prints the item' 0 mri-send -d "$URL" "$I"
is 'once' "$I" "$(cat "$TMPDIR/out")"
is 'the journal holds no UID' '' "$(grep -l '2\.25' "$I"/sent/* || :)"
status '-n: 0' 0 mri-send -n -d "$URL" "$I"
has '-n says what is there' '4 already there' "$TMPDIR/out"
mri-retag --set 'StudyDescription=Other' "$I" >/dev/null 2>&1
WHAT='retagged since, same UIDs: 1'; send 1 "$I"
has 'called stale' 'stale: 4 objects' "$TMPDIR/err"
is 'nothing was sent' 4 "$(stores)"
receiver_stop

# --- statuses
receiver_start -s 2=a900 -s 3=b007
ready 2
WHAT='one refused: 69'; send 69 "$I"
is 'three stored' 3 "$(sum stored)"
is 'one refused' 1 "$(sum refused)"
has 'the warning is shown' 'status 0xb007' "$TMPDIR/err"
has 'the refusal is shown' '1 of 4 objects are not stored.*0xa900' "$TMPDIR/err"
WHAT='again'; send 0 "$I"
is 'only what had failed' 1 "$(sum stored)"
is 'five in all' 5 "$(stores)"
receiver_stop

receiver_start -s 2=a700
ready 3
WHAT='out of resources once: tried again, 0'; send 0 "$I"
is 'all stored' 4 "$(sum stored)"
is 'by two associations' 2 "$(grep -c '1.2.840.10008.5.1.4.1.1.2 ' "$TMPDIR/log")"
receiver_stop

receiver_start -s '*=a700'
ready 4
WHAT='out of resources for all: 75'; send 75 "$I"
is 'receipt says temp' temp "$(jq -r 'select(.type=="receipt").status' "$TMPDIR/out")"
is 'each was tried twice' 8 "$(stores)"
is 'failed' 4 "$(sum failed)"
receiver_stop

receiver_start -a 3
ready 5
WHAT='aborted in the middle: goes on, 0'; send 0 "$I"
is 'all stored' 4 "$(sum stored)"
receiver_stop

receiver_start -q 2
ready 6
WHAT='silence: the others by a new association, 0'; send 0 "$I"
is 'all stored' 4 "$(sum stored)"
receiver_stop

# --- associations
receiver_start -x 1.2.840.10008.5.1.4.1.1.2
ready 7
WHAT='SOP class refused: 69'; send 69 "$I"
is 'no object was sent' 0 "$(stores)"
is 'four refused' 4 "$(sum refused)"
receiver_stop
receiver_start -x 1.2.840.10008.1.2.1
WHAT='transfer syntax refused: 69'; send 69 "$I"
has 'by name' 'transfer syntax not supported' "$TMPDIR/err"
receiver_stop
receiver_start -r 1.1.7
WHAT='called AE title unknown: 78'; send 78 "$I"
receiver_stop
receiver_start -r 1.1.3
WHAT='calling AE title unknown: 77'; send 77 "$I"
receiver_stop
receiver_start -r 2.3.1
WHAT='busy: 75'; send 75 "$I"
receiver_stop
WHAT='refused connection: 75'; send 75 "$I"
has 'with the cause' 'Connection refused' "$TMPDIR/err"
receiver_start -m 4096
WHAT='a small PDU'; send 0 "$I"
is 'none was too long' '' "$(grep '^long' "$TMPDIR/log" || :)"
receiver_stop

# --- killed between the arrival of an object and its answer
receiver_start -q 1
ready 17
mri-send --timeout 60 -d "$URL" "$I" >/dev/null 2>&1 &
S=$!
wait_for 10 grep -q '^silent' "$TMPDIR/log"
kill -9 "$S"
wait "$S" 2>/dev/null || :
is 'the journal knew before' 4 "$(grep -c ' sending [0-9a-f]\{64\} ' "$I"/sent/*)"
is 'that counts as not stored' '0 0 sending' "$(mri-show --json "$I" 2>/dev/null | jq -r '.. | objects | select(.destination and .stored != null) | "\(.stored) \(.failed) \(.state)"')"
mri-retag --set 'StudyDescription=Other' "$I" >/dev/null 2>&1
WHAT='retagged since, one may have arrived: 1'; send 1 "$I"
has 'called stale' 'stale: 4 objects are or may be' "$TMPDIR/err"
is 'nothing was sent' 0 "$(stores)"
receiver_stop
receiver_start -s '*=a700'
ready 18
WHAT='none was taken'; send 75 "$I"
mri-retag --set 'StudyDescription=Other' "$I" >/dev/null 2>&1
receiver_stop
WHAT='nobody there'; send 75 "$I"
mri-retag --set 'StudyDescription=Third' "$I" >/dev/null 2>&1
WHAT='certainly not stored: not stale, 75'; send 75 "$I"
hasnt 'not stale' 'stale' "$TMPDIR/err"

# --- read-back
receiver_start -f 2
ready 8
WHAT='slow to index: waits, 0'; send 0 "$I"
receiver_stop
receiver_start -h 2
ready 9
WHAT='acknowledged, not shown: 69'; send 69 "$I"
has 'says how many' 'does not show 1 of 4' "$TMPDIR/err"
WHAT='--no-verify: 0'; send 0 --no-verify "$I"
is 'sent, not confirmed' false "$(jq -r 'select(.type=="receipt").confirmed' "$TMPDIR/out")"
receiver_stop

# --- several associations
receiver_start
ready 10
WHAT='-j 2: 0'; send 0 -j 2 "$I"
is 'all stored' 4 "$(stores)"
is 'two associations' 2 "$(grep -c '1.2.840.10008.5.1.4.1.1.2 ' "$TMPDIR/log")"

# --- as it is
item 11
status '--as-is without a reason: 64' 64 mri-send --as-is -d "$URL" "$I"
WHAT='--as-is --reason: 0'; send 0 --as-is --reason 'support case' "$I"
has 'it is audited' '"what":"send as is".*"why":"support case"' "$MRI_SPOOL/audit/log"
receiver_stop

# --- one object is broken on disk
receiver_start
ready 12
chmod u+w "$I/original/00002"
: >"$I/original/00002"
status 'an original that is gone bad costs itself only' 65 mri-send --json --no-verify -d "$URL" "$I"
is 'three stored' 3 "$(sum stored)"
is 'one failed' 1 "$(sum failed)"
receiver_stop


# --- one is broken after it was sent: nobody can ask for it
receiver_start
ready 15
WHAT='sent, not read back'; send 0 --no-verify "$I"
chmod u+w "$I/original/00002"
mv "$I/original/00002" "$TMPDIR/whole"
: >"$I/original/00002"
WHAT='one that cannot be read any more: not confirmed, 65'; send 65 "$I"
is 'the receipt says so' false "$(jq -r 'select(.type=="receipt").confirmed' "$TMPDIR/out")"
has 'and which' 'object 2 cannot be read back' "$TMPDIR/err"
mv "$TMPDIR/whole" "$I/original/00002"
WHAT='whole again: confirmed, 0'; send 0 "$I"
receiver_stop

# --- one byte of an original has turned over
receiver_start
ready 19
chmod u+w "$I/original/00001"
python3 - "$I/original/00001" <<'END'
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(-20, 2)
    b = f.read(1)
    f.seek(-20, 2)
    f.write(bytes([b[0] ^ 1]))
END
WHAT='a byte of an original is another: it does not go, 65'; send 65 "$I"
is 'the others did' '3 1 3' "$(sum stored) $(sum failed) $(stores)"
has 'it says why' 'changed on disk since' "$TMPDIR/err"

# --- killed after the last answer, before the delivery record
ready 20
WHAT='sent: 0'; send 0 "$I"
n=$(basename "${I%/study/1}")
is 'one record' 1 "$(ls "$MRI_SPOOL/record/$n" | wc -l | tr -d ' ')"
rm "$MRI_SPOOL/record/$n"/*
sed -i '/"stage":"send"/d' "$I/../../history"
WHAT='again: 0'; send 0 "$I"
is 'nothing is sent' 4 "$(sum already_there)"
is 'it is recorded now, all of it' 4 "$(cat "$MRI_SPOOL/record/$n"/* | jq '.objects|length')"

# --- the clock fell back: the time of the import is over all the same
ready 23
cp "$MRI_SPOOL/clock" "$TMPDIR/clock"
sed -i 's/20[0-9][0-9]-/2099-/' "$MRI_SPOOL/clock"
WHAT='its time is over by what the spool has seen: 69'; send 69 "$I"
has 'it says so' 'deadline is over' "$TMPDIR/err"
cp "$TMPDIR/clock" "$MRI_SPOOL/clock"
receiver_stop

# --- destinations
status 'an unknown name: 78' 78 mri-send -d nowhere "$I"
status 'dicoms: 78' 78 mri-send -d dicoms://A@h:1 "$I"
has 'not in this version' 'not in this version' "$TMPDIR/err"
status 'nonsense: 78' 78 mri-send -d dicom://host "$I"
sed -i 's/"ref":"T-7"/"ref":"T-8","destinations":["out"]/' "$TMPDIR/order.json"
printf '[destination out]\nurl = folder:%s/files\n[destination other]\nurl = folder:%s/other\n' "$TMPDIR" "$TMPDIR" >>"$MRI_CONFIG"
ready 13 report.pdf
status 'not a destination of the order: 77' 77 mri-send -d other "$I"
ok 'nothing was made there' not test -e "$TMPDIR/other"
status 'the destinations of the order, without -d' 0 mri-send --json "$I"
is 'named in the receipt' out "$(jq -r 'select(.type=="receipt").destination' "$TMPDIR/out")"

# --- folder
F=$TMPDIR/files
is 'four objects' 4 "$(find "$F/DICOM" -name 'IM00000?' | wc -l)"
is 'one document' 1 "$(find "$F/DOCS" -name 'DOC00001.PDF' | wc -l)"
is 'nothing half' '' "$(find "$F" -name '*partial')"
is 'modes' '' "$(find "$F" -type f ! -perm 600 -o -type d ! -perm 700)"
ok 'dcmftest takes the DICOMDIR' dcmftest "$F/DICOMDIR"
is 'it lists four images' 4 "$(dcmdump "$F/DICOMDIR" | grep -c 'CS \[IMAGE\]')"
dcmdump "$F/DICOMDIR" | sed -n 's/.*(0004,1500) CS \[\(.*\)\].*/\1/p' | tr '\\' / >"$TMPDIR/ids"
ok 'and every file that it names is there' sh -c 'cd "$1" && while read -r f; do test -s "$f" || exit 1; done <"$2"' - "$F" "$TMPDIR/ids"
is 'the patient of the order' 'Test^Patient' "$(dcmdump "$(find "$F" -name IM000001)" | sed -n 's/^(0010,0010) PN \[\(.*\)\].*/\1/p')"
I1=$I
before=$(sha256sum "$F/DICOMDIR")
status 'again: 0' 0 mri-send --json "$I"
is 'already there' 4 "$(sum already_there)"
is 'the DICOMDIR is the same' "$before" "$(sha256sum "$F/DICOMDIR")"
rm "$F/DICOMDIR"
mkdir -p "$F/DICOMDIR.partial/in/the/way"
status 'all files are there, the DICOMDIR cannot be written: fails' 73 mri-send --json "$I"
is 'four are there' 4 "$(sum already_there)"
is 'and it is not confirmed' false "$(jq -r 'select(.type=="receipt").confirmed' "$TMPDIR/out")"
has 'it says why' 'cannot write the DICOMDIR' "$TMPDIR/err"
rm -r "$F/DICOMDIR.partial"
status 'and is made up for: 0' 0 mri-send "$I"
is 'it lists them again' 4 "$(dcmdump "$F/DICOMDIR" | grep -c 'CS \[IMAGE\]')"
ready 14
status 'a second study is added' 0 mri-send "$I"
is 'eight images' 8 "$(dcmdump "$F/DICOMDIR" | grep -c 'CS \[IMAGE\]')"
is 'one patient, two studies' '1 2' "$(dcmdump "$F/DICOMDIR" | grep -c 'CS \[PATIENT\]') $(dcmdump "$F/DICOMDIR" | grep -c 'CS \[STUDY\]')"
ok 'dcmftest takes it' dcmftest "$F/DICOMDIR"
x=$(find "$F" -name IM000002 | head -1)
rm "$x"
status 'a file that went is written again' 0 sh -c 'printf "%s\n%s\n" "$1" "$2" | mri-send' - "$I1" "$I"
ok 'it is there' test -s "$x"
mkdir "$TMPDIR/foreign"
cp "$F/DICOMDIR" "$TMPDIR/foreign/DICOMDIR"
sed -i 's/2\.25\.214812730411569123412905473826150293847/2.25.214812730411569123412905473826150293848/' "$TMPDIR/foreign/DICOMDIR"
sed -i "s|^url = folder:$TMPDIR/files|url = folder:$TMPDIR/foreign|" "$MRI_CONFIG"
status 'a DICOMDIR of another program: 73' 73 mri-send "$I"
sed -i "s|^url = folder:$TMPDIR/foreign|url = folder:$TMPDIR/files|" "$MRI_CONFIG"

# --- papers
mkstudy --pdf-only "$TMPDIR/letter.pdf"
P=$(mri-fetch --order "$TMPDIR/order.json" "$TMPDIR/letter.pdf" 2>/dev/null | mri-unpack 2>/dev/null)
status 'papers: not checked' 1 mri-send "$P"
checked "$P" pass
status 'papers to a folder: 0' 0 mri-send "$P"
is 'there' 1 "$(find "$F/DOCS" -name '*.PDF' -newer "$TMPDIR/letter.pdf" | wc -l | tr -d ' ')"

# --- where documents go: folders take them, archives do not
receiver_start
receipts() { jq -r 'select(.type=="receipt")|[.destination // "-", .status, .documents // 0, .documents_left // 0, .again]|join(" ")' "$TMPDIR/out"; }
printf '[destination pacs]\nurl = %s\n[destination his]\nurl = folder:%s/his\n' "$URL" "$TMPDIR" >>"$MRI_CONFIG"
jq -c '.destinations=["pacs","his"]' "$TMPDIR/order.json" >"$TMPDIR/both.json"
jq -c '.destinations=["pacs"]' "$TMPDIR/order.json" >"$TMPDIR/pacs.json"
jq -c 'del(.destinations)' "$TMPDIR/order.json" >"$TMPDIR/order.tmp"
papers() {	# papers ORDER: sets P
	P=$(mri-fetch --order "$1" "$TMPDIR/letter.pdf" 2>/dev/null | mri-unpack 2>/dev/null)
	checked "$P" pass
}
papers "$TMPDIR/both.json"
status 'papers, an archive and a folder: -n: 0' 0 mri-send -n "$P"
is '-n speaks of the folder only' "1 'his'" "$(wc -l <"$TMPDIR/out" | tr -d ' ') $(grep -o "'[a-z]*'" "$TMPDIR/out")"
status 'papers, an archive and a folder: 0' 0 mri-send --json "$P"
is 'one receipt, of the folder' 'his ok 1 0 false' "$(receipts)"
is 'the PDF is there' 1 "$(find "$TMPDIR/his" -name '*.PDF' | wc -l | tr -d ' ')"
ok 'the archive has no journal' not test -e "$P/sent/pacs"
status 'again, in plain form' 0 mri-send "$P"
is 'the papers are printed' "$P" "$(cat "$TMPDIR/out")"
is 'all is confirmed: purged early' "$(basename "${P%/papers}")" "$(mri-purge --confirmed "${P%/papers}" 2>/dev/null)"
papers "$TMPDIR/both.json"
status 'papers, -d names the archive only: 1' 1 mri-send --json -d pacs "$P"
has 'says why' 'papers have no destination that takes documents' "$TMPDIR/err"
has 'with advice' 'name a folder destination in the order' "$TMPDIR/err"
is 'one receipt' '- perm 0 0 false' "$(receipts)"
papers "$TMPDIR/pacs.json"
status 'papers, an order of archives: 1' 1 mri-send "$P"
is 'not printed' '' "$(cat "$TMPDIR/out")"

mv "$TMPDIR/order.tmp" "$TMPDIR/order.json"
ready 21 report.pdf
D=$(basename "${I%/study/1}")
status 'a study with a document, to an archive, -n: 1' 1 mri-send --json -n -d "$URL" "$I"
is '-n says what stays' 1 "$(jq .documents_left "$TMPDIR/out")"
WHAT='a study with a document, to an archive: 1'; send 1 "$I"
is 'the objects are there, confirmed' '4 true' "$(stores) $(jq -r 'select(.type=="receipt").confirmed' "$TMPDIR/out")"
is 'the receipt is partial, and says how many' "$URL partial 0 1 false" "$(receipts)"
has 'its reason' '"reason":"1 document was not sent: archives take no documents in this version"' "$TMPDIR/out"
is 'the summary too' '1 1 1' "$(jq -r 'select(.type=="summary")|"\(.partial) \(.counts.documents_left) \(.exit)"' "$TMPDIR/out")"
is 'a warning, once, with advice' 1 "$(grep -c 'warning: .*/study/1: 1 document was not sent.*name a folder destination' "$TMPDIR/err")"
is 'in history' partial "$(jq -r 'select(.stage=="send").outcome' "$I/../../history")"
has 'in the audit log' '"what":"send".*"outcome":"partial"' "$MRI_SPOOL/audit/log"
is 'the state is that of the objects' confirmed "$(mri-show --json "$D" 2>/dev/null | jq -r '.. | .items? // empty | .[].state')"
WHAT='again: 1'; send 1 "$I"
is 'nothing was sent, partial still' "4 $URL partial 0 1 true" "$(stores) $(receipts)"
status 'in plain form' 1 mri-send -q -d "$URL" "$I"
is 'a partial item is printed' "$I" "$(cat "$TMPDIR/out")"
status 'its document is nowhere: not purged early' 1 mri-purge --confirmed "$D"
ok 'it is there' test -d "$I"
status 'both destinations: 0' 0 mri-send --json -d "$URL" -d "folder:$TMPDIR/his" "$I"
is 'both ok' "$URL ok 0 0 true
folder:$TMPDIR/his ok 1 0 false" "$(receipts)"
WHAT='the archive alone, the document at a folder: 0'; send 0 "$I"
is 'ok' "$URL ok 0 0 true" "$(receipts)"
status 'now it is purged early' 0 mri-purge --confirmed "$D"
receiver_stop
ready 22 report.pdf
WHAT='the archive is down: 75 counts more than a document that stays'; send 75 "$I"
is 'temp' "$URL temp 0 1 false" "$(receipts)"

# --- without a spool
receiver_start
mkstudy --out "$TMPDIR/plain" --slices 3 --pdf report.pdf
status 'a folder: 0' 0 mri-send --json -d "$URL" "$TMPDIR/plain"
is 'three stored' 3 "$(sum stored)"
has 'with a warning' 'as it is' "$TMPDIR/err"
mkdir "$TMPDIR/empty"
echo text >"$TMPDIR/empty/a.txt"
status 'no DICOM in it: 65' 65 mri-send -d "$URL" "$TMPDIR/empty"
status 'no such folder: 66' 66 mri-send -d "$URL" "$TMPDIR/nothing"
status 'empty stdin: 0' 0 mri-send -d "$URL"
mkstudy --out "$TMPDIR/odd" --slices 2 --ts deflated --seed 3
status 'deflated' 0 mri-send -d "$URL" "$TMPDIR/odd"
is 'never of odd length' '' "$(grep '^odd' "$TMPDIR/log" || :)"

# --- echo
status '--echo: 0' 0 mri-send --echo -d "$URL"
has 'says that it answers' 'answers' "$TMPDIR/out"
receiver_stop
status '--echo of nobody: 75' 75 mri-send --echo -d "$URL"
status '--echo with an item: 64' 64 mri-send --echo -d "$URL" "$I"
done_testing
