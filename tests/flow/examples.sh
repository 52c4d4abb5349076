# The recipes that people start from do what they say: both worked examples, the one of the manual's tutorial, and DLX
# as a recipe.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
"$MRI_TOOL/mkstudy" --out s --slices 16 --study-uid 1.2.826.0.1.3680043.10.999.1 \
    --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
(cd s && zip -qr ../portal/a.zip .)
printf '%%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%%%EOF\n' >portal/r.pdf
/usr/bin/python3 "$SRC/tests/tool/example-portal.py" portal/portal.pem portal/a.zip portal/r.pdf >port.txt 2>requests &
_pids="$_pids $!"
wait_for 10 grep -q port port.txt
at=localhost:$(sed -n 's/^port //p' port.txt)
here() { # here RECIPE HOST...: with our portal in place of its hosts, and in a hurry
	_r=$1 _s='s|every="2s"|every="50ms"|; s|min-delay="[0-9a-z]*"|min-delay="1ms"|'
	shift
	for _h in "$@"; do
		_m=$(printf %s "$_h" | sed 's|\.|\\\\.|g')
		_s="$_s; s|https://$_m|https://$at|; s|https://$_h|https://$at|; s|\(hosts=.*\)$_h|\1localhost|"
	done
	sed "$_s" "$_r" >"${_r##*/}"
	"$MRI_BIN/mri-portal" check "./${_r##*/}" >/dev/null
}
order() { # order LINK [NAME]
	jq -cn --arg l "$1" --arg n "${2:-Muster^Eva}" '{link:$l,ref:"R-1",basis:{kind:"consent",reference:"form"},
	    patient:{id:"P-77",name:$n,birth_date:"1970-01-01"}}' >order.json
}
run() { : >requests; rm -rf got; "$MRI_BIN/mri-fetch" --cacert portal/ca.pem --order order.json -o got "$@"; }
asked() { grep -cE "$1" requests || :; }
same() { for f in got/*.zip; do cmp -s "$f" portal/a.zip || return 1; done; }

# example-form.xml
here "$SRC/share/recipes/example-form.xml" images.example.org cdn.example.org
echo ABCDEFGH1234 >code
echo OTPDEFGH1234 >code.otp
echo 424242 >otp
order "https://$at/"
status 'form: everything comes' 0 run --recipe ./example-form.xml --factor code=@code
is 'form: three studies and a report' '3 1' "$(ls got/*.zip | wc -l) $(ls got/*.pdf | wc -l)"
ok 'form: byte for byte' same
is 'form: one login, one export each' '1 3' "$(asked 'POST /anmelden') $(asked 'POST /export')"
status 'form: the number of a text message where it is wanted' 0 run --recipe ./example-form.xml \
    --factor code=@code.otp --factor otp=@otp --item 1 --explain --har form.har
is 'form: was sent' 1 "$(asked 'POST /nummer')"
has 'form: --explain tells each extract' '<extract>: uid = .*(secret|a UID)' err
hasnt 'form: and none that is private' '1\.2\.826|OTPDEFGH1234|424242|19700101|1970-01-01|01\.01\.1970|/file/[0-9a-f]{16}' err
has 'form: the record has a tag for the link of the file, relative as it is' '.url..: ...?(/file/)?\[[a-z]+#[0-9]+\]' form.har
hasnt 'form: and no secret' 'OTPDEFGH1234|424242|19700101|1970-01-01|01\.01\.1970|/file/[0-9a-f]{16}' form.har
hasnt 'form: nor the token of a hidden field' '_csrf=[0-9a-f]|value=.{0,3}[0-9a-f]{32}' form.har
has 'form: but its tag, in the page and where it was sent' '_csrf=.hidden#1' form.har
order "https://$at/?code=ABCDEFGH1234"
status 'form: a link with the code in it asks for nothing' 0 run --recipe ./example-form.xml --list
is 'form: it lists all, with what is claimed' '3 1' "$(grep -c 'study.*16' out) $(grep -c document out)"
is 'form: and prepares nothing' 0 "$(asked 'POST /export')"

# a page that somebody has changed: its form would send the answers elsewhere
sed "s|<get url=\"https://$at/\"/>|<get url=\"https://$at/evil\"/>|" example-form.xml >evil.xml
status 'form: one that leads out of the scope' 76 run --recipe ./evil.xml --factor code=@code
has 'form: is told' 'not in the scope' err
is 'form: and nothing is sent' '1 0' "$(asked 'GET /evil') $(asked POST)"

# example-json.xml: the API on one name, the store on another
here "$SRC/share/recipes/example-json.xml" app.example.com api.example.com store.example.net
# an author who forgot that the patient is a secret
sed 's|<scope hosts="localhost localhost"|<scope hosts="localhost 127.0.0.1"|; /"\/patient/s| secret="yes"||' \
    example-json.xml >json.xml
order "https://$at/s/Share-5a1b2c3d4e5f6a7b" 'Müller^Jörg'
status 'json: everything comes' 0 run --recipe ./json.xml --explain --har json.har
is 'json: three studies' 3 "$(ls got/*.zip | wc -l)"
ok 'json: byte for byte' same
for f in err json.har; do
	hasnt "json: neither person, UID nor token in $f" 'ller|19700101|1970-01-01|01\.01\.1970|1\.2\.826|eyJhbGci|5a1b2c3d' $f
done
is 'json: the store, which refuses a bearer, is asked once each' 3 "$(asked 'GET /store/')"
order "https://$at/s/Share-5a1b2c3d4e5f6a7b"
status 'json: a stranger on the list: nothing comes' 1 run --recipe ./json.xml
is 'json: and no link is made' 0 "$(asked 'POST /v2/studies')"
order "https://$at/s/Share-wrong-wrong-wron"
status 'json: a wrong key' 77 run --recipe ./json.xml
has 'json: with the attempts that are left' 'attempts left: 4' err

# the tutorial of mri-recipe(5)
mandoc -Tascii -Owidth=120 "$SRC/man/mri-recipe.5" | sed 's/.\x08//g' |
    awk '/<recipe .* id="klinik-example"/ { on = 1 } on { print } /<\/recipe>/ { on = 0 }' >tutorial.in
sed "s|https://bilder[\\\\]*.klinik[\\\\]*.example|https://$at/klinik|; s|hosts=\"[a-z.]*|hosts=\"localhost|
    s|min-delay=\"1s\"|min-delay=\"1ms\"|" tutorial.in >tutorial.xml
echo 12345678 >nummer
echo 87654321 >nummer.wrong
order "https://$at/klinik/"
status 'tutorial: everything comes' 0 run --recipe ./tutorial.xml --factor nummer=@nummer
is 'tutorial: three studies' 3 "$(ls got/*.zip | wc -l)"
ok 'tutorial: byte for byte' same
# what stands behind a download looks at the row again, until there is another request
sed 's|^ *</for-each>|<extract name="again" xpath=".//a/@href" type="url"/>\n&|
    s|</for-each>|<download url="{again}" as="study" type="zip"/>\n&|' tutorial.xml >behind.xml
status 'an extract behind a download' 0 run --recipe ./behind.xml --factor nummer=@nummer
is 'finds what the row has' 6 "$(ls got/*.zip | wc -l)"
status 'tutorial: a wrong number' 77 run --recipe ./tutorial.xml --factor nummer=@nummer.wrong
has 'tutorial: with the attempts that are left' 'attempts left: 2' err

# a key in a header: it goes along to the next pages, and to no other host
cat >keyed.xml <<END
<recipe xmlns="urn:mri:recipe:1" id="keyed" version="1">
  <about vendor="Test" tested="2026-11"/>
  <match url="^https://$at/keyed/$"/>
  <input name="link" type="url" ask="Link"/>
  <scope hosts="localhost 127.0.0.1" redirects="1"/>
  <limits min-delay="1ms"/>
  <run>
    <get url="https://$at/keyed/in"/>
    <extract name="key" header="X-Key" secret="yes"/>
    <get url="https://$at/keyed/list"><header name="X-Key" value="{key}"/></get>
    <for-each json="" as="item" min="1">
      <paginate link="next" max="5"/>
      <extract name="uid" json="/uid" type="uid"/>
      <get url="https://$at/keyed/hop"><header name="X-Key" value="{key}"/></get>
      <download url="https://127.0.0.1:${at#*:}/keyed/there" as="study" study="{uid}" type="zip"/>
    </for-each>
  </run>
</recipe>
END
order "https://$at/keyed/"
status 'keyed: everything comes' 0 run --recipe ./keyed.xml
is 'keyed: of three pages' 3 "$(ls got/*.zip | wc -l)"
sed 's| redirects="1"| redirects="0"|' keyed.xml >strict.xml
status 'keyed: a scope without redirects' 76 run --recipe ./strict.xml
has 'keyed: says so' 'redirects more than 0 times' err

sed 's|/keyed/list|/keyed/many|' keyed.xml >many.xml
status 'keyed: a list of more UIDs than secrets are kept of' 0 run --recipe ./many.xml --list --explain --har many.har
is 'keyed: is listed whole' 1500 "$(wc -l <out)"
hasnt 'keyed: and stands in no record' '1\.2\.826' many.har

# DLX as a recipe, with a question of each kind, and the quirks of real ones
sed 's|min-delay="500ms"|min-delay="1ms"|' "$SRC/share/recipes/dlx.xml" >dlx.xml
portal_run <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"tok-3f9a7c21","base":"/elsewhere/api",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700101"},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"s3cret-pw"},
  {"id":"3","type":"CUSTOM","format":"STRING","answer":"blau"}],
 "patient":{"name":"Mustermann,Max","birth_date":"1970-01-01","sex":"M"},
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.3","date":"2026-09-01","modalities":"CT","description":"CT",
  "files":1}],
 "quirks":["numbers","cut-once","no-length"]}
END
echo s3cret-pw >password
echo blau >colour
echo rot >colour.wrong
order "https://localhost:$port/portal?token=tok-3f9a7c21" 'Mustermann^Max'
status 'dlx: everything comes' 0 run --recipe ./dlx.xml --factor password=@password --factor CUSTOM=@colour
ok 'dlx: byte for byte' same
status 'dlx: a wrong answer' 77 run --recipe ./dlx.xml --factor password=@password --factor CUSTOM=@colour.wrong
status 'dlx: an answer that nobody gives' 77 run --recipe ./dlx.xml --factor password=@password
order "https://localhost:$port/portal?token=tok-3f9a7c21" 'Fremd^Anna'
is 'dlx: answers go once, and none where one is missing' '1 200 1 401' \
    "$(grep tokentfa portal/requests.log | grep -oE '[0-9]+$' | sort | uniq -c | awk '{print $1, $2}' | paste -sd' ')"
status 'dlx: a stranger' 1 run --recipe ./dlx.xml --factor password=@password --factor CUSTOM=@colour
done_testing
