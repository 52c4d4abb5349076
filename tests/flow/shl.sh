# mri-fetch against SMART Health Links that another program made: kill-the-clipboard 1.1.0.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
server_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :' EXIT

modules=$SRC/build/npm/node_modules
[ -d "$modules/kill-the-clipboard" ] || "$SRC/scripts/deps" --npm
"$MRI_TOOL/portal" --make-cert .
mkfifo hold
"$MRI_TOOL/mkstudy" --out study --slices 2 --study-uid 1.2.3.4 --patient-name 'Mustermann^Max' --patient-id PID-4711 >/dev/null
objects=$(find "$PWD/study" -type f | grep -v DICOMDIR)
node "$SRC/tests/tool/shl-server.mjs" "$modules" portal.pem links.json $objects <hold >log 2>&1 &
server_pid=$!
exec 9>hold	# the server ends when this closes
wait_for 20 grep -q ready log

cat >mri.conf <<END
[spool]
organisation = Klinikum Süd & Co
identity = $TMPDIR/identity
[net]
allow = 127.0.0.0/8 ::1
[destination papers]
url = folder:$TMPDIR/papers
END
mkdir papers
export MRI_CONFIG="$TMPDIR/mri.conf" MRI_SPOOL="$TMPDIR/spool"
"$MRI_BIN/mri-spool" init "$MRI_SPOOL" >/dev/null 2>&1
link() { jq -r ".$1" links.json; }
# order LINK [BIRTHDATE [PASSCODE]]
order() {
	jq -cn --arg link "$1" --arg birth "${2:-1970-01-01}" --arg pw "${3:-}" '{ref:"T-1",link:$link,basis:{kind:"consent",reference:"form 1"},
	    patient:{id:"PID-4711",name:"Mustermann^Max",birth_date:$birth},destinations:["papers"]} +
	    (if $pw == "" then {} else {factors:{PASSWORD:$pw}} end)' >order.json
}
run() { "$fetch" --cacert ca.pem --json --order order.json "$@"; }
state() { jq -r 'select(.type=="receipt").state' out; }
requests() { grep -cE "$1" log || :; }
imports() { ls "$MRI_SPOOL/import" "$MRI_SPOOL/incoming" | grep -c '^2' || :; }

# A list, its files at addresses that work once: the whole way
order "$(link plain)"
status "a link with a list" 0 run
import=$(jq -r 'select(.type=="receipt").path' out)
is "two documents, and the two files that they were in" 4 "$(jq -r 'select(.type=="receipt").packages' out)"
is "one POST, that says who asks" 1 "$(requests '^POST plain Klinikum Süd & Co$')"
is "each file once" 2 "$(requests '^GET file plain$')"
for secret in shlink: "$(link plain | cut -c 20-60)" Mustermann PID-4711 1970; do
	ok "nowhere in clear under the spool: $secret" not grep -rqF -e "$secret" "$MRI_SPOOL"
	ok "not in messages: $secret" not grep -qF -e "$secret" err
done
status "the same link again" 0 run
is "is the same import" "$import" "$(jq -r 'select(.type=="receipt").path' out)"
is "without a request" 1 "$(requests '^POST plain')"
order "https://viewer.example/#$(link plain)"
status "behind a viewer's address" 0 run
is "it is the same import too" "$import" "$(jq -r 'select(.type=="receipt").path' out)"
order "$(link plain)"
jq -c 'del(.link)' order.json >onlyorder.json
printf '%s\n' "$import" >paths
ok "they are unpacked" sh -c '"$1"/mri-unpack <paths >items 2>err' - "$MRI_BIN"
is "as papers" "$import/papers" "$(cat items)"
status "two PDFs and two of FHIR" 0 "$MRI_BIN/mri-show" --manifest "$import/papers"
is "by their types" "2 2" "$(grep -o 'application/pdf' out | wc -l) $(grep -o 'application/fhir+json' out | wc -l)"
ok "checked" sh -c '"$1"/mri-check <items >checked 2>err' - "$MRI_BIN"
is "and passed" "$import/papers" "$(cat checked)"
ok "sent" sh -c '"$1"/mri-retag <checked 2>err | "$1"/mri-send >sent 2>>err' - "$MRI_BIN"
is "to the folder" "2 2" "$(find papers -name '*.PDF' | wc -l) $(find papers -name '*.JSON' | wc -l)"
is "the PDF is the one of the bundle" 1 "$(find papers -name '*.PDF' -exec grep -l '^letter' {} + | wc -l)"

