# A recorded download once more, without a network: the same steps, and the nearest entry where something has changed.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
/usr/bin/python3 - <<'END'
import random, zipfile
random.seed(7)
with zipfile.ZipFile('portal/a.zip', 'w') as z:
    z.writestr('IMG1', random.randbytes(50000))
open('portal/r.pdf', 'wb').write(b'%PDF-1.4\n' + b'x' * 5000 + b'\n%%EOF\n')
END
fetch=$MRI_BIN/mri-fetch
# portal_start TOKEN PASSWORD QUIRKS
portal_start() {
	portal_run <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"$1","base":"/dlx/v1",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700317"},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"$2"}],
 "patient":{"name":"Kanarienvogel,Karla","birth_date":"1970-03-17","sex":"F","id":"PID-471188"},
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.840.99.3","date":"2026-09-01","modalities":"CT","description":"CT","files":1},
  {"id":"9","file":"r.pdf","mime":"application/pdf","description":"Befund"}],
 "files":{"/share/a.zip":"a.zip"},"quirks":[$3]}
END
	jq -cn --arg link "https://localhost:$port/portal?token=$1" '{ref:"T-1",link:$link,factors:{PASSWORD:"answer-8f"},
	    basis:{kind:"consent",reference:"form 1"},
	    patient:{id:"PID-471188",name:"Kanarienvogel^Karla",birth_date:"1970-03-17"}}' >order.json
}
run() { "$fetch" --cacert portal/ca.pem "$@"; }
replay() { "$MRI_BIN/mri-portal" replay "$@"; }
# change OUT FILTER: one.har with something changed
change() { jq "$2" one.har >"$1"; }

portal_start tok-one answer-8f ""
status "a fetch is recorded" 0 run --order order.json --har one.har
portal_start tok-two another ''
status "and one with a wrong answer" 77 run --order order.json --har two.har
link="https://localhost:$port/share/a.zip"
status "and a direct one" 0 run --basis consent --reference x --har three.har "$link"
portal_stop

status "the first one runs without a portal" 0 env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=network -o net.txt "$MRI_BIN/mri-portal" replay one.har
cp out steps
is "each step ends as it did" 'look same ok,login same ok,list same ok,fetch 1 same ok,fetch 2 same ok,' \
	"$(grep -v '^ ' steps | cut -f1-3 | grep -v '^session' | tr '\t\n' ' ,')"
has "the bytes of a package are not recorded" "^fetch 1.*ZIP archive	$(stat -c %s portal/a.zip) bytes, not recorded" steps
has "each exchange is shown" '^    POST https://localhost:[0-9]+/dlx/v1/tokentfa/\[token#1\] -> 200' steps
is "as many as were recorded" "$(jq '.log.entries | length' one.har)" "$(grep -c '^    [A-Z]* https:' steps)"
is "no socket was made" 0 "$(grep -cE '(^|[^a-z])(socket|connect)\(' net.txt || :)"
ok "and the trace would show one" grep -q 'socketpair(' net.txt
status "as JSON" 0 replay --json one.har
is "the sum of a package is that of the file" "$(sha256sum <portal/a.zip | cut -d' ' -f1) false" \
	"$(jq -r 'select(.step == "fetch 1").package | "\(.sha256) \(.recorded)"' out)"
status "a refusal is reproduced" 0 replay two.har
has "with its state" '^login	same	credentials-wrong' out
status "a direct link" 0 replay three.har
has "is its package" '^look	same	ok	ZIP archive' out

change x.har '(.log.entries[] | select(._step == "list").request.url) |= sub("list"; "listing")'
status "a request that is made otherwise now" 1 replay x.har
has "the step is named" '^list	differs	' out
has "and the nearest entry with what differs" "x.har: session 1, step list: the recording has no answer to GET /dlx/v1/list; the nearest is entry 3: segment 3 of the path is 'listing' there and 'list' here" err
change x.har '(.log.entries[] | select(._step == "login" and .request.postData).request.postData.text) |= sub("questionId"; "question")'
status "a field that has another name now" 1 replay x.har
has "is named" "the member 'question' of the body is only there" err
change x.har '(.log.entries[] | select(._step == "list" and .response.status == 200).response.status) = 404'
status "another answer, another end" 1 replay x.har
has "says both" 'step list: it ended with success then, and with not-found now' err
change x.har '.log.entries |= (.[0:1] + [.[1] | del(._state)] + .[1:])'	# one twice
status "an exchange that nobody asks for any more" 1 replay x.har
has "is counted" '1 exchanges that were recorded are not asked for any more' err
change x.har 'del(.log.entries[] | select(._step | startswith("fetch"))) | del(.log.entries[-1]._state)'
status "a recording that was cut off is no difference" 0 replay x.har
has "it ends there" '^list	unfinished	' out

jq '.log.creator.name = "Firefox"' one.har >x.har
status "a browser's HAR" 65 replay x.har
has "what to do" 'record with --har' err
printf '{"log":' >x.har
status "no HAR" 65 replay x.har
status "no file" 66 replay nowhere.har
status "without a file" 64 replay
jq -s '.[0].log.entries += .[1].log.entries | .[0]' one.har two.har >x.har
status "two sessions in one file" 0 replay x.har
has "one after the other" '^session 2	dlx' out
done_testing
