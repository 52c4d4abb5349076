# A portal that is known by a recipe only: forms, a one-time password, a list of pages, files made on request. Each
# state that a recipe can name; the end of a session in place of a file; links that go stale.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
. "$SRC/tests/portal.sh"
mkdir files
for n in 1 2 3; do
	"$MRI_TOOL/mkstudy" --out "s$n" --slices 4 --seed $n --study-uid 1.2.826.0.1.3680043.10.999.6$n \
	    --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
	(cd "s$n" && zip -qr "../files/$n.zip" .)
done
printf '%%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%%%EOF\n' >files/report.pdf
: >mode
/usr/bin/python3 "$SRC/tests/tool/form-portal.py" portal/portal.pem files mode requests >port.form 2>form.err &
_pids="$_pids $!"
wait_for 10 grep -q port port.form
at=$(sed -n 's/^port //p' port.form)
mkdir -p home/.config/mri/recipes
cat >form.xml <<END
<?xml version="1.0" encoding="UTF-8"?>
<recipe xmlns="urn:mri:recipe:1" id="form" version="1">
  <about vendor="Test" tested="2026-11">Code and birth date from the letter, a password by SMS.</about>
  <match url="^https://localhost:$at/(c/(?&lt;code&gt;[A-Z0-9]{12}))?[?]?$"/>
  <input name="code" type="code" pattern="[A-Z0-9]{12}" ask="Access code (12 characters)"/>
  <input name="birthdate" type="date" ask="Birth date of the patient"/>
  <input name="otp" type="otp" required="no" pattern="[0-9]{6}" ask="Password of the SMS"/>
  <scope hosts="localhost" redirects="3"/>
  <limits min-delay="20ms" requests="120" bytes="1GiB" wait="20s"/>
  <errors>
    <error code="credentials-wrong"><when xpath="//*[@class='error']"/><attempts-left regex="noch ([0-9]+) Versuche"/></error>
    <error code="locked"><when xpath="//p[contains(.,'gesperrt')]"/></error>
    <error code="expired"><when status="410"/></error>
    <error code="used-up"><when body="bereits verwendet"/></error>
    <error code="not-found"><when xpath="//p[contains(.,'gibt es nicht')]"/></error>
    <error code="not-yet-available" retry="later"><when xpath="//p[contains(.,'noch nicht verfügbar')]"/></error>
    <error code="terms-needed"><when body="Nutzungsbedingungen"/></error>
    <error code="factor-needed"><when body="Versichertennummer"/></error>
    <error code="not-permitted"><when xpath="//p[contains(.,'nicht freigegeben')]"/></error>
    <error code="rate-limited" retry="later"><when status="429"/></error>
    <error code="busy" retry="later"><when json="/warten"/><retry-after json="/warten"/></error>
    <error code="maintenance" retry="later"><when body="Wartungsarbeiten"/></error>
    <error code="captcha"><when xpath="//*[@class='g-recaptcha']"/></error>
    <error code="payment-needed"><when xpath="//form[@id='payment']"/></error>
    <error code="unsupported"><when body="Viewer installieren"/></error>
  </errors>
  <login>
    <get url="https://localhost:$at/"/>
    <submit form="//form[.//input[@name='code']]" once="yes">
      <field name="code" value="{code}"/>
      <field name="geburtsdatum" value="{birthdate|date:%d.%m.%Y}"/>
    </submit>
    <if><when xpath="//input[@name='otp']"/><then>
      <need input="otp"/>
      <submit form="//form[.//input[@name='otp']]" once="yes"><field name="otp" value="{otp}"/></submit>
    </then></if>
    <expect><when xpath="//table[@id='untersuchungen']"/></expect>
    <expired-when><when xpath="//form[.//input[@name='code']]"/></expired-when>
    <keepalive every="1s"><get url="https://localhost:$at/ping"/></keepalive>
  </login>
  <run>
    <for-each xpath="//table[@id='untersuchungen']/tbody/tr" as="exam" min="1">
      <paginate next="//a[@rel='next']/@href" max="5"/>
      <extract name="uid" xpath="@data-study-uid" type="uid"/>
      <extract name="who" xpath="td[@class='wer']" secret="yes"/>
      <extract name="images" xpath="td[@class='bilder']" type="int"/>
      <extract name="pdf" xpath=".//a[contains(@href,'.pdf')]/@href" type="url" required="no"/>
      <post url="https://localhost:$at/export"><form><field name="uid" value="{uid}"/><field name="format" value="dicom"/></form></post>
      <extract name="job" json="/jobId"/>
      <poll every="300ms" backoff="1.5" max-every="1s" timeout="5s">
        <get url="https://localhost:$at/export/{job}"/>
        <done><when json="/state" equals="READY"/></done>
        <failed><when json="/state" equals="ERROR"/></failed>
        <progress json="/percent"/>
      </poll>
      <extract name="zip" json="/url" type="url" secret="yes"/>
      <extract name="size" json="/size" type="int"/>
      <download url="{zip}" as="study" study="{uid}" type="zip" refresh="poll">
        <complete bytes="{size}" instances="{images}"/>
        <patient name="{who}" birthdate="{birthdate}"/>
      </download>
      <download url="{pdf}" as="report" study="{uid}" type="pdf" skip-if-empty="yes"/>
    </for-each>
  </run>
