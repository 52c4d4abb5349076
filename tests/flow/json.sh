# --json of every program is NDJSON that jq takes, and the way by receipts does what the way by paths does,
# partial and failed items included.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
store=$(free_port)
mkdir stored
storescp +B -aet STORE -od stored "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
new_spool '[destination store]' "url = dicom://STORE@127.0.0.1:$store" 'verify = no'
person='--patient-name Muster^Eva --birth 1970-01-01 --sex F --patient-id EXT-1'
# a good one, one with a conflict (partial), one that is cut off (failed), one of somebody else (held)
# shellcheck disable=SC2086
{
	mkstudy --zip good.zip --slices 4 $person --study-date 20260901 --seed 1
	mkstudy --zip conflict.zip --slices 4 $person --study-date 20260902 --seed 2 --conflict 2
	mkstudy --zip whole.zip --slices 4 $person --study-date 20260903 --seed 3
	mkstudy --zip other.zip --slices 4 --patient-name 'Fremd^Person' --birth 1950-05-05 --study-date 20260904 --seed 4
}
head -c $(($(stat -c %s whole.zip) / 2)) whole.zip >cut.zip
jq -cn '{v:1,ref:"R1",basis:{kind:"consent",reference:"form"},destinations:["store"],
    patient:{id:"4711",issuer:"HOSP",name:"Muster^Eva",birth_date:"1970-01-01",sex:"F"}}' >order.json
lines() {	# lines NAME FILE PROGRAM: each line is an object of version 1, all of that program, the last a summary
	ok "$1: jq takes every line" sh -c "jq -es 'length > 0 and all(.[]; type == \"object\" and .v == 1 and .tool == \"$3\")' $2 >/dev/null"
	is "$1: the last is the summary" summary "$(tail -n 1 "$2" | jq -r .type)"
	is "$1: its exit is the status" "$4" "$(tail -n 1 "$2" | jq -r .exit)"
	ok "$1: every input is answered" sh -c "[ \$(jq -s '[.[] | select(.type == \"receipt\") | .in] | unique | length' $2) -ge \$(jq -s '.[-1].inputs' $2) ]"
}
run() {	# run OUT STATUS-FILE COMMAND...
	_o=$1; shift
	_s=0
	"$@" >"$_o" 2>>log || _s=$?
	echo "$_s" >"$_o.status"
}

# by receipts
for z in good conflict cut other; do
	run "fetch.$z" mri-fetch --json --order order.json "$z.zip"
	lines "mri-fetch $z" "fetch.$z" mri-fetch "$(cat "fetch.$z.status")"
done
jq -c 'select(.type == "receipt")' fetch.good fetch.conflict fetch.cut fetch.other >fetched
for p in unpack check retag send; do
	case $p in unpack) from=fetched ;; check) from=json.unpack ;; retag) from=json.check ;; send) from=json.retag ;; esac
	run "json.$p" mri-$p --json <"$from"
	lines "mri-$p" "json.$p" "mri-$p" "$(cat "json.$p.status")"
done
is 'statuses that were seen at unpack' 'ok partial perm' \
    "$(jq -r 'select(.type == "receipt") | .status' json.unpack | sort -u | tr '\n' ' ' | sed 's/ $//')"
is 'one study arrives' 4 "$(ls stored | wc -l)"
is 'the reference comes back in every receipt' R1 "$(jq -r 'select(.type == "receipt") | .ref' json.send | sort -u)"

# by paths: other imports of the same files, since a file has no link memory
for z in good conflict cut other; do mri-fetch --order order.json "$z.zip" >>paths 2>>log || :; done
rm -f stored/*
for p in unpack check retag send; do
	case $p in unpack) from=paths ;; check) from=plain.unpack ;; retag) from=plain.check ;; send) from=plain.retag ;; esac
	run "plain.$p" mri-$p <"$from"
	is "mri-$p: the same status by paths" "$(cat "json.$p.status")" "$(cat "plain.$p.status")"
	is "mri-$p: as many paths as receipts that are ok or partial" \
	    "$(jq -r 'select(.type == "receipt" and (.status == "ok" or .status == "partial")) | .path' "json.$p" | wc -l)" "$(wc -l <"plain.$p")"
done
is 'the same arrives' 4 "$(ls stored | wc -l)"
is 'NUL in place of newline' "$(tr '\n' '\0' <plain.unpack | od -c | head -n 3)" "$(tr '\n' '\0' <paths | mri-unpack -0 2>>log | od -c | head -n 3)"

mri-show --json >show.json 2>>log
ok 'mri-show: jq takes every line' jq -es 'length == 8 and all(.[]; type == "object")' show.json
ok 'mri-unpack -n is a document' sh -c 'mri-unpack -n --json good.zip 2>>log | jq -es "length > 0 and all(.[]; .type != \"summary\")" >/dev/null'
mri-purge --json --now $(jq -r .id show.json) >purge.json 2>>log
lines mri-purge purge.json mri-purge 0
ok 'mri-spool fsck --json' sh -c 'mri-spool --json fsck 2>>log >fsck.json; jq -es . fsck.json >/dev/null'
done_testing
