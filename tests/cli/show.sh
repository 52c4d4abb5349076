# mri-show: the list without the identity, details without names, findings with them, bytes as they are.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
show=$MRI_BIN/mri-show
export MRI_SPOOL="$TMPDIR/spool" ID="$HOME/.config/mri/identity"
"$MRI_BIN/mri-spool" init --organisation Test "$MRI_SPOOL" >/dev/null 2>&1
status 'an empty spool: 0' 0 "$show"
is 'an empty spool: nothing' '' "$(cat out)"
for s in incoming fetched unpacked held checked retagged sent confirmed; do
	"$MRI_TOOL/mkimport" "$MRI_SPOOL" "$ID" 3600 $s 3 1 >id.$s
done
cat id.* | sort >all

# the list
mv "$ID" away
status 'list without the identity: 0' 0 "$show"
is 'list: every import, incoming too' "$(cat all)" "$(cut -d' ' -f1 out)"
has 'list: state, time left, ref, items' "^$(cat id.confirmed)  unpacked +2[0-9T:Z-]+ +6d2[23]h  T-1 +2 confirmed\$" out
has 'list: waiting' "^$(cat id.incoming)  waiting " out
has 'list: states of items are added up' "1 retagged, 1 checked" out
status 'details without the identity: 0' 0 "$show" "$(cat id.confirmed)"
has 'details without the identity: sealed' 'study/1 +confirmed +sealed' out
has 'details without the identity: what is plain' 'to pacs  confirmed  3 stored' out
status 'findings without the identity: 66' 66 "$show" --findings "$(cat id.held)"
mv away "$ID"
status '--state: 0' 0 "$show" --state held
is '--state: of an item' "$(cat id.held)" "$(cut -d' ' -f1 out)"
status '--state waiting: 0' 0 "$show" --state waiting
is '--state: of an import' "$(cat id.incoming)" "$(cut -d' ' -f1 out)"
status '--ref of none: 0' 0 "$show" --ref other
is '--ref of none: nothing' '' "$(cat out)"
status '--ref: 0' 0 "$show" --ref T-1
is '--ref: all of it' 8 "$(wc -l <out)"
status '--json: 0' 0 "$show" --json
is '--json: NDJSON' "$(cat all)" "$(jq -r 'select(.v == 1 and .type == "import" and .sealed) | .id' out)"
is '--json: items' 'study/1=held papers=held' "$(jq -r "select(.id == \"$(cat id.held)\").items[] | \"\(.item)=\(.state)\"" out | tr '\n' ' ' | sed 's/ $//')"
status '--retryable: 0' 0 "$show" --retryable
is '--retryable: imports and items' "$(printf '%s\n' "$(cat id.incoming)" "$(cat id.sent)/papers" "$(cat id.sent)/study/1" | sort)" "$(sort out)"

# details
status 'an import: 0' 0 "$show" "$(cat id.confirmed)"
has 'an import: at rest' 'at rest +encrypted' out
has 'an import: packages' 'package 001  direct  study  application/zip' out
has 'an import: items' 'study/1 +confirmed +3 objects in 1 series' out
has 'an import: documents' 'document 1  application/pdf  20 bytes' out
has 'an import: history' 'Z  send    ok  study/1' out
hasnt 'an import: no names' 'PATIENTWORD|4711' out
status 'an import by path: 0' 0 "$show" "$MRI_SPOOL/import/$(cat id.confirmed)"
status 'an item: 0' 0 "$show" "$(cat id.held)/study/1"
has 'an item: its series' 'series 1  CT  3 objects  1800 bytes' out
status 'an item, --json: 0' 0 "$show" --json "$(cat id.held)/study/1"
is 'an item, --json' 'item held 3' "$(jq -r '"\(.type) \(.state) \(.objects)"' out)"
status 'one that is being fetched: 0' 0 "$show" "$(cat id.incoming)"
has 'one that is being fetched' 'state +waiting' out
status 'absent: 66' 66 "$show" 20260101T000000Z-abcdef
status 'not of the spool: 66' 66 "$show" /etc

# findings
status '--findings: 0' 0 "$show" --findings "$(cat id.held)"
has '--findings: verdict' "^$(cat id.held)/study/1: held" out
has '--findings: both patients' 'order  PATIENTWORD\^A  id IDWORD-4711' out
has '--findings: both patients, the study' 'study  PATIENTWORD\^B' out
has '--findings: the rule' 'patient +finding +error +name PATIENTWORD differs' out
status '--findings --json: 0' 0 "$show" --findings --json "$(cat id.held)/study/1"
is '--findings --json' 'findings held patient finding' "$(jq -r '"\(.type) \(.verdict) \(.rules[0].rule) \(.rules[0].verdict)"' out)"
status '--findings of all: 0' 0 "$show" --findings
is '--findings of all: every item that is unpacked' 12 "$(grep -c '^2' out)"
has '--findings: not checked' "$(cat id.unpacked)/study/1: not checked" out

