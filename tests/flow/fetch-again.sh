# The memory of links: one answer of two programs, a link that works once, --list as a use, other users, --again.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
. "$SRC/tests/portal.sh"
/usr/bin/python3 -c "
import zipfile
with zipfile.ZipFile('portal/a.zip', 'w') as z: z.writestr('IMG1', b'x' * 900)"
portal_start() {
	portal_run <<EOF2
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"$1",
 "questions":[{"id":"1","type":"PASSWORD","format":"STRING","answer":"right"}],
 "patient":{"name":"Mustermann,Max","birth_date":"1970-01-01"},"quirks":[${2:-}],"files":{"/once/a.zip":"a.zip"},
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.3","date":"2026-09-01","modalities":"CT","files":1}]}
EOF2
	order "https://localhost:$port/portal?token=$1" right
}
order() {
	jq -cn --arg l "$1" --arg p "$2" '{link:$l,factors:{PASSWORD:$p},basis:{kind:"consent",reference:"form"}}' >order.json
}
run() { "$fetch" --cacert portal/ca.pem --json --order order.json "$@"; }
receipt() { jq -r "select(.type==\"receipt\").$1" out; }

# Two at the same moment; the portal keeps the first busy while the second comes
for round in 1 2 3; do
	portal_start "tok-two-$round" '"busy-once"'
	run >out1 2>err1 & a=$!
	run >out2 2>err2 & b=$!
	ra=0 rb=0
	wait "$a" || ra=$?
	wait "$b" || rb=$?
	is "two programs with one link send one answer, round $round" 1 "$(requests '^POST')"
	case "$ra $rb" in "0 75"|"75 0"|"0 0") fine=0;; *) fine=1;; esac
	ok "one of them fetches, the other comes later or finds it: $ra $rb" test "$fine" -eq 0
	is "one import" "$round" "$(ls "$MRI_SPOOL/import" | wc -l)"
done

# A link that works once
portal_start tok-once
order "https://localhost:$port/once/a.zip" x
status "a link that is the file" 0 run
first=$(receipt path)
status "again" 0 run
is "it is the same import" "$first" "$(receipt path)"
is "asked for once" 1 "$(requests 'once/a.zip')"

# --list is a use: it sends the answers, and its memory holds
portal_start tok-list
order "https://localhost:$port/portal?token=tok-list" wrong
status "--list with a wrong answer" 77 run --list
is "one answer" 1 "$(requests '^POST')"
status "the same answers for the fetch" 77 run
is "are not sent again" 1 "$(requests '^POST')"

# Another user of the same spool
mkdir other
status "nor for another user of the spool" 77 env HOME="$TMPDIR/other" USER=other LOGNAME=other "$fetch" \
    --cacert portal/ca.pem --json --order order.json
is "still one" 1 "$(requests '^POST')"
# Under another uid: people reach a spool through its account (sudo), whoever they are; no other account opens it
if [ "$(id -u)" -eq 0 ]; then
	cp "$fetch" mri-fetch-copy
	chmod 755 mri-fetch-copy
	chmod 644 order.json portal/ca.pem mri.conf
	chown -R daemon "$MRI_SPOOL"
	as() { _real=$1 _eff=$2; shift 2; setpriv --ruid="$_real" --euid="$_eff" --clear-groups env HOME=/nonexistent \
	    "$TMPDIR/mri-fetch-copy" --cacert portal/ca.pem --json --order order.json "$@"; }
	status "nor for two people of one account: the first" 77 as nobody daemon
	has "is refused by memory" 'refused before; they are not sent again' err
	status "the second" 77 as games daemon
	has "too" 'refused before; they are not sent again' err
	status "an account that is not the spool's" 77 as nobody nobody
	has "does not come so far" 'belongs to another account|cannot open the spool|Permission denied' err
	is "still one answer" 1 "$(requests '^POST')"
	cp order.json right.json
	sed 's/"wrong"/"other"/' right.json >order.json
	status "what one of them sends" 77 as nobody daemon
	is "is a second answer" 2 "$(requests '^POST')"
	status "the other does not send again" 77 as games daemon
	status "nor whoever else" 77 as daemon daemon
	is "that is all" 2 "$(requests '^POST')"
	cp right.json order.json
	chown -R root "$MRI_SPOOL"
fi
was=$(requests '^POST')

# --again
status "--again without a reason" 64 run --again ' '
status "--again sends them once more" 77 run --again 'the clinic called: the portal was repaired'
is "one more answer" $((was + 1)) "$(requests '^POST')"
ok "the audit log says why" grep -q 'again: the clinic called: the portal was repaired' "$MRI_SPOOL/audit/log"
status "without it they are refused as before" 77 run
is "and not sent" $((was + 1)) "$(requests '^POST')"
has "the message says how" 'again REASON' err
order "https://localhost:$port/portal?token=tok-list" right
status "the right answer" 0 run
first=$(receipt path)
status "--again fetches anew" 0 run --again 'the first copy was damaged'
ok "into another import" test "$first" != "$(receipt path)"
second=$(receipt path)
status "which the link then means" 0 run
is "without a request" "$second" "$(receipt path)"
status "--again with -o" 64 run -o files --again x
done_testing
