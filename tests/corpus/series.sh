# Real series of other manufacturers, each zipped, go the whole way; dcmdump and dcmftest accept every outgoing
# file, every element that no rule names is byte-identical, pixel data too.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
named='0010,0010 0010,0020 0010,0021 0010,0024 0010,0030 0010,0040 0010,1002 0008,0015 0008,0050 0008,0051 0008,1032
	0008,1110 0018,a001 0038,0010 0038,0014 0040,0275 0400,0561'
tag() { dcmdump -q +P "$1" "$2" 2>/dev/null | sed -n 's/^([^)]*) .. \[\(.*\)\] .*/\1/p' | sed 's/ *$//' | head -n 1; }

start_orthanc
store=$(free_port)
mkdir stored
storescp +B +xa -aet STORE -od stored "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
new_spool '[destination pacs]' "url = dicom://ORTHANC@127.0.0.1:$ORTHANC_DICOM" \
    '[destination store]' "url = dicom://STORE@127.0.0.1:$store" 'verify = no' \
    '[destination his]' "url = folder:$TMPDIR/his"	# two of the series have a text beside the objects

for dir in "$CORPUS"/series/*/; do
	name=$(basename "$dir")
	rm -rf a.zip stored/* want differ his
	(cd "$dir" && zip -qr "$TMPDIR/a.zip" .)
	first=$(find "$dir" -type f -exec sh -c 'dcmftest "$1" >/dev/null 2>&1 && echo "$1"' - {} \; | grep -v DICOMDIR | sort | head -n 1)
	birth=$(tag 0010,0030 "$first" | grep -xE '[0-9]{8}' || :)
	jq -cn --arg n "$(tag 0010,0010 "$first" | tr -d '*')" --arg b "$birth" --arg s "$(tag 0010,0040 "$first" | grep -xE 'M|F|O' || :)" \
	    '{v:1,basis:{kind:"treatment",reference:"test"},destinations:["pacs","store","his"],
	      patient:({id:"4711",issuer:"HOSP",name:$n,birth_date:$b,sex:$s} | with_entries(select(.value != "")))}' >order.json
	import=$(mri-fetch --order order.json a.zip 2>>log) || :
	ok "$name: fetched" test -d "$import"
	mri-unpack "$import" >items 2>>log || :
	# nothing is found in whole series of one patient but what they lack; that is for a person to accept
	case $name in
	ct-philips-phantom) lacks='patient finding' ;;	# no birth date, and its name is one word
	mr-ge-epi-150 | mr-uih-dti-17 | mr-wrist-16) lacks='patient unknown' ;;	# no birth date
	*) lacks='' ;;
	esac
	is "$name: a study" 1 "$(grep -c . items)"
	for item in $(cat items); do
		mri-check --json "$item" >out 2>>log || :
		is "$name: what is found" "complete unknown${lacks:+, $lacks}" \
		    "$(jq -r 'select(.type == "receipt") | [.findings[] | "\(.rule) \(.verdict)"] | sort | join(", ")' out)"
		[ -z "$lacks" ] || mri-check --accept patient --reason 'test series' "$item" >out 2>>log || :
		mri-check "$item" >out 2>>log || :
		ok "$name: check passes" grep -qx "$item" out
	done
	ok "$name: retag" sh -c 'mri-retag <items >retagged 2>>log'
	got=0
	mri-send <retagged >sent 2>>log || got=$?
	is "$name: send" 0 "$got"
	ok "$name: all items are sent" cmp -s items sent
	# shellcheck disable=SC2086
	same_but "$dir" stored $named >differ || :
	n=$(sed -n 's/ compared.*//p' differ)
	is "$name: all arrived, nothing else changed" "$n compared, 0 differ" "$(tail -n 1 differ)"
	[ "$(wc -l <differ)" -le 1 ] || sort differ | uniq -c | head
	bad=0
	for f in stored/*; do
		dcmftest "$f" >>dcmftest.log 2>&1 && dcmdump -q "$f" >/dev/null 2>>dcmftest.log || bad=$((bad + 1))
	done
	is "$name: dcmftest and dcmdump accept all" 0 "$bad"
	ok "$name: Orthanc holds as many" test "$(orthanc /statistics | jq .CountInstances)" -ge "$n"
	orthanc_clear
	for id in "$MRI_SPOOL"/import/*; do mri-purge --now "${id##*/}" >/dev/null 2>>log; done
done
done_testing