# manifest and bytes
i=$(cat id.confirmed)/study/1
status '--manifest: 0' 0 "$show" --manifest "$i"
is '--manifest: NDJSON' 'study object object object' "$(jq -r .type out | tr '\n' ' ' | sed 's/ $//')"
status '--raw manifest: the same bytes' 0 "$show" --raw manifest "$i"
ok '--raw manifest: the same bytes' sh -c '"$0" --manifest "$1" | cmp -s - out' "$show" "$i"
status '--raw original: 0' 0 "$show" --raw original "$i/original/00002"
cp out original
sum=$("$show" --manifest "$i" | jq -r 'select(.n == 2).sha256')
is '--raw original: what the manifest lists' "$sum" "$(sha256sum <original | cut -d' ' -f1)"
status '--raw original/00002 of the item: 0' 0 "$show" --raw original/00002 "$i"
ok '--raw original/00002 of the item: the same' cmp -s original out
status '--cat: 0' 0 "$show" --cat "$i/original/00002"
{ head -c 100 original; printf NEWBYTES; tail -c +109 original; } >merged
ok '--cat: original and overlay merged' cmp -s merged out
status '--cat without overlay: 0' 0 "$show" --cat "$(cat id.checked)/study/1/original/00002"
ok '--cat without overlay: the original' cmp -s original out
status '--cat of a document: 0' 0 "$show" --cat "$(cat id.held)/papers/document/001"
is '--cat of a document' '%PDF-1.4 PAYLOADWORD' "$(cat out)"
status '--cat of a package: 0' 0 "$show" --cat "$(cat id.held)/package/001"
is '--cat of a package' 'a package with PAYLOADWORD' "$(cat out)"
for f in order unpack claim/001 package/001; do
	status "--raw $f of an import: 0" 0 "$show" --raw $f "$(cat id.held)"
done
for f in order check overlay; do
	status "--raw $f of an item: 0" 0 "$show" --raw $f "$i"
done
status '--raw check of what is not checked: 1' 1 "$show" --raw check "$(cat id.unpacked)/study/1"
status '--raw of no such file: 64' 64 "$show" --raw ../deadline "$i"
has '--raw of no such file: says which there are' 'manifest, order, check, overlay' err
status '--cat of an import: 64' 64 "$show" --cat "$(cat id.held)"
status '--cat and --raw: 64' 64 "$show" --cat --raw order "$i"
status '--cat of two: 64' 64 "$show" --cat "$i/original/00001" "$i/original/00002"
status '--cat --json: 64' 64 "$show" --cat --json "$i/original/00001"
got=$(script -qec "'$show' --cat '$i/original/00001' 2>err; echo \$?" /dev/null </dev/null | tr -d '\r')
is '--cat to a terminal: 64, and nothing' 64 "$got"

# an overlay that is older than the check: shown, with a warning
cp -a "$MRI_SPOOL/import/$(cat id.retagged)/study/1/check" check.before
cp -a "$MRI_SPOOL/import/$(cat id.retagged)/study/1/manifest" "$MRI_SPOOL/import/$(cat id.retagged)/study/1/check"
status '--cat with a stale overlay: 0' 0 "$show" --cat "$(cat id.retagged)/study/1/original/00001"
has '--cat with a stale overlay: a warning' 'warning:.*older than the check' err

# each sealed look is in the log, before it is shown
n=$(grep -c '"what":"show"' "$MRI_SPOOL/audit/log")
"$show" >/dev/null; "$show" --retryable >/dev/null
is 'the list is not an access' "$n" "$(grep -c '"what":"show"' "$MRI_SPOOL/audit/log")"
"$show" --cat "$i/original/00001" >/dev/null
has 'an access names object and kind' "\"what\":\"show\",\"object\":\"$i/original/00001\",\"why\":\"cat\"" "$MRI_SPOOL/audit/log"
hasnt 'the log has no names' PATIENTWORD "$MRI_SPOOL/audit/log"

# a damaged import does not hide the others
echo x >"$MRI_SPOOL/import/$(cat id.fetched)/deadline"
status 'a damaged one: 0' 0 "$show"
is 'a damaged one: all are listed' "$(cat all)" "$(cut -d' ' -f1 out | sort)"
has 'a damaged one: says so' "$(cat id.fetched)  damaged" out

# what is purged
"$MRI_BIN/mri-purge" --now "$(cat id.held)" >/dev/null
status 'purged: 0' 0 "$show" "$(cat id.held)"
has 'purged: when and why' "^$(cat id.held)  purged  2.*Z now" out
status 'purged, its bytes: 69' 69 "$show" --cat "$(cat id.held)/papers/document/001"
done_testing
