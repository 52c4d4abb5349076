#!/bin/sh
# Weasis links and manifests: objects by WADO-URI from Orthanc, and from a folder of files that wants a ticket.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
uid=1.2.826.0.1.3680043.10.999.9
mkstudy --out study --slices 9 --seed 5 --study-uid $uid --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
ok 'Orthanc with WADO-URI and a login starts' start_orthanc_web
for f in $(find study -type f); do
	curl -sf -u mri:web-secret-1 -X POST --data-binary "@$f" "http://127.0.0.1:$ORTHANC_HTTP/instances" >/dev/null
done
PORT=$(free_port)
mkdir www
# manifests, and files for who has the ticket; /wado gives a picture where nothing else is asked for
cat >server.py <<'END'
import http.server, os, sys, urllib.parse
files = {}
for d, _, names in os.walk('study'):
    for n in names:
        files[n] = os.path.join(d, n)
class P(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def say(self, status, kind, body):
        print(self.path, status, self.headers.get('Host'), self.headers.get('X-Ticket'), flush=True)
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        path, _, query = self.path.partition('?')
        name = os.path.basename(path)
        if path == '/wado':
            as_dicom = urllib.parse.parse_qs(query).get('contentType') == ['application/dicom']
            return self.say(200, 'application/dicom' if as_dicom else 'image/jpeg',
                            open(list(files.values())[0], 'rb').read() if as_dicom else b'\xff\xd8\xff\xe0' + bytes(200))
        if path.startswith('/files/'):
            if self.headers.get('X-Ticket') != 'ticket-4711' and not path.startswith('/files/open/'):
                return self.say(403, 'text/plain', b'')
            return self.say(200, 'application/octet-stream', open(files[name], 'rb').read())
        if not os.path.exists('www/' + name):
            return self.say(404, 'text/plain', b'')
        self.say(200, 'application/octet-stream', open('www/' + name, 'rb').read())
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), P).serve_forever()
END
/usr/bin/python3 server.py "$PORT" >requests &
_pids="$_pids $!"
# makes manifests of the study; variants in www/
cat >manifests.py <<'END'
import base64, glob, gzip, os, sys
import pydicom
orthanc, port = sys.argv[1:3]
objects = []
for p in sorted(glob.glob('study/**/*', recursive=True)):
    if os.path.isfile(p):
        d = pydicom.dcmread(p, stop_before_pixels=True)
        objects.append((d.SeriesInstanceUID, d.SOPInstanceUID, os.path.basename(p), d))
d = objects[0][3]
def make(name, base, attrs='', tags='', file=None, more='', prolog='', patient=''):
    series = {}
    for s, o, f, _ in objects:
        series.setdefault(s, []).append('<Instance SOPInstanceUID="%s"%s/>' % (o, ' DirectDownloadFile="%s"' % file(f) if file else ''))
    body = ''.join('<Series SeriesInstanceUID="%s" Modality="CT">%s%s</Series>' % (s, ''.join(v), more) for s, v in series.items())
    xml = ('<?xml version="1.0" encoding="UTF-8"?>%s<manifest xmlns="http://www.weasis.org/xsd/2.5"><arcQuery baseUrl="%s" %s>%s'
           '<Patient PatientID="%s" PatientName="%s" PatientBirthDate="%s" PatientSex="F"><Study StudyInstanceUID="%s" '
           'StudyDate="%s">%s</Study></Patient></arcQuery></manifest>' % (
        prolog, base, attrs, tags, d.PatientID, patient or d.PatientName, d.PatientBirthDate, d.StudyInstanceUID, d.StudyDate, body))
    open('www/' + name, 'wb').write(gzip.compress(xml.encode()) if name.endswith('gz') else xml.encode())
login = 'webLogin="%s"' % base64.b64encode(b'mri:web-secret-1').decode()
wado = 'http://127.0.0.1:%s/wado' % orthanc
ticket = '<httpTag key="X-Ticket" value="ticket-4711"/>'
make('orthanc.xml', wado, login)
make('packed.gz', wado, login)
make('wrong.xml', wado, 'webLogin="%s"' % base64.b64encode(b'mri:web-secret-2').decode())
make('more.xml', wado, login, more='<Instance SOPInstanceUID="1.2.3.4.5.6"/>')
make('web.xml', 'http://127.0.0.1:%s/dicom-web' % orthanc, login + ' queryMode="DICOM_WEB"')
make('files.xml', 'http://127.0.0.1:%s/files/' % port, tags=ticket, file=lambda f: f)
make('away.xml', 'http://127.0.0.1:%s/files/' % port, tags=ticket, file=lambda f: 'http://localhost:%s/files/open/%s' % (port, f))
make('inside.xml', wado, 'queryMode="DICOM"')
make('doctype.xml', wado, login, prolog='<!DOCTYPE manifest SYSTEM "http://127.0.0.1:%s/dtd">' % port)
open('www/failed.xml', 'w').write('<manifest><arcQuery baseUrl="%s"><Message title="Muster" description="Eva" severity="ERROR"/>'
                                  '</arcQuery></manifest>' % wado)
