# Answers and bearer go to the host of the link and to those that belong to it: whoever answers the link can send it
# elsewhere. One listener under many names counts what each of them gets.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
cat >portal.py <<'END'
import http.server, json
# /go/HOST/token/T: redirected to HOST   /base/HOST/token/T: its API is at HOST
class P(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def out(self, status, body=b'', kind='application/json', **headers):
        host = self.headers['Host'].split(':')[0]
        with open('requests', 'a') as f:
            f.write('%s %s %s %s\n' % (host, self.command, 'secret' if 'Authorization' in self.headers else '-', self.path))
        self.send_response(status)
        for k, v in dict(headers, Content_Type=kind, Content_Length=str(len(body))).items():
            self.send_header(k.replace('_', '-'), v)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        way = self.path.split('/')
        port = self.server.server_port
        if way[1] == 'go':
            return self.out(302, Location='http://%s:%d/api/token/T' % (way[2], port))
        if way[-2] == 'token':
            base = 'http://%s:%d/api' % (way[2], port) if way[1] == 'base' else '/api'
            return self.out(200, json.dumps({'apiInfo': [{'dlxVersion': '1.0', 'apiBasePath': base}], 'tfaQuestion': [
                {'questionId': '1', 'questionType': 'PAT_BIRTH_DATE', 'question': [{'text': 'Birth date'}]}]}).encode())
        if way[-1] == 'list':
            return self.out(200, b'{"dataItem":[{"id":"1"}]}')
        self.out(200, b'PK\x05\x06' + b'\0' * 18, 'application/zip')
    def do_POST(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.out(200, b'eyJhbGciOiJub25lIn0.e30.sig', 'application/jwt')
s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), P)
print('port %d' % s.server_address[1], flush=True)
s.serve_forever()
END
/usr/bin/python3 portal.py >port.txt 2>portal.err &
_pids="$_pids $!"
wait_for 20 grep -q port port.txt
port=$(cut -d' ' -f2 port.txt)
printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1 localhost klinik.localhost www.klinik.localhost api.klinik.localhost cloud.localhost\n' >mri.conf
export MRI_CONFIG="$TMPDIR/mri.conf"
echo 1970-01-01 >birth
# fetch NAME STATUS LINK [OPTION ...]: the link's port is put in
fetch() {
	_name=$1 _code=$2 _link=$(echo "$3" | sed "s,^\([a-z0-9.]*\)/,http://\1:$port/,"); shift 3
	: >requests
	rm -rf files
	jq -cn --arg l "$_link" '{link:$l,basis:{kind:"consent",reference:"form"}}' >order.json
	status "$_name" "$_code" "$MRI_BIN/mri-fetch" --json -o files --order order.json "$@"
}
posts() { grep -cE "^$1 POST" requests || :; }
secrets() { grep -cE "^$1 [A-Z]+ secret" requests || :; }
state() { jq -r 'select(.type=="receipt").state' out; }
birth='--factor PAT_BIRTH_DATE=@birth'

fetch "a portal that stays where it is" 0 klinik.localhost/base/klinik.localhost/token/T $birth
is "one answer, and the bearer" "1 2" "$(posts klinik.localhost) $(secrets klinik.localhost)"
for way in go base; do
	fetch "a link that leads to another host ($way)" 77 klinik.localhost/$way/cloud.localhost/token/T $birth
	is "gets no answer, and no bearer" "0 0" "$(posts '[^ ]*') $(secrets '[^ ]*')"
	is "by name" not-permitted "$(state)"
	has "the host is named" 'another host, cloud.localhost' err
	has "and what to do" 'url_prefix' err
	hasnt "the link is not" 'token/T' err
	fetch "nothing is asked before ($way)" 77 klinik.localhost/$way/cloud.localhost/token/T
	is "not even what is missing" not-permitted "$(state)"
	fetch "another name of the same parent is another host ($way)" 77 www.klinik.localhost/$way/api.klinik.localhost/token/T $birth
	is "too" "0 0" "$(posts '[^ ]*') $(secrets '[^ ]*')"
	fetch "so is a parent of one label ($way)" 77 klinik.localhost/$way/localhost/token/T $birth
	fetch "so is an address ($way)" 77 localhost/$way/127.0.0.1/token/T $birth
	is "too" "0 0" "$(posts '[^ ]*') $(secrets '[^ ]*')"
	fetch "a sub-domain of the link's host ($way)" 0 klinik.localhost/$way/api.klinik.localhost/token/T $birth
	is "belongs to it" "1 2" "$(posts api.klinik.localhost) $(secrets api.klinik.localhost)"
	fetch "so does the host that the link's is one of ($way)" 0 www.klinik.localhost/$way/klinik.localhost/token/T $birth
	is "too" "1 2" "$(posts klinik.localhost) $(secrets klinik.localhost)"
done
printf '[portal k]\nurl_prefix = klinik.localhost http://cloud.localhost:%s/api\n[portal other]\nurl_prefix = www.klinik.localhost\n' \
    "$port" >>mri.conf
fetch "a host that the configuration names beside the link's" 0 klinik.localhost/go/cloud.localhost/token/T $birth
is "may have the answers" "1 2" "$(posts cloud.localhost) $(secrets cloud.localhost)"
fetch "another portal's host may not" 77 www.klinik.localhost/go/cloud.localhost/token/T $birth
is "by name" not-permitted "$(state)"
done_testing