</recipe>
END
cp form.xml home/.config/mri/recipes/
HOME=$TMPDIR/home
export HOME LC_ALL=C
ok "the recipe is right" "$MRI_BIN/mri-portal" check form.xml
sed "s,<get url=\"https://localhost:$at/\"/>,<get url=\"https://localhost:$port/\"/>," form.xml >gone.xml	# nobody is there
echo ABC123DEF456 >code
echo 739164 >otp
echo 000000 >otp.wrong
echo ZZZ999ZZZ999 >code.wrong
echo short >code.short
link=https://localhost:$at/
order() {	# BIRTH NAME
	jq -cn --arg l "$link" --arg b "$1" --arg n "$2" '{link:$l,ref:"R-1",basis:{kind:"consent",reference:"form"},
	    patient:{id:"P-77",name:$n,birth_date:$b}}' >order.json
}
order 1970-01-01 'Muster^Eva'
run() { : >requests; rm -rf out.d; "$fetch" --cacert portal/ca.pem --order order.json -o out.d "$@"; }
all() { run --factor code=@code --factor otp=@otp "$@"; }
asked() { grep -cE "$1" requests || :; }

status "everything comes" 0 all --har r.har
is "three studies and a report" '1 PDF 3 ZIP' "$(for f in out.d/*; do head -c 4 "$f" | tr -d '\003\004' | sed 's/^PK$/ZIP/; s/^%PDF$/PDF/'; echo; done | grep . | sort | uniq -c | awk '{print $1, $2}' | paste -sd' ')"
for n in 1 2 3; do
	ok "study $n is byte for byte the portal's" sh -c 'for f in out.d/*.zip; do cmp -s "$f" "files/$1.zip" && exit 0; done; exit 1' - $n
done
is "one login" '1 1' "$(asked 'POST /anmelden') $(asked 'POST /otp')"
is "one export each" 3 "$(asked 'POST /export')"
status "the list names them" 0 all --list
has "with what the portal claims" '^1[[:space:]]study.*4' out
is "and prepares nothing" 0 "$(asked 'POST /export')"
link=https://localhost:$at/c/ABC123DEF456
order 1970-01-01 'Muster^Eva'
status "a link that holds the code is not asked for it" 0 run --factor otp=@otp --item 4
is "one entry only" 1 "$(asked 'POST /export')"
link=https://localhost:$at/
order 1970-01-01 'Muster^Eva'

# whose they are
echo stranger >mode
status "another patient than the order's: nothing comes" 1 all
has "and it says so" 'patient' err
is "not even prepared" 0 "$(asked 'POST /export')"
: >mode

# second factors
status "without the one-time password: a clear message" 77 run --factor code=@code
has "it names it" 'factor.* otp' err
hasnt "nothing personal in it" '1970|ABC123|Muster' err
status "a wrong one-time password" 77 run --factor code=@code --factor otp=@otp.wrong
has "is told as such" 'refuses what was entered' err
status "a code that has not the form: nothing is sent" 77 run --factor code=@code.short --factor otp=@otp
is "to nobody" 0 "$(asked .)"
status "a wrong code" 77 run --factor code=@code.wrong --factor otp=@otp
has "with the attempts that are left" 'attempts left: 2' err
order 1971-02-02 'Muster^Eva'
status "a wrong birth date" 77 all
order 1970-01-01 'Muster^Eva'
mkfifo sms
(wait_for 20 grep -q 'GET /otp' requests && echo 739164 >sms) &
status "a password that comes while it is waited for" 0 run --factor code=@code --wait-factor sms
wait $!
is "came in by it" 1 "$(asked 'POST /otp')"

