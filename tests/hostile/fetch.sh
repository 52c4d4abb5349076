# Portals that mean harm: no signal, no output of their making, bounded memory, an exit status that says what it was.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
cat >server.py <<'EOF'
import http.server, json, sys
esc = '\x1b]0;owned\x07\u202egnp.exe'
info = {'apiInfo': [{'apiBasePath': '/api'}], 'tfaQuestion': []}
big = b'x' * (1 << 20)

class P(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.0'
    def log_message(self, *a): pass
    def out(self, body, status=200, kind='application/json', **headers):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        for k, v in headers.items():
            self.send_header(k.replace('_', '-'), v)
        self.end_headers()
        for part in body if isinstance(body, list) else [body]:
            self.wfile.write(part if isinstance(part, bytes) else part.encode())
    def do_POST(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        case = open('case').read().strip()
        if case == 'jwt-newline':
            return self.out('eyJ.a\r\nX-Evil: 1\r\n.b', kind='application/jwt')
        if case == 'jwt-huge':
            return self.out('a.' + 'b' * 60000, kind='application/jwt')
        self.out('eyJhbGciOiJub25lIn0.e30.sig', kind='application/jwt')
    def do_GET(self):
        case = open('case').read().strip()
        try:
            self.one(case)
        except (BrokenPipeError, ConnectionResetError):
            pass
    def one(self, case):
        if self.path.endswith('/list'):
            item = {'id': '1', 'description': 'ok'}
            if case == 'list-endless':
                self.out('{"dataItem":[{"id":"')
                while True: self.wfile.write(big)
            if case == 'list-many': return self.out(json.dumps({'dataItem': [item] * 20000}))
            if case == 'escapes': return self.out(json.dumps({'dataItem': [{'id': esc, 'description': esc + '\n2\tstudy', 'modalities': esc}]}))
            if case == 'id-path': return self.out(json.dumps({'dataItem': [{'id': '../../../../etc/passwd?x#y'}]}))
            if case == 'html-list': return self.out('<html>', kind='text/html')
            return self.out(json.dumps({'dataItem': [item]}))
        if '/download/' in self.path:
            open('asked', 'a').write(self.path + '\n')
            if case == 'empty': return self.out(b'')
            if case == 'exe': return self.out(b'MZ' + big)
            if case == 'zip-lie': return self.out(b'PK\x03\x04' + big)
            return self.out(b'PK\x05\x06' + b'\0' * 18)
        if case == 'endless':
            self.out('{')
            while True: self.wfile.write(b' ' * (1 << 20))
        if case == 'page-endless':
            self.out('<!DOCTYPE html><html>', kind='text/html')
            while True: self.wfile.write(big)
        if case == 'deep': return self.out('[' * 100000)
        if case == 'deep2': return self.out('{"apiInfo":' + '[' * 100000 + ']' * 100000 + '}')
        if case == 'twice': return self.out('{"apiInfo":[],"apiInfo":[{"apiBasePath":"/api"}],"tfaQuestion":[]}')
        if case == 'nul': return self.out('{"apiInfo":[{"apiBasePath":"/api\\u0000x"}],"tfaQuestion":[]}')
        if case == 'questions': return self.out(json.dumps({'apiInfo': [], 'tfaQuestion': [{'questionId': str(i)} for i in range(10000)]}))
        if case == 'question-escape': return self.out(json.dumps(dict(info, tfaQuestion=[{'questionId': esc, 'questionType': esc, 'question': esc}])))
        if case == 'base-file': return self.out(json.dumps({'apiInfo': [{'apiBasePath': 'file:///etc'}], 'tfaQuestion': []}))
        if case == 'base-metadata': return self.out(json.dumps({'apiInfo': [{'apiBasePath': 'https://169.254.169.254/x'}], 'tfaQuestion': []}))
        if case == 'redirect-metadata': return self.out('', status=302, Location='https://[fd00:ec2::254]/latest')
        if case == 'redirect-file': return self.out('', status=302, Location='file:///etc/passwd')
        if case == 'headers': return self.out('', X='y' * 300000)
        if case == 'many-headers':
            self.wfile.write(b'HTTP/1.0 200 OK\r\n')
            while True: self.wfile.write(b'A: b\r\n' * 10000)
        if case == 'garbage': return self.wfile.write(bytes(range(256)) * 100)
        if case == 'status': return self.wfile.write(b'HTTP/1.0 999999999999 X\r\n\r\n')
        if case == 'wait-negative': return self.out('{"timeOutInSeconds":-5}', status=503, Retry_After='-1')
        if case == 'wait-long': return self.out('{"timeOutInSeconds":86400}', status=503)
        if case == 'xml': return self.out('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><manifest>&b;</manifest>', kind='text/xml')
        return self.out(json.dumps(info))

s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), P)
print('port %d' % s.server_address[1], flush=True)
s.serve_forever()
EOF
printf 'x' >case
python3 server.py >port.txt 2>server.err &
server=$!
trap 'kill "$server" 2>/dev/null || :' EXIT
wait_for 20 grep -q port port.txt
port=$(cut -d' ' -f2 port.txt)
printf '[net]\nallow = 127.0.0.0/8\nallow_http = localhost 127.0.0.1\n' >mri.conf
export MRI_CONFIG="$TMPDIR/mri.conf"
printf 'http://127.0.0.1:%s/token/SECRET-9\n' "$port" >link

cat >peak.py <<'EOF'
import resource, subprocess, sys
r = subprocess.run(sys.argv[1:], stdin=open('link'))
open('peak', 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(r.returncode if r.returncode >= 0 else 200 - r.returncode)
EOF
# attack CASE STATUS [option ...]
attack() {
	_name=$1 _code=$2; shift 2
	printf '%s' "$_name" >case
	rm -rf files
	status "$_name: $_code" "$_code" python3 peak.py "$MRI_BIN/mri-fetch" --json -o files --basis consent --reference x --max-time 20 "$@" -
	ok "$_name: under 256 MB" test "$(cat peak)" -lt 262144
	ok "$_name: every line is JSON" sh -c 'jq -es "length > 0" out >/dev/null'
	hasnt "$_name: no escape sequence" "$(printf '[\033\007]')" err
	hasnt "$_name: no link" 'SECRET-9' err
	hasnt "$_name: no link in a receipt" 'SECRET-9' out
	ok "$_name: nothing half" test -z "$(ls -A files 2>/dev/null | grep part || :)"
}
attack good 0
attack endless 76
attack page-endless 76
attack deep 76
attack deep2 76
attack twice 76
attack nul 76
attack questions 76
attack question-escape 77
attack base-file 76
attack base-metadata 77
attack redirect-metadata 77
attack redirect-file 76
attack headers 75	# libcurl says "out of memory" of one header of 300 KB
attack many-headers 76
attack garbage 76
attack status 76
attack wait-negative 75
attack wait-long 75
attack xml 76
attack jwt-newline 76
attack jwt-huge 76
attack list-endless 76
attack list-many 76
attack html-list 76
attack escapes 0 --list
has "escapes: are shown as what they are" 'u001b|x1[bB]|\\u' out
attack empty 75
attack exe 76
attack zip-lie 75
: >asked
attack id-path 0
is "id-path: the id stays one segment" 1 "$(grep -c '^/api/download/\.\.%2F' asked)"
done_testing
