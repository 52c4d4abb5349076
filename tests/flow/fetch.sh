# mri-fetch against the demo portal and one that is not ours: whole ways, refusals, resume, kill.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
. "$SRC/tests/portal.sh"
python3 - <<'EOF'
import random, zipfile
random.seed(7)
for name, size in (('a', 300000), ('b', 200), ('c', 5000)):
    with zipfile.ZipFile('portal/%s.zip' % name, 'w') as z:
        z.writestr('IMG1', random.randbytes(size))
open('portal/r.pdf', 'wb').write(b'%PDF-1.4\n' + b'x' * 5000 + b'\n%%EOF\n')
open('portal/cut.zip', 'wb').write(open('portal/a.zip', 'rb').read()[:250000])
EOF

# portal_start ITEMS QUIRKS [TOKEN]: on the same port each time
portal_start() {
	token=${3:-tok-3f9a7c21}
	portal_run <<EOF
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"$token","base":"/elsewhere/api",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700101"},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"s3cret-pw"}],
 "patient":{"name":"Mustermann,Max","birth_date":"1970-01-01","sex":"M"},
 "items":[$1],"quirks":[$2],"files":{"/share/a.zip":"a.zip","/share/cut.zip":"cut.zip","/share/r":"r.pdf"}}
EOF
	link="https://localhost:$port/portal?token=$token"
}
# order LINK PASSWORD [STUDIES [BIRTHDATE]]
order() {
	jq -cn --arg link "$1" --arg pw "$2" --argjson studies "${3:-[]}" --arg birth "${4:-1970-01-01}" \
	    '{ref:"T-1",link:$link,factors:{PASSWORD:$pw},basis:{kind:"consent",reference:"form 1"},
	      patient:{id:"PID-4711",name:"Mustermann^Max",birth_date:$birth}} + (if $studies == [] then {} else {studies:$studies} end)' >order.json
}
run() { "$fetch" --cacert portal/ca.pem "$@"; }
imports() { ls "$MRI_SPOOL/import" | wc -l; }
incoming() { ls "$MRI_SPOOL/incoming" | wc -l; }

ct='{"id":"1","file":"a.zip","study_uid":"1.2.3","date":"2026-09-01","modalities":"CT","description":"CT","files":1}'
mr='{"id":"2","file":"b.zip","study_uid":"1.2.4","date":"2026-08-01","modalities":"MR","description":"MR","files":1}'
us='{"id":"3","file":"c.zip","study_uid":"1.2.5","date":"2026-07-01","modalities":"US","description":"US","files":1}'
pdf='{"id":"9","file":"r.pdf","mime":"application/pdf","description":"Befund"}'

# The whole way, with the quirks that portals have
portal_start "$ct,$pdf" '"numbers","busy-once","cut-once","no-length"'
order "$link" s3cret-pw
status "a portal with quirks is fetched" 0 run --json --order order.json
is "every line is JSON" true "$(jq -s 'length == 2' out)"
is "the receipt says ok" ok "$(jq -r 'select(.type=="receipt").status' out)"
is "two packages" 2 "$(jq -r 'select(.type=="receipt").packages' out)"
import=$(jq -r 'select(.type=="receipt").path' out)
ok "what it names is an import" test -d "$import/package"
is "one login" 1 "$(requests '^POST')"
is "the cut download was made twice" 2 "$(requests 'download/1 200')"
"$MRI_BIN/mri-spool" key "${import##*/}" >key 2>/dev/null
chmod 600 key
ok "package 1 is the portal's file" sh -c 'age -d -i key "$1/package/001" | cmp - portal/a.zip' - "$import"
ok "package 2 is the PDF" sh -c 'age -d -i key "$1/package/002" | cmp - portal/r.pdf' - "$import"
age -d -i key "$import/claim/001" >claim
is "the claim has the sum" "$(sha256sum <portal/a.zip | cut -d' ' -f1)" "$(jq -r .sha256 claim)"
is "the claim has the study" 1.2.3 "$(jq -r '.studies[0].study_uid' claim)"
age -d -i key "$import/order" >stored
hasnt "the stored order has no secret" 's3cret-pw|tok-3f9a|/portal' stored
has "the stored order has the host" '"link_host":"localhost"' stored
for secret in tok-3f9a7c21 'portal?token' s3cret-pw 19700101 1970-01-01 Mustermann PID-4711 eyJhbGci; do
	ok "nowhere in clear under the spool: $secret" not grep -rqF -e "$secret" "$MRI_SPOOL"
	ok "not in messages: $secret" not grep -qF -e "$secret" err
