# A secret in every input, a portal that repeats them in every spelling, and nothing of them anywhere: record, bundle,
# what is explained, messages, receipts, spool, command lines and environments of the processes at work.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
fetch=$MRI_BIN/mri-fetch
scan() { /usr/bin/python3 "$SRC/tests/tool/canaries.py" secrets "$@"; }
cat >secrets <<'END'
canary/tok+3f9a ü7c21
19700317
cañary "pw"/8f
canary-code-99b2
canary-cookie-5e1f09
JBSWY3DPEHPK3PXPCANARY22
canary-bearer-token-41c8
canary-basic-pw-9d2e
canary-passcode-6ab0
canary-shl-path-0c4d
canary-jwt-77aa31
END
secret() { sed -n "$1p" secrets; }
for n in 3 4 6 7 8 9; do secret $n >s$n; chmod 600 s$n; done
"$MRI_TOOL/mkstudy" --zip portal/a.zip --slices 1 --patient-name 'Muster^Eva' --birth 19700317 >/dev/null
echo right >mode
/usr/bin/python3 "$SRC/tests/tool/canary-portal.py" portal/portal.pem portal/a.zip mode hold >port.canary 2>portal.err &
_pids=$!
wait_for 10 grep -q port port.canary
at=$(sed -n 's/^port //p' port.canary)
base=https://localhost:$at
cat >>mri.conf <<END
[portal bearer]
dicomweb = $base/bearer
token_file = $TMPDIR/s7
[portal basic]
dicomweb = $base/basic
user = mri
password_file = $TMPDIR/s8
END
order() {	# LINK
	jq -cn --arg l "$1" --rawfile pw s3 '{ref:"C-1",link:$l,basis:{kind:"consent",reference:"form"},
	    factors:{PASSWORD:($pw | rtrimstr("\n"))},patient:{name:"Muster^Eva",birth_date:"1970-03-17"}}' >order.json
}
token=$(/usr/bin/python3 -c 'import sys, urllib.parse; print(urllib.parse.quote(open("secrets", encoding="utf-8").readline().rstrip("\n"), safe=""))')
order "$base/first?token=$token"
run() { "$fetch" --cacert portal/ca.pem --json --explain -vv "$@"; }
dlx() { run --order order.json --factor CUSTOM=@s4 --factor OTP=totp:@s6 --har "$1.har"; }
mkdir said
keep() { cp out "said/$1.out"; cp err "said/$1.err"; }

# Held in the middle: what others can see of the processes
: >hold
dlx one >said/one.out 2>said/one.err &
pid=$!
ok "the portal holds the list back" wait_for 20 test -e hold.here
is "command lines and environments" '0 found' "$(scan processes)"
ok "there were processes to look at" test "$(pgrep -c mri-fetch)" -ge 3
rm hold
got=0
wait "$pid" || got=$?
is "the fetch comes to its end" 0 "$got"
echo wrong >mode
order "$base/first?token=$token&other=1"
status "refused answers" 77 dlx two
keep two
status "a configured token" 77 run --portal bearer --study 1.2.3 --basis consent --reference f --har three.har
keep three
status "a configured password" 77 run --portal basic --study 1.2.3 --basis consent --reference f --har four.har
keep four
payload=$(/usr/bin/python3 -c 'import base64, json, sys; print(base64.urlsafe_b64encode(json.dumps({"url": sys.argv[1] + "/canary-shl-path-0c4d",
    "key": base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("="), "flag": "P", "label": "x"}).encode()).decode().rstrip("="))' "$base")
order "shlink:/$payload"
status "a passcode" 77 run --order order.json --factor PASSWORD=@s9 --har five.har
keep five
id=$(ls spool/import)
status "a bundle of the first" 0 "$MRI_BIN/mri-portal" bundle --har one.har -o b.tar "$id"
mkdir b && tar xf b.tar -C b
status "a replay of it" 0 "$MRI_BIN/mri-portal" replay one.har
keep replay
rm -f out err

ok "the portal did repeat them" test "$(jq -r '.log.entries[].response.content.text // ""' one.har | grep -o '#[0-9]*\]' | wc -l)" -gt 100
for what in one.har two.har three.har four.har five.har said b spool; do
	is "nothing in $what" '0 found' "$(scan $what)"
done
for kind in token birth password code bearer cookie; do
	has "but its tag: $kind" "\[$kind#1\]" one.har
done
hasnt "no JSON Web Token" 'eyJ' one.har
secret 3 | base64 -w0 >seen
is "the search finds what is there" 'seen: secret 3, base64 +0' "$(scan seen | head -1)"
done_testing