# the end of a session
echo throw >mode
status "a login page in place of a file, once: another login, and all comes" 0 all
is "two logins" 2 "$(asked 'POST /anmelden')"
echo always-throw >mode
status "each time: later" 75 all
has "the state is named" 'ended the session' err
is "two logins, no more" 2 "$(asked 'POST /anmelden')"
echo stale >mode
status "links that are stale at first are made anew" 0 all
ok "by the poll, not by another export" [ "$(asked 'POST /export')" -eq 3 ]
echo webpage >mode
status "a page for people in place of a file" 76 all
has "is told, with the recipe's line" 'page in place of the file .*line [0-9]+' err
echo failing >mode
status "an export that fails" 75 all
has "is told" 'could not make the file' err
echo liar >mode
status "a file that is smaller than announced is partial" 65 all
has "and why" 'announced' err
echo slow >mode
status "an export that never ends" 75 all
has "ends by the recipe's time" 'within the time' err
ok "and the session was kept alive meanwhile" [ "$(asked 'GET /ping')" -ge 1 ]
echo endless >mode
status "a list without an end" 76 all
has "ends by the recipe's pages" 'more than 5 pages' err
echo empty >mode
status "a list of nothing where one entry is the least" 76 all
echo new-design >mode
status "a portal that has changed" 76 all
has "says where in the recipe" '<expect> in line [0-9]+' err

# the closed list: message, advice, exit status, reason
n=0
while read -r state code says; do
	echo "$state" >mode
	n=$((n + 1))
	status "state $state" "$code" all --json
	is "state $state: the receipt's reason" "$state" "$(jq -r 'select(.type=="receipt" and .state).state' out | tail -1)"
	has "state $state: the message" "$says" err
	is "state $state: advice stands under it" 2 "$(grep -c '^mri-fetch: ' err)"
done <<'END'
locked 77 locked
expired 69 expired
used-up 69 used as often
not-found 69 does not know it
not-yet-available 75 not ready
terms-needed 77 terms
factor-needed 77 one more answer
not-permitted 77 does not permit
rate-limited 75 too many
busy 75 busy
maintenance 75 maintained
captcha 77 captcha
payment-needed 77 paid
unsupported 76 not supported
END
# those that are no page's word
while read -r state code mode says; do
	echo "$mode" >mode
	status "state $state" "$code" all --json
	is "state $state: the receipt's reason" "$state" "$(jq -r 'select(.type=="receipt" and .state).state' out | tail -1)"
	has "state $state: the message" "$says" err
	is "state $state: advice stands under it" 2 "$(grep -c '^mri-fetch: ' err)"
done <<'END'
session-lost 75 always-throw ended the session again
partial 65 liar announced
portal-changed 76 new-design not what is expected
wrong-patient 1 stranger another patient
END
: >mode
status "state credentials-wrong" 77 run --json --factor code=@code.wrong --factor otp=@otp
is "state credentials-wrong: the receipt's reason" credentials-wrong "$(jq -r 'select(.type=="receipt" and .state).state' out | tail -1)"
status "state network" 75 "$fetch" --json --timeout 1 --cacert portal/ca.pem --order order.json -o out.e \
    --factor code=@code --factor otp=@otp --recipe ./gone.xml
is "state network: the receipt's reason" network "$(jq -r 'select(.type=="receipt" and .state).state' out | tail -1)"
has "state network: advice" '^mri-fetch: .*later' err

# which recipe
status "by name" 0 all --recipe form --item 1
status "by its path" 0 all --recipe ./form.xml --item 1
status "one that there is not" 78 all --recipe nix
is "asks nobody" 0 "$(asked .)"
sed 's/<scope hosts="localhost"/<scope hosts="127.0.0.1"/' form.xml >scope.xml
status "a scope that leaves the host out is a fault of the recipe" 78 all --recipe ./scope.xml
has "by file and line" 'scope.xml:[0-9]+: .*not in scope' err
sed 's/code="locked"/code="lockd"/' form.xml >home/.config/mri/recipes/aaa.xml
status "a broken recipe in the folder keeps nobody from the others" 0 all --item 1
has "it is named" 'aaa.xml:1[0-9]: .*lockd' err
rm home/.config/mri/recipes/aaa.xml