done

: >portal/requests.log
status "the same link again" 0 run --json --order order.json
is "is the same import" "$import" "$(jq -r 'select(.type=="receipt").path' out)"
is "said to be again" true "$(jq -r 'select(.type=="receipt").again' out)"
is "without a request" 0 "$(requests .)"
is "and no second import" 1 "$(imports)"

# Answers
portal_start "$ct" '' tok-wrong
order "$link" no-such-pw
status "a wrong factor" 77 run --json --order order.json
is "reason by name" credentials-wrong "$(jq -r 'select(.type=="receipt").state' out)"
has "says that the two cannot be told apart" 'does not know the link' err
is "one POST" 1 "$(requests '^POST')"
: >portal/requests.log
status "the same again is refused" 77 run --order order.json
is "without asking the portal" 0 "$(requests .)"
order "HTTPS://LOCALHOST:$port/portal?token=$token#part" no-such-pw
jq -c '.factors.PAT_BIRTH_DATE="1970-01-01"' order.json >o && mv o order.json
status "nor with link and date spelled otherwise" 77 run --order order.json
is "without asking the portal" 0 "$(requests .)"
order "$link" no-such-pw
jq -c '.factors.CUSTOM="never asked for"' order.json >o && mv o order.json
status "nor beside a factor that nobody asks for" 77 run --order order.json
is "which the portal is asked for, and sent nothing" "1 0" "$(requests '^GET') $(requests '^POST')"
order "$link" s3cret-pw
status "other answers may be sent" 0 run --order order.json
portal_start "$ct" '"expired"' tok-old
order "$link" s3cret-pw
status "an expired link" 69 run --order order.json
has "with advice" 'activate the link again' err
portal_start "$ct" '' tok-real
order "https://localhost:$port/portal?token=tok-unknown" s3cret-pw
status "an unknown token gets a decoy question" 77 run --order order.json
is "answered once" 1 "$(requests '^POST')"
order "$link" s3cret-pw
jq -c 'del(.factors)' order.json >o && mv o order.json
status "a factor that nobody gave" 77 run --order order.json
has "is named" 'PASSWORD' err
is "and nothing was sent" 1 "$(requests '^POST')"
printf 's3cret-pw\n' >pw
status "given by --factor" 0 run --order order.json --factor PASSWORD=@pw
portal_start "$ct" '"busy-login"' tok-busylogin
order "$link" s3cret-pw
status "a portal that is busy at the login: later" 75 run --order order.json
is "it was one POST" 1 "$(requests '^POST')"
status "and later it works" 0 run --order order.json
portal_start "$ct" '"fail-login"' tok-faillogin
order "$link" s3cret-pw
status "a portal that fails at the login: once more" 75 run --order order.json
status "and that is the last time" 75 run --order order.json
status "it may have counted them" 77 run --order order.json
has "says so" 'without a verdict' err
is "two POSTs" 2 "$(requests '^POST')"
portal_start "$ct,$mr" '"session"' tok-session
order "$link" s3cret-pw
status "a session that is lost is renewed once" 0 run --order order.json
is "by a second login" 2 "$(requests '^POST')"

