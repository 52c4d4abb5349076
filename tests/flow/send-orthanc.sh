#!/bin/sh
# The way from a ZIP into Orthanc: names, UIDs, pixels; killed in the middle and run again.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"

start_orthanc
new_spool '[destination pacs]' "url = dicom://ORTHANC@127.0.0.1:$ORTHANC_DICOM" 'calling = MRI'
cat >"$TMPDIR/order.json" <<'END'
{"v":1,"ref":"T-9","basis":{"kind":"consent","reference":"form 9"},
 "patient":{"id":"4711","issuer":"HOSP","name":"Müller^Jörg","birth_date":"1970-01-01","sex":"M"},
 "studies":[{"accession":"A-77"}],"destinations":["pacs"]}
END
count() { orthanc /statistics | jq .CountInstances; }
# prepare ARG...: a study by mkstudy through unpack, check and retag; sets I, and its files in $TMPDIR/src
prepare() {
	rm -rf "$TMPDIR/src"
	mkstudy --out "$TMPDIR/src" --patient-name 'Müller^Jörg' --birth 1970-01-01 "$@"
	mkstudy --zip "$TMPDIR/a.zip" --patient-name 'Müller^Jörg' --birth 1970-01-01 "$@"
	I=$(tr -d '\n' <"$TMPDIR/order.json" >"$TMPDIR/one.json" && mri-fetch --order "$TMPDIR/one.json" "$TMPDIR/a.zip" 2>"$TMPDIR/err" |
	    mri-unpack 2>>"$TMPDIR/err" | mri-check 2>>"$TMPDIR/err" | mri-retag 2>>"$TMPDIR/err") || :
	rm "$TMPDIR/a.zip"
	[ -n "$I" ] || sed 's/^/# /' "$TMPDIR/err"
}
# same_pixels DIR: every instance of src is in DIR under its UID, with the same pixel data
same_pixels() {
	pixels "$TMPDIR/src" >"$TMPDIR/pixels.src"
	pixels "$1" >"$TMPDIR/pixels.got"
	[ -s "$TMPDIR/pixels.src" ] && [ -z "$(comm -23 "$TMPDIR/pixels.src" "$TMPDIR/pixels.got")" ]
}

prepare --slices 6 --seed 1
status 'sent: 0' 0 mri-send "$I"
is 'the item is printed' "$I" "$(cat "$TMPDIR/out")"
is 'six instances' 6 "$(count)"
orthanc "/patients/$(orthanc /patients | jq -r '.[0]')" >"$TMPDIR/patient"
is 'the id of the order' 4711 "$(jq -r .MainDicomTags.PatientID "$TMPDIR/patient")"
is 'the name, umlauts kept' 'Müller^Jörg' "$(jq -r .MainDicomTags.PatientName "$TMPDIR/patient")"
is 'the accession number of the order' A-77 "$(orthanc "/studies/$(orthanc /studies | jq -r '.[0]')" | jq -r .MainDicomTags.AccessionNumber)"
orthanc_files "$TMPDIR/got"
ok 'same UIDs, same pixels' same_pixels "$TMPDIR/got"
is 'Original Attributes keep the old id' P1000 "$(dcmdump -q "$(find "$TMPDIR/got" -type f | head -1)" | sed -n '/(0400,0561)/,$s/.*(0010,0020) LO \[\(.*\)\].*/\1/p' | head -1)"
status 'again: 0' 0 mri-send --json "$I"
is 'nothing was sent' 0 "$(jq -r 'select(.type=="summary").counts.stored' "$TMPDIR/out")"
is 'state: confirmed' confirmed "$(mri-show --json "$I" 2>/dev/null | jq -r 'first(.. | objects | .state? // empty | select(.=="confirmed"))')"

# --- killed in the middle
orthanc_clear
prepare --slices 800 --rows 128 --cols 128 --seed 2
mri-send "$I" >/dev/null 2>&1 &
p=$!
some() { n=$(count); [ "$n" -gt 5 ]; }
ok 'some arrived' wait_for 30 some
kill -9 "$p"
wait "$p" 2>/dev/null || :
ok 'killed before the end' test "$(count)" -lt 800
ok 'the senders went with it' wait_for 10 sh -c '! pgrep -f "mri-send $1" >/dev/null' - "$I"
status 'run again: 0' 0 mri-send --json "$I"
is 'all are accounted for' 800 "$(jq -r 'select(.type=="summary").counts|.stored+.already_there' "$TMPDIR/out")"
is 'each once' 800 "$(count)"
find "$TMPDIR/src" -name 'IM*' -exec dcmdump -q +P 0008,0018 {} + | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort >"$TMPDIR/want"
orthanc '/instances?expand' | jq -r '.[].MainDicomTags.SOPInstanceUID' | sort >"$TMPDIR/have"
ok 'the same UIDs' cmp -s "$TMPDIR/want" "$TMPDIR/have"

# --- two associations, several transfer syntaxes
orthanc_clear
for ts in implicit big deflated rle; do
	prepare --slices 2 --seed 9 --ts "$ts"
	status "$ts: 0" 0 mri-send -j 2 "$I"
	rm -rf "$TMPDIR/got"
	orthanc_files "$TMPDIR/got"
	ok "$ts: same UIDs, same pixels" same_pixels "$TMPDIR/got"
	orthanc_clear
done

# --- the archive is down
status '--echo: 0' 0 mri-send --echo -d "dicom://ORTHANC@127.0.0.1:$ORTHANC_DICOM"
kill "$ORTHANC_PID"
wait "$ORTHANC_PID" 2>/dev/null || :
prepare --slices 2 --seed 5
status 'down: 75' 75 mri-send --timeout 5 "$I"
done_testing