# in a spool, and what must not be seen
status "into the spool" 0 "$fetch" --cacert portal/ca.pem --json --order order.json --factor code=@code --factor otp=@otp \
    --explain --har rec.har
has "--explain tells lines of the recipe" 'line [0-9]+ <for-each>: 3 entries on 2 pages' err
has "and what an extract gave" 'images = 4' err
hasnt "but no secret" 'ABC123DEF456|739164|19700101|1970-01-01|01\.01\.1970|Muster' err
hasnt "no UID, no name" '999\.6[123]|Muster' err
hasnt "nor does the record" 'ABC123DEF456|739164|01\.01\.1970|19700101|999\.6[123]|Muster' rec.har
sed '/name="who"/d; s/<patient .*//' form.xml >blind.xml
status "a recipe that does not know whose pages it reads" 0 all --recipe ./blind.xml --har blind.har --item 1
hasnt "the order does: no name in the record" 'Muster|MUSTER|P-77' blind.har
: >requests
status "the same link again" 0 "$fetch" --cacert portal/ca.pem --json --order order.json --factor code=@code --factor otp=@otp
is "asks nobody" 0 "$(asked .)"
new=$(jq -r 'select(.type=="receipt").path' out)
status "and the import unpacks" 0 "$MRI_BIN/mri-unpack" "$new"

# what a recipe asks for
: >requests
status "probe tells what a recipe asks for" 0 "$MRI_BIN/mri-portal" probe --recipe form "$link"
has "each input" '^asks	code	Access code' out
is "and nobody was asked" 0 "$(asked .)"

# a fetch that goes on where the last one ended, though the list has another order by now
link=https://localhost:$at/c/ABC123DEF456
order 1970-01-01 'Muster^Eva'
echo failing-later >mode
whole() { "$fetch" --cacert portal/ca.pem --json --order order.json --factor otp=@otp; }
status "an export that fails: what came before is kept" 75 whole
echo reversed >mode
: >requests
status "run again" 0 whole
is "only what is missing is prepared" 2 "$(asked 'POST /export')"
is "and fetched" 2 "$(jq -r 'select(.type=="receipt").packages' out)"
new=$(jq -r 'select(.type=="receipt").path' out)
status "the import has all" 0 "$MRI_BIN/mri-unpack" --json "$new"
is "of three studies, and the report" '12 1' "$(jq -rs '[.[]|select(.type=="receipt")]|"\(map(.instances//0)|add) \(map(.documents//0)|add)"' out)"
: >mode

link=https://localhost:$at/c/ABC123DEF456?
order 1971-02-02 'Muster^Eva'
status "a wrong answer is sent once" 77 "$fetch" --cacert portal/ca.pem --order order.json --factor code=@code --factor otp=@otp
: >requests
status "and not again" 77 "$fetch" --cacert portal/ca.pem --order order.json --factor code=@code --factor otp=@otp
is "the portal is not asked" 0 "$(asked .)"
# The recording of the first one, run again: with the recipe as it was, and as somebody has changed it
replay() { "$MRI_BIN/mri-portal" replay "$@"; }
hasnt "no name in a recording" 'Muster' r.har
status "recorded, it runs offline" 0 replay --recipe form.xml r.har
is "to the same end" 'login same,list same,fetch 1 same,fetch 2 same,fetch 3 same,fetch 4 same,' \
	"$(grep -E '^(login|list|fetch)' out | cut -f1,2 | tr '\t\n' ' ,')"
sed 's#/export"#/exports"#' form.xml >changed.xml
status "a recipe with another address" 1 replay --recipe changed.xml r.har
has "the nearest entry is named" "no answer to POST /exports; the nearest is entry 7: segment 1 of the path is 'export' there and 'exports' here" err
sed 's,name="format" value="dicom",name="art" value="dicom",' form.xml >changed.xml
status "one that sends another field" 1 replay --recipe changed.xml r.har
has "is told by that" "'format' there and 'art' here" err
sed "s#'bilder'#'zahl'#" form.xml >changed.xml
status "one that finds nothing" 1 replay --recipe changed.xml r.har
has "is told by its line" 'portal-changed now: <extract> in line [0-9]+ of the recipe: nothing is found for images' err
status "without a recipe" 66 replay r.har
done_testing