# Before the first byte
portal_start "$ct,$mr,$us" '' tok-patient
order "$link" s3cret-pw '[]' 1970-10-01
jq -c '.factors.PAT_BIRTH_DATE="1970-01-01"' order.json >o && mv o order.json
n=$(imports)
status "the list is another patient's" 1 run --json --order order.json
is "by name" wrong-patient "$(jq -r 'select(.type=="receipt").state' out)"
is "no download" 0 "$(requests download)"
is "nothing on disk" "$n 0" "$(imports) $(incoming)"
hasnt "no date in the message" '1970' err
order "$link" s3cret-pw '[{"date":"2026-08-01","modality":"MR"}]'
status "an order for one of three studies" 0 run --json --order order.json
is "takes that one" 1 "$(jq -r 'select(.type=="receipt").packages' out)"
is "only" "1 0 0" "$(requests download/2) $(requests download/1) $(requests download/3)"
portal_start "$ct,$mr,$us" '' tok-none
order "$link" s3cret-pw '[{"date":"2020-08-01"}]'
status "an order for none of them" 1 run --order order.json
is "takes nothing" 0 "$(requests download)"
order "$link" s3cret-pw
status "--list" 0 run --json --list --order order.json
is "shows three" 3 "$(jq -s '[.[] | select(.type=="offer")] | length' out)"
is "takes nothing" 0 "$(requests download)"
status "--study" 0 run --study 1.2.5 --order order.json
is "takes that one" "0 0 1" "$(requests download/1) $(requests download/2) $(requests download/3)"
portal_start "$ct,$mr,$us" '' tok-item
order "$link" s3cret-pw
status "--item past the list" 69 run --item 4 --order order.json
status "--item" 0 run --item 2 --order order.json
is "takes that one" "0 1 0" "$(requests download/1) $(requests download/2) $(requests download/3)"
portal_start "$ct" '' tok-basis
order "$link" s3cret-pw
jq -c 'del(.basis)' order.json >nobasis.json
status "no legal basis" 77 run --order nobasis.json
is "no request" 0 "$(requests .)"
status "-n asks nobody" 0 run -n --order order.json
is "no request" 0 "$(requests .)"
status "basis by option" 0 run --order nobasis.json --basis treatment --reference 'case 5'

# Cut, waiting, resume
portal_start "$ct,$mr" '"later"' tok-later
order "$link" s3cret-pw
status "an entry that comes later" 75 run --json --order order.json
is "by name" busy "$(jq -r 'select(.type=="receipt").state' out)"
is "waits in incoming" 1 "$(incoming)"
is "the first is held" 1 "$(requests 'download/1 200')"
portal_start "$ct,$mr" '' tok-later
status "goes on" 0 run --json --order order.json
is "is not fetched again" "0 1" "$(requests download/1) $(requests download/2)"
is "nothing waits" 0 "$(incoming)"
is "both are there" 2 "$(ls "$(jq -r 'select(.type=="receipt").path' out)/package" | wc -l)"
portal_start "$ct" '"cut-always","no-length"' tok-cut
order "$link" s3cret-pw
status "a download that is cut every time" 75 run --order order.json
ok "was tried again" test "$(requests download/1)" -gt 1
is "and waits" 1 "$(incoming)"
is "with no package" 0 "$(ls "$MRI_SPOOL"/incoming/*/package | wc -l)"
portal_start "$ct" '"chunked"' tok-cut
status "comes in the end" 0 run --order order.json
portal_start "$ct" '"cut-always","chunked"' tok-chunk
order "$link" s3cret-pw
status "a chunked body that is cut" 75 run --order order.json
portal_start "$ct" '"cut-always"' tok-len
order "$link" s3cret-pw
status "a body shorter than its Content-Length" 75 run --order order.json
portal_start "$ct,$mr" '"lost"' tok-lost
order "$link" s3cret-pw
n=$(imports)
status "an entry that the portal lacks" 69 run --json --order order.json
is "the rest is an import" "$((n + 1)) partial" "$(imports) $(jq -r 'select(.type=="receipt").status' out)"
status "and again" 65 run --json --order order.json
is "partial it stays" partial "$(jq -r 'select(.type=="receipt").status' out)"

# kill -9 while the portal is busy at the download
portal_start "$ct,$mr" '"busy-once"' tok-kill
order "$link" s3cret-pw
before=$(incoming)
"$fetch" --cacert portal/ca.pem --order order.json >/dev/null 2>&1 &
pid=$!
wait_for 20 sh -c 'test "$(grep -c "download/1 503" portal/requests.log)" -ge 1'
kill -9 "$pid"
wait "$pid" 2>/dev/null || :
is "the killed one waits" "$((before + 1))" "$(incoming)"
status "and is finished by the next run" 0 run --json --order order.json
is "whole" 2 "$(jq -r 'select(.type=="receipt").packages' out)"
is "nothing of it is left" "$before" "$(incoming)"
status "fsck finds nothing" 0 "$MRI_BIN/mri-spool" fsck