# Other forms
for form in deflated embedded direct; do
	order "$(link $form)"
	status "a link of the form $form" 0 run
	is "gives both: $form" 2 "$(jq -r 'select(.type=="receipt").packages' out)"
done
is "with flag U one GET, that says who asks" 1 "$(requests '^GET direct Klinikum Süd & Co$')"
is "an embedded file is not asked for" 0 "$(requests '^GET file embedded$')"
order "$(link old)"
status "a link past its time is tried: that is a hint only" 0 run
has "and said" 'warning: .*expired' err
status "--list" 0 run --list
is "shows both" 2 "$(jq -s '[.[] | select(.type=="offer")] | length' out)"

# Whose it is, before anything is written
n=$(imports)
order "$(link plain)" 1970-10-01
status "another patient's, into a folder" 1 run -o other
is "by name" wrong-patient "$(state)"
ok "nothing is on the disk" not test -e other/001.pdf
order "$(link gone)" 1970-10-01
status "a link that is over" 69 run
is "no import" "$n" "$(imports)"

order "$(link card)" 1970-10-01
status "another patient's SMART Health Card" 1 run
is "by what is signed" wrong-patient "$(state)"
order "$(link card)"
status "a SMART Health Card" 0 run -o card
ok "is a document" grep -q verifiableCredential card/001.json

# Passcodes
order "$(link pass)" 1970-01-01 falsch-1
status "a wrong passcode" 77 run
is "by name" credentials-wrong "$(state)"
has "with what is left" 'attempts left: 2' err
is "one POST" 1 "$(requests '^POST pass')"
status "is not sent again" 77 run
is "nothing was asked" 1 "$(requests '^POST pass')"
order "$(link pass)"
status "no passcode" 77 run
is "by name" factor-needed "$(state)"
is "nothing was asked" 1 "$(requests '^POST pass')"
order "$(link pass)" 1970-01-01 geheim-7
status "the right one" 0 run
is "is sent once" 2 "$(requests '^POST pass')"
order "$(link text403)" 1970-01-01 falsch-2
status "a server that says 403 in words" 77 run
is "means the same" credentials-wrong "$(state)"
hasnt "the passcode is nowhere" 'falsch-2' err

# What cannot be had
order "$(link imaging)"
status "images that lie at a DICOMweb server" 0 run
is "are fetched from there, with the documents" 3 "$(jq -r 'select(.type=="receipt").packages' out)"
is "by nobody's token" 1 "$(requests '^GET /wado/studies/1.2.3.4 nobody$')"
jq -r 'select(.type=="receipt").path' out >paths
ok "they are unpacked" sh -c '"$1"/mri-unpack <paths >items 2>err' - "$MRI_BIN"
is "the study, with its documents" "study/1" "$(sed 's,.*Z-[^/]*/,,' items | sort | tr '\n' ' ' | sed 's/ $//')"
order "$(link elsewhere)"
status "images that lie elsewhere" 76 run
has "are told" 'a study, and not where it lies' err
is "the documents are there" 2 "$(jq -r 'select(.type=="receipt" and .status=="partial").packages' out)"
is "and one is counted as not fetched" 1 "$(jq -r 'select(.type=="receipt").failed' out)"
order "$(link api)"
status "access to an interface only" 76 run
has "is told" 'smart-api-access' err
ok "its token is nowhere" not grep -rqF tok-never-kept "$MRI_SPOOL" out err
order "$(link gone)"
status "not active any longer" 69 run
is "by name" used-up "$(state)"
order "$(link gone_old)"
status "and past its time" 69 run
is "by name" expired "$(state)"
order "$(link limited)"
status "too many requests" 75 run --max-time 5
is "by name" rate-limited "$(state)"
order "$(link empty)"
status "a list of no files" 69 run
for form in jws clear; do
	order "$(link $form)"
	status "no JWE: $form" 76 run
	has "says what it is: $form" 'only signed|not encrypted' err
done
order "$(link html)"
status "a page in place of the list" 76 run
order "$(link changed)"
status "a file that was changed on the way" 65 run
has "is not taken" 'does not open a file' err
order "$(link stale)"
status "addresses that are over" 75 run
is "by name" session-lost "$(state)"
is "nothing of all that is an import" "$((n + 3))" "$(imports)"
is "no request that the server did not expect" 0 "$(requests '^error')"
done_testing
