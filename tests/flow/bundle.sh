# What one download did, in a tar that may be sent: everything is in it but the patient and the secrets, and it says no
# when it would hold one of them, however it is spelled.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
mkstudy=$MRI_TOOL/mkstudy
"$mkstudy" --zip portal/a.zip --slices 3 --seed 3 --patient-name 'Kanarienvogel^Jörg' --birth 19700317 --sex F \
	--patient-id PID-471188 --study-uid 1.2.840.99.3 --accession ACC-552211 --study-date 20260901 --private >/dev/null
portal_run <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"canary-tok-3f9a7c21","base":"/dlx/v1",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700317"}],
 "patient":{"name":"Kanarienvogel,Jörg","birth_date":"1970-03-17","sex":"F","id":"PID-471188"},
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.840.99.3","date":"2026-09-01","modalities":"CT","files":3}],"quirks":[]}
END
printf 'configured-token-9d2e\n' >token
chmod 600 token
printf '[portal other]\nurl_prefix = https://other.example/\ntoken_file = %s/token\n' "$TMPDIR" >>mri.conf
jq -cn --arg link "https://localhost:$port/portal?token=canary-tok-3f9a7c21" '{ref:"T-1",link:$link,
    basis:{kind:"consent",reference:"form 1"},studies:[{study_uid:"1.2.840.99.3",accession:"ACC-552211"}],
    patient:{id:"PID-471188",name:"Kanarienvogel^Jörg",birth_date:"1970-03-17",sex:"F"}}' >order.json
bundle() { "$MRI_BIN/mri-portal" bundle "$@"; }
"$MRI_BIN/mri-fetch" --cacert portal/ca.pem --order order.json --har one.har >fetched 2>/dev/null
portal_stop
"$MRI_BIN/mri-unpack" <fetched >unpacked
id=$(basename "$(cat fetched)")

status "a bundle is made" 0 bundle --har one.har -o b.tar "$id"
is "its owner's alone" 600 "$(stat -c %a b.tar)"
mkdir b && tar xf b.tar -C b
is "what is in it" 'about.json history.json recording.har states.json tags.json tls.json versions.txt' \
	"$(ls b | tr '\n' ' ' | sed 's/ $//')"
is "the recording as it was" "$(jq -cS . one.har)" "$(jq -cS . b/recording.har)"
is "the history" 'fetch unpack' "$(jq -r '[.[].stage] | unique | join(" ")' b/history.json)"
is "the states" 'unpacked study/1' "$(jq -r '"\(.state) \(.items[0].item)"' b/states.json)"
is "TLS" "localhost:$port true" "$(jq -r '.[0] | "\(.host) \(.tls.version | startswith("TLSv1."))"' b/tls.json)"
has "versions" '^  libcurl' b/versions.txt
is "which elements there are" '3 0 PN' "$(jq -r '.[0].tags[] | select(.keyword == "PatientName") | "\(.objects) \(.empty) \(.vr)"' b/tags.json)"
is "private ones too" true "$(jq '.[0].tags | any(.tag | startswith("0009"))' b/tags.json)"
is "the meta group too" 3 "$(jq '.[0].tags[] | select(.tag == "00020010").objects' b/tags.json)"
ok "no value of one" not grep -raqE 'Kanarienvogel|Jörg|PID-471188|19700317|1970-03-17|1\.2\.840\.99|ACC-552211|20260901|canary' b
ok "on stdout" sh -c '"$MRI_BIN/mri-portal" bundle --har one.har "$1" >c.tar 2>err' - "$id"
is "the same members" "$(tar tf b.tar)" "$(tar tf c.tar)"
ok "the audit log knows" grep -q '"what":"bundle"' "$MRI_SPOOL/audit/log"

# refused TEXT KIND JQ: a recording that is changed by JQ holds what KIND says
n=0
refused() {
	n=$((n + 1))
	jq -c "$3" one.har >x.har
	status "refused: $1" 1 bundle --har x.har -o "no$n.tar" "$id"
	has "  says where and what: $1" "recording.har holds $2.*: nothing was written" err
	ok "  nothing is there: $1" not test -e "no$n.tar"
	hasnt "  and does not quote it: $1" 'anarienvogel|4711|19700317|17\.03|552211|840\.99|9d2e|abcdefg' err
}
refused "a name" "the patient's name" '.log.entries[0].response.content.text += "KANARIENVOGEL"'
refused "a part of a name, escaped" "the patient's name" '.log.entries[0].request.url += "?x=J%C3%B6rg"'
refused "an id in base64" "the patient's id" '.log.entries[0].response.content.text += ("xx" + "PID-471188" | @base64)'
refused "a birth date" "the patient's birth date" '.log.entries[1].request.postData.text += "17.03.1970"'
refused "an accession number" "an accession or order number" '.log.comment = "ACC-552211"'
refused "a study UID" "a UID of the study" '.log.entries[0].response.headers += [{"name":"X","value":"1.2.840.99.3"}]'
refused "a token of the configuration" "a token of the configuration" '.log.comment = "configured-token-9d2e"'
refused "a bearer" "what looks like a token" '.log.entries[-1].request.headers += [{"name":"Authorization","value":"Bearer abcdefghij.k"}]'
refused "a cookie" "what looks like a token" '.log.entries[0].response.headers += [{"name":"Set-Cookie","value":"a=abcdefghij; Path=/"}]'

# One that failed: it waits in incoming, and its patient is known all the same
jq '.quirks = ["cut-always"]' portal/portal.json >again.json
portal_run <again.json
jq -c '.link |= sub("portal.token="; "dlx/v1/token/") | .ref = "T-2"' order.json >order2.json
status "a fetch that fails" 75 "$MRI_BIN/mri-fetch" --max-time 1 --json --cacert portal/ca.pem --order order2.json --har two.har
failed=$(ls "$MRI_SPOOL/incoming")
portal_stop
status "its bundle" 0 bundle --har two.har -o failed.tar "$failed"
is "knows whom not to name" 'false true' "$(tar xOf failed.tar about.json | jq -r '"\(.sealed) \(.named)"')"
is "and says what happened" 'temp' "$(tar xOf failed.tar history.json | jq -r '.[-1].outcome')"
jq -c '.log.comment = "Kanarienvogel"' two.har >x.har
status "it refuses a name" 1 bundle --har x.har -o no.tar "$failed"

mv identity identity.away
status "without the identity" 0 bundle --har one.har -o sealed.tar "$id"
has "it says that no name was looked for" 'warning: what says whose the import is cannot be opened' err
is "and in the bundle" 'true false' "$(tar xOf sealed.tar about.json | jq -r '"\(.sealed) \(.named)"')"
mv identity.away identity
status "a recording alone" 0 bundle --har one.har -o alone.tar
is "has no import" 'recording.har tls.json versions.txt about.json' "$(tar tf alone.tar | tr '\n' ' ' | sed 's/ $//')"
status "a file that is there stays" 73 bundle --har one.har -o b.tar "$id"
status "nor does one go into the spool" 73 bundle --har one.har -o "$MRI_SPOOL/b.tar" "$id"
status "no such import" 66 bundle -o x.tar 20260101T000000Z-aaaaaa
status "nothing to bundle" 64 bundle
done_testing