# Where it may go
portal_start "$ct" '"redirect","object","nested"' tok-redir
order "$link" s3cret-pw
status "a redirect, an object for the array, a list in a list" 0 run --order order.json
portal_start "$ct" '"elsewhere"' tok-else
order "$link" s3cret-pw
status "a redirect to http" 77 run --order order.json
is "goes nowhere" 1 "$(requests .)"
portal_start "$ct" '' tok-addr
order "$link" s3cret-pw
sed '/^allow/d' mri.conf >closed.conf
status "a private address that is not allowed" 77 run -c closed.conf --order order.json
has "says so" 'private network' err
status "a CA that is not trusted" 77 "$fetch" --order order.json
has "says so" 'not trusted' err
is "no request was made" 0 "$(requests .)"
portal_start "$ct" '"html"' tok-html
order "$link" s3cret-pw
status "a web page in place of the ZIP" 76 run --order order.json

# Direct links, folders, stdin
portal_start "$ct" ''
share="https://localhost:$port/share/a.zip"
n="$(imports) $(incoming)"
status "--list of a direct link" 0 run --json --list --basis consent --reference x "$share"
is "shows the file" 1 "$(jq -s '[.[] | select(.type=="offer")] | length' out)"
is "and takes nothing" "$n" "$(imports) $(incoming)"
: >portal/requests.log
status "a direct link on stdin" 0 sh -c 'printf "%s\n" "$1" | "$2" --cacert portal/ca.pem --basis consent --reference x -' - "$share" "$fetch"
is "is asked for once" 1 "$(requests share/a.zip)"
is "is the file" 1 "$(ls "$(cat out)/package" | wc -l)"
status "again" 0 sh -c 'printf "%s\n" "$1" | "$2" --cacert portal/ca.pem --basis consent --reference x -' - "$share" "$fetch"
is "without a request" 1 "$(requests share/a.zip)"
status "a ZIP that the portal itself cut" 65 sh -c 'printf "%s\n" "$1" | "$2" --json --cacert portal/ca.pem --basis consent --reference x -' - "https://localhost:$port/share/cut.zip" "$fetch"
is "is partial" partial "$(jq -r 'select(.type=="receipt").status' out)"
status "without a spool" 0 run -o files --basis consent --reference x "$share"
has "a link among the arguments is warned of" 'warning' err
hasnt "and not shown" 'share/a.zip' err
ok "an ordinary file" cmp files/001.zip portal/a.zip
is "named absolutely" "$TMPDIR/files/001.zip" "$(cat out)"
{ order "$share" x; cat order.json; order "https://localhost:$port/share/r" x; cat order.json; } >many.json
status "many orders" 0 run -o files --order many.json
is "a file each" 2 "$(wc -l <out)"

portal_stop
order "https://localhost:$port/portal?token=tok-gone" s3cret-pw
status "nobody listens: later" 75 run --order order.json

# A portal that is not ours
python3 "$SRC/tests/tool/foreign-portal.py" portal/portal.pem portal/a.zip portal/r.pdf >port.txt 2>foreign.log &
portal_pid=$!
wait_for 20 grep -q port port.txt
foreign=$(cut -d' ' -f2 port.txt)
jq -cn --arg l "https://localhost:$foreign/p/Fremd-77aa41" '{link:$l,basis:{kind:"treatment",reference:"case"},
    patient:{id:"7",name:"Müller^Jörg",birth_date:"1970-01-01"}}' >order.json
status "a portal that is not ours" 0 run --json --order order.json
is "gives both" 2 "$(jq -r 'select(.type=="receipt").packages' out)"
is "after one login" 1 "$(grep -c login foreign.log)"
import=$(jq -r 'select(.type=="receipt").path' out)
"$MRI_BIN/mri-spool" key "${import##*/}" >key 2>/dev/null
ok "byte for byte" sh -c 'age -d -i key "$1/package/001" | cmp - portal/a.zip' - "$import"
for secret in Fremd-77aa41 Müller eyJ0eXAi; do
	ok "nowhere in clear: $secret" not grep -rqF -e "$secret" "$MRI_SPOOL" err
done
portal_stop
done_testing
