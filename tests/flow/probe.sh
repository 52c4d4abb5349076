# What a link is, by the one request that a fetch begins with: nothing is answered, nothing downloaded.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
printf '%%PDF-1.4\nx\n%%%%EOF\n' >portal/r.pdf
portal_run <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"tok-3f9a","base":"/dlx/v1",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","text":"Geburtsdatum\u001b[2J","answer":"19700101"},
  {"id":"2","type":"PASSWORD","format":"STRING","text":"Kennwort","answer":"x"}],
 "patient":{"name":"A,B","birth_date":"1970-01-01","sex":"M"},"items":[],"quirks":[],"files":{"/share/r":"r.pdf"}}
END
probe() { "$MRI_BIN/mri-portal" probe --cacert portal/ca.pem "$@"; }
base=https://localhost:$port
echo "$base/portal?token=tok-3f9a" >link
status "a DLX link, on stdin" 0 sh -c '"$1" probe --cacert portal/ca.pem - <link' - "$MRI_BIN/mri-portal"
is "is told" 'dlx	localhost	2 questions' "$(head -1 out)"
is "with what it asks, made harmless" 'asks	PAT_BIRTH_DATE	Geburtsdatum\x1b[2J' "$(sed -n 2p out)"
is "by one request" 1 "$(requests .)"
is "a GET" 1 "$(requests '^GET ')"
hasnt "the link is not shown" 'tok-3f9a' out
is "nor in messages" '' "$(cat err)"
status "as JSON" 0 sh -c '"$1" probe --json --cacert portal/ca.pem - <link' - "$MRI_BIN/mri-portal"
is "the same" 'dlx localhost PAT_BIRTH_DATE PASSWORD' \
	"$(jq -r 'select(.type == "probe") | "\(.kind) \(.host) \([.questions[].type] | join(" "))"' out)"
status "an argument" 0 probe "$base/share/r"
is "a direct link" 'direct	localhost	0 questions' "$(cat out)"
has "with a warning: others can see it" 'can be seen by others' err
status "a page that is none" 69 probe "$base/nothing"
status "no link" 64 probe some/path
status "another kind" 76 probe 'radiant://?n=paet'
has "is named" 'RadiAnt' err
portal_stop
status "nobody there" 75 probe --max-time 1 "$base/share/r"
printf '[net]\n' >plain.conf
status "without the range of loopback" 77 env MRI_CONFIG=plain.conf "$MRI_BIN/mri-portal" probe "$base/share/r"
has "says why" 'private network' err
status "nothing to probe" 64 probe
is "the spool is not touched" '0' "$(find spool/import spool/incoming spool/link -mindepth 1 | wc -l)"
done_testing