END
/usr/bin/python3 manifests.py "$ORTHANC_HTTP" "$PORT"
wait_for 10 listens "$PORT"
new_spool 'allow_http = 127.0.0.1 localhost'
order() { jq -cn --arg n "$1" '{ref:"W-1",basis:{kind:"consent",reference:"form 1"},patient:{name:$n,birth_date:"1970-01-01"}}' >order.json; }
order 'Muster^Eva'
# get TEXT STATUS NAME [ARGUMENTS]: into out-NAME
get() {
	_text=$1 _want=$2 _name=$3; shift 3
	echo "http://127.0.0.1:$PORT/$_name" >link
	: >requests
	run "$_text" "$_want" -o "out-$_name" "$@"
}
run() { _text=$1 _want=$2; shift 2; _got=0; mri-fetch --order order.json "$@" - <link >out 2>err || _got=$?; is "$_text" "$_want" "$_got"; [ "$_got" = "$_want" ] || cat err; }
sums() { find "$1" -type f -exec sha256sum {} + | cut -c1-64 | sort; }
same() { rm -rf x && mkdir x && (cd x && unzip -q ../"out-$1"/*.zip) && [ "$(sums x)" = "$(sums study)" ]; }
# the link that starts the viewer, as a browser has it
printf 'weasis://%%24dicom%%3Aget+-w+%%22http%%3A%%2F%%2F127.0.0.1%%3A%s%%2Forthanc.xml%%22\n' "$PORT" >link
run 'a weasis link, into the spool' 0
import=$(cat out)
run 'the address of its manifest is the same link' 0
is 'the same import' "$import" "$(cat out)"
echo "http://127.0.0.1:$PORT/orthanc.xml" >link
run 'so is the address itself' 0
is 'the same again' "$import" "$(cat out)"
status 'it unpacks' 0 mri-unpack "$import"
is 'to nine objects' 9 "$(ls "$import"/study/1/original | wc -l)"
status 'and passes the check' 0 mri-check "$import"
get 'a manifest' 0 orthanc.xml
ok 'byte for byte' same orthanc.xml
get 'one that is packed' 0 packed.gz
ok 'byte for byte' same packed.gz
get 'its list' 0 orthanc.xml --list --json
is 'says what there is' '"20260901" "CT" 9' "$(jq -r 'select(.type=="offer") | "\(.date|@json) \(.modalities|@json) \(.files)"' out)"
get 'one object more than the archive has' 65 more.xml
has 'is counted' '1 of 10 objects are missing' err
get 'a login that the archive does not take' 77 wrong.xml
get 'an archive that speaks DICOMweb' 0 web.xml
ok 'byte for byte' same web.xml
get 'a folder of files' 0 files.xml
ok 'byte for byte' same files.xml
is 'for the ticket' 9 "$(grep -c '/files/.* 200 .* ticket-4711$' requests)"
get 'files that lie elsewhere' 0 away.xml
is 'do not see the ticket' '9 0' "$(grep -c '/files/open/.* 200 localhost.* None$' requests) $(grep -c 'localhost.*ticket' requests || :)"
get 'an archive inside the sender'"'"'s network' 76 inside.xml
get 'a DOCTYPE' 76 doctype.xml
is 'is not fetched' 1 "$(wc -l <requests)"
get 'a portal that failed' 75 failed.xml
hasnt 'does not talk of people' 'Muster|Eva' err
# what is recorded of it
for m in files.xml orthanc.xml; do
	get "$m, recorded and explained" 0 $m --har $m.har --explain
	ok 'the record is JSON' jq -e '.log.entries | length > 9' $m.har
	status "and runs again, offline" 0 "$MRI_BIN/mri-portal" replay $m.har
	for secret in ticket-4711 web-secret-1 bXJpOndlYi1zZWNyZXQtMQ Muster 19700101 1970-01-01 $uid PID-4711; do
		hasnt "holds no $secret" "$secret" $m.har
		hasnt "nor do the messages" "$secret" err
	done
done
order 'Anders^Anna'
get 'another patient ends it' 1 files.xml
is 'before an object is asked for' 1 "$(wc -l <requests)"
order 'Muster^Eva'
echo "http://127.0.0.1:$PORT/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3" >link
run 'a link that is a WADO request' 0 -o out-wado
is 'gives the object, not a picture of it' DICM "$(dd if="$(cat out)" bs=1 skip=128 count=4 2>/dev/null)"
hasnt 'no name, ticket or UID in any message' 'ticket|web-secret|Muster|1\.2\.826' err
done_testing
