# Recipes that came with mri-tools, against real shapes of portals: DLX in the words of the language, beside the built-in
# one, and the worked example of an API, with a bearer, a store on another host, links that work once.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
. "$SRC/tests/portal.sh"
export LC_ALL=C
mkdir files
for n in 1 2 3; do
	"$MRI_TOOL/mkstudy" --out "s$n" --slices 4 --seed $n --study-uid 1.2.826.0.1.3680043.10.999.6$n \
	    --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
	(cd "s$n" && zip -qr "../files/$n.zip" .)
done
cp files/1.zip files/2.zip portal/
came() { for f in out.d/*.zip; do sha256sum <"$f"; done | sort; }
given() { for n; do sha256sum <"files/$n.zip"; done | sort; }

# DLX, by our demo portal: all kinds of questions, a session that ends, a busy server
portal_run <<EOF2
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"tok-1",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700101","texts":[{"text":"Geburtsdatum","language":"de"}]},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"pass-77","texts":[{"text":"Kennwort","language":"de"}]},
  {"id":"3","type":"CUSTOM","format":"STRING","answer":"blau","texts":[{"text":"Farbe","language":"de"}]}],
 "patient":{"name":"Muster,Eva","birth_date":"1970-01-01"},
 "items":[{"id":"1","file":"1.zip","study_uid":"1.2.826.0.1.3680043.10.999.61","date":"2026-09-01","modalities":"CT","files":4},
  {"id":"2","file":"2.zip","study_uid":"1.2.826.0.1.3680043.10.999.62","date":"2026-09-01","modalities":"CT","files":4}]}
EOF2
dlx=$SRC/share/recipes/dlx.xml
link="https://localhost:$port/portal?token=tok-1"
jq -cn --arg l "$link" '{link:$l,ref:"D-1",basis:{kind:"consent",reference:"f"},patient:{id:"P",name:"Muster^Eva",birth_date:"1970-01-01"}}' >order.json
echo pass-77 >pw
echo blau >colour
run() { rm -rf out.d; "$fetch" --cacert portal/ca.pem --order order.json -o out.d "$@"; }
status "DLX as a recipe" 0 run --recipe "$dlx" --factor password=@pw --factor CUSTOM=@colour
is "brings what the portal has" "$(given 1 2)" "$(came)"
is "and asks once" 1 "$(requests 'POST .*tokentfa')"
status "the built-in one" 0 run --factor PASSWORD=@pw --factor CUSTOM=@colour
is "brings the same" "$(given 1 2)" "$(came)"
status "a missing answer is named" 77 run --recipe "$dlx" --factor CUSTOM=@colour
has "by its input" 'factor.* password' err
echo nein >wrong
status "a wrong one is refused" 77 run --recipe "$dlx" --factor password=@wrong --factor CUSTOM=@colour
has "as the recipe's rule says" 'refuses what was entered .*rule in line' err
status "the recipe is not taken by its link alone" 77 run --factor PASSWORD=@wrong --factor CUSTOM=@colour
hasnt "that is the built-in one" 'rule in line' err
portal_stop
/usr/bin/python3 "$SRC/tests/tool/foreign-portal.py" portal/portal.pem files/1.zip files/3.zip >port.foreign 2>foreign.log &
_pids="$_pids $!"
wait_for 10 grep -q port port.foreign
jq -cn --arg l "https://localhost:$(sed -n 's/^port //p' port.foreign)/p/Fremd-77aa41" \
    '{link:$l,ref:"D-2",basis:{kind:"consent",reference:"f"},patient:{id:"P",name:"Müller^Jörg",birth_date:"1970-01-01"}}' >order.json
status "a DLX portal that is not ours: busy at each step, one download cut" 0 run --recipe "$dlx"
is "all comes" "$(given 1 3)" "$(came)"

# the example of an API
: >mode
/usr/bin/python3 "$SRC/tests/tool/json-portal.py" portal/portal.pem files mode asked >port.json 2>json.err &
_pids="$_pids $!"
wait_for 10 grep -q port port.json
at=$(sed -n 's/^port //p' port.json)
sed -e "s,api.example.com/,localhost:$at/,g; s,api.example.com,localhost,g; s,store.example.net,127.0.0.1,g" \
    -e "s,app..example..com/,localhost:$at/,; s/min-delay=\"250ms\"/min-delay=\"10ms\"/" "$SRC/share/recipes/example-json.xml" >api.xml
ok "the example is right" "$MRI_BIN/mri-portal" check api.xml
order() {
	jq -cn --arg l "https://localhost:$at/#/s/abcDEF123_-abcDEF12345" --arg b "$1" \
	    '{link:$l,ref:"J-1",basis:{kind:"consent",reference:"f"},patient:{id:"P",name:"Muster^Eva",birth_date:$b}}' >order.json
}
api() { : >asked; run --recipe ./api.xml "$@"; }
asked() { grep -cE "$1" asked || :; }
order 1970-01-01
status "the example brings all" 0 api
is "three studies" "$(given 1 2 3)" "$(came)"
is "the store never saw the bearer" '3 0' "$(asked '127.0.0.1 /store/.* -$') $(asked '127.0.0.1.*Bearer')"
is "the page itself was not loaded" 0 "$(asked 'GET localhost / ')"
echo short >mode
status "a bearer that ends midway" 0 api
is "nothing is lost" "$(given 1 2 3)" "$(came)"
echo busy >mode
status "busy at the login: it carries a credential and is not repeated" 75 api
is "one POST" 1 "$(asked 'POST .*session')"
echo limited >mode
status "429 with a wait in its body" 0 api
is "is asked once more" 3 "$(asked 'GET .*/v2/studies ')"
echo liar >mode
status "another hash than announced" 65 api
has "is told" 'another SHA-256' err
echo evil >mode
status "an address outside of the scope" 76 api
has "is refused by its host" '::1.*not in the scope' err
echo away >mode
status "a redirect outside of the scope" 76 api
has "too" '::1.*not in the scope' err
is "nobody was asked there" 0 "$(asked '::1|leak')"
: >mode
order 1971-02-02
status "a wrong birth date" 77 api
has "with the attempts left" 'attempts left: 2' err
order 1970-01-01
sed 's,<paginate json="/next" max="20"/>,<paginate link="next" max="20"/>,' api.xml >linked.xml
status "pages by the header Link" 0 run --recipe ./linked.xml
is "bring the same" "$(given 1 2 3)" "$(came)"
echo basic >mode
sed -e 's,<auth bearer=.*,<auth user="klinik" password="geheim-77" hosts="localhost"/>,' -e '/name="jwt"/d' api.xml >basic.xml
status "basic authentication" 0 api --recipe ./basic.xml
is "brings the same too" "$(given 1 2 3)" "$(came)"
is "and the store saw none of it" 0 "$(asked '127.0.0.1.*Basic')"
: >mode
sed 's,requests="1000",requests="4",' api.xml >few.xml
status "more requests than the recipe allows" 76 run --recipe ./few.xml
has "is told" 'more than 4 requests' err
sed 's,bytes="60GiB",bytes="20KiB",' api.xml >few.xml
status "more bytes than the recipe allows" 76 run --recipe ./few.xml
has "is told, in the middle of a file" 'more than 20480 bytes' err
# a list in a list
python3 - api.xml >nested.xml <<'END'
import sys
s = open(sys.argv[1]).read()
a, b = s.index('<for-each'), s.index('</run>')
inner = s[a:b].replace('      <paginate json="/next" max="20"/>', '')
inner = inner[:inner.index('<!-- /next')] + inner[inner.index('-->') + 3:]
print(s[:a] + '<for-each json="" as="page" min="1"><extract name="more" json="/next" required="no"/>' + inner + '</for-each>\n  ' + s[b:])
END
status "a for-each within another" 0 run --recipe ./nested.xml
is "brings what the first page has" "$(given 1 2)" "$(came)"
done_testing
