# One download that fails, seen and shared: --har and --explain hold every exchange and no secret, in no spelling.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
/usr/bin/python3 - <<'EOF'
import random, zipfile
random.seed(7)
with zipfile.ZipFile('portal/a.zip', 'w') as z:
    z.writestr('IMG1', random.randbytes(300000))
open('portal/r.pdf', 'wb').write(b'%PDF-1.4\n' + b'x' * 5000 + b'\n%%EOF\n')
EOF
# portal_start TOKEN QUIRKS
portal_start() {
	token=$1
	portal_run <<EOF
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"$token","base":"/elsewhere/api",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700317"},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"cañary \"pw\"/8f"}],
 "patient":{"name":"Kanarienvogel,Karla","birth_date":"1970-03-17","sex":"F","id":"PID-471188"},
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.840.99.3","date":"2026-09-01","modalities":"CT","description":"CT","files":1},
  {"id":"9","file":"r.pdf","mime":"application/pdf","description":"Befund"}],"quirks":[$2]}
EOF
	link="https://localhost:$port/portal?token=$token"
	jq -cn --arg link "$link" '{ref:"T-1",link:$link,factors:{PASSWORD:"cañary \"pw\"/8f"},
	    basis:{kind:"consent",reference:"form 1"},
	    patient:{id:"PID-471188",name:"Kanarienvogel^Karla",birth_date:"1970-03-17"}}' >order.json
}
# spellings FILE...: secrets that stand in them, whatever they are spelled like
spellings() {
	TOKEN=$token /usr/bin/python3 - "$@" <<'EOF'
import base64, json, os, sys, urllib.parse as u
raw = [os.environ['TOKEN'], 'cañary "pw"/8f', '19700317', '1970-03-17', '17.03.1970', '1970/03/17',
       'PID-471188', 'Kanarienvogel,Karla', '1.2.840.99.3']
found = 0
for path in sys.argv[1:]:
    data = open(path, 'rb').read()
    for n, s in enumerate(raw):
        b = s.encode()
        forms = {b, u.quote(s, safe='').encode(), u.quote_plus(s).encode(), u.quote(s, safe='').lower().encode(),
                 json.dumps(s)[1:-1].encode(), json.dumps(s, ensure_ascii=False)[1:-1].encode()}
        for enc in (base64.b64encode, base64.urlsafe_b64encode):
            for pad in range(3):
                forms.add(enc(b'\0' * pad + b)[(8 * pad + 5) // 6:8 * (pad + len(b)) // 6])
        for f in forms:
            if f in data:
                found += 1
                print(path, 'secret', n, f)
    if b'eyJ' in data:
        found += 1
        print(path, 'a JSON Web Token')
print(found, 'found')
EOF
}
run() { "$MRI_BIN/mri-fetch" --cacert portal/ca.pem "$@"; }

printf 'cañary "pw"/8f\n' >pw
portal_start canary-tok-3f9a7c21 '"busy-once"'
status "a fetch is recorded" 0 run --json --order order.json --har one.har --explain
cp err explained
is "mode 0600" 600 "$(stat -c %a one.har)"
ok "it is HAR 1.2" env NODE_PATH="$SRC/build/npm/node_modules" node -e '
require("har-validator").har(JSON.parse(require("fs").readFileSync("one.har", "utf8")))
    .then(() => {}, e => { console.log(JSON.stringify(e.errors)); process.exit(1) })'
is "as many entries as requests" "$(wc -l <portal/requests.log)" "$(jq '.log.entries | length' one.har)"
is "TLS is told" 'true true' "$(jq -r '[.log.entries[]._tls | .version + .cipher] | "\(length > 3) \(all(startswith("TLSv1.")))"' one.har)"
has "with the chain" 'Subject:CN' one.har
is "the package by size and type" "zip $(stat -c %s portal/a.zip)" \
	"$(jq -r '.log.entries[].response.content | select(._media == "zip") | "\(._media) \(.size)"' one.har)"
is "and by its sum" "$(sha256sum <portal/a.zip | cut -d' ' -f1)" \
	"$(jq -r '.log.entries[].response.content | select(._media == "zip") | ._sha256' one.har)"
is "one tag for one token, wherever it stands" 'token#1' \
	"$(grep -oE 'token#[0-9]+' one.har | sort -u)"
is "the answers are tags" 'true' "$(jq '[.log.entries[].request.postData.text // empty] | join("") | (test("birth#1") and test("password#1"))' one.har)"
is "the bearer is one" 'Bearer [bearer#1]' \
	"$(jq -r '.log.entries[].request.headers[] | select(.name == "Authorization").value' one.har | sort -u)"
is "no secret in the record, in no spelling" '0 found' "$(spellings one.har)"
has "explained: what it is" '^mri-fetch:     dlx: 2 questions' explained
is "the steps in their order" 'look login list fetch_1 fetch_2' "$(sed -n 's/^mri-fetch:   \([a-z]*\)\( [0-9]*\)\{0,1\}$/\1\2/p' explained | tr ' \n' '_ ' | sed 's/ $//')"
is "where the answers came from" 'PAT_BIRTH_DATE: from the patient of the order,PASSWORD: from the order,' \
	"$(grep -oE '[A-Z_]+: from .*' explained | tr '\n' ',')"
has "what is taken, and why" '    entry 1, study, CT, 1 files: taken: the order wants all studies' explained
has "documents too" '    entry 2, document: taken: the order wants documents' explained
has "what came" '    ZIP archive, [0-9]+ bytes, its end was seen' explained
has "explained: the exchanges" 'GET https://localhost:[0-9]+/elsewhere/api/list -> 200' explained
is "no secret in what was explained" '0 found' "$(spellings explained)"
ok "the search finds what is there" sh -c 'printf %s "$1" | base64 >seen' - "xx$token"
is "it says so" 1 "$(spellings seen | grep -c "seen secret 0")"

status "a file that is there is not overwritten" 73 run --order order.json --har one.har

status "nor is one made in the spool" 73 run --order order.json --har "$MRI_SPOOL/x.har"
ok "there is none" not test -e "$MRI_SPOOL/x.har"

# A wrong answer: the state stands in what is explained
portal_start canary-tok-77aa31 ''
jq -c '.factors.PASSWORD="no-such-canary"' order.json >o && mv o order.json
status "a wrong factor" 77 run --order order.json --har two.har --explain
cp err explained
has "explained: the refusal" '-> 401' explained
has "with its state and why" '    state credentials-wrong: the portal refuses the answers' explained
is "recorded too" 401 "$(jq '.log.entries[-1].response.status' two.har)"
hasnt "without the answer" 'no-such-canary' two.har
hasnt "nor in what was explained" 'no-such-canary' explained

portal_start canary-tok-77aa32 ''
status "one entry only" 0 run --order order.json --item 2 --explain --factor PASSWORD=@pw
has "the other is passed over" '    entry 1, study, CT, 1 files: passed over: not the entry of --item' err
has "an answer of a file" 'PASSWORD: from a file \(--factor\)' err

# Killed in the middle
portal_start canary-tok-90be12 '"busy-always"'
run --order order.json --har three.har 2>/dev/null &
pid=$!
ok "an entry is there" wait_for 20 test -s three.har
kill -9 "$pid"
wait "$pid" 2>/dev/null || :
ok "killed: what is there is JSON" jq -e '.log.entries | type == "array"' three.har
done_testing
