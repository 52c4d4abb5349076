#!/usr/bin/env python3
"""A portal for programs: a session by JSON, a bearer that says when it ends, a list by pages in three manners, files in
a store under another name (127.0.0.1) by links that work once. What else it does stands in the file MODE.

json-portal.py CERT DIR MODE LOG: prints "port N"; DIR: 1.zip 2.zip 3.zip; "METHOD host path auth" a request to LOG."""
import base64, hashlib, json, os, secrets, ssl, sys, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

cert, folder, mode_file, log_file = sys.argv[1:]
SHARE, BIRTH = 'abcDEF123_-abcDEF12345', '1970-01-01'
UIDS = ['1.2.826.0.1.3680043.10.999.61', '1.2.826.0.1.3680043.10.999.62', '1.2.826.0.1.3680043.10.999.63']
bearers, tickets, state = {}, {}, {'left': 3, 'busy': True, 'limited': True}


def b64(d):
    return base64.urlsafe_b64encode(json.dumps(d).encode()).decode().rstrip('=')


class Portal(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def mode(self):
        return open(mode_file).read().split()

    def reply(self, status, body, kind='application/json', headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def note(self, path):
        auth = self.headers.get('Authorization', '-').split()[0]
        print(self.command, self.headers['Host'].rsplit(':', 1)[0], path, auth, file=open(log_file, 'a'), flush=True)

    def known(self):
        auth = self.headers.get('Authorization', '')
        if 'basic' in self.mode():
            return auth == 'Basic ' + base64.b64encode(b'klinik:geheim-77').decode()
        return bearers.get(auth[7:], 0) > time.time()

    def own(self, path):
        return 'https://%s%s' % (self.headers['Host'], path)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.note(url.path)
        if url.path.startswith('/store/'):
            uid = tickets.pop(url.path[7:], None)
            if uid is None:
                return self.reply(403, {'error': 'used'})
            if 'away' in self.mode():
                return self.reply(302, b'', headers=[('Location', 'https://[::1]:%d/leak' % port)])
            body = open(os.path.join(folder, '%d.zip' % (UIDS.index(uid) + 1)), 'rb').read()
            return self.reply(200, body, 'application/zip')
        if not self.known():
            return self.reply(401, {'error': 'unauthorized'})
        if url.path == '/v2/studies':
            if 'limited' in self.mode() and state['limited']:
                state['limited'] = False
                return self.reply(429, {'retryAfter': 1})
            at = int(query.get('at', '0'))
            rows = [{'id': 'S/%d ö' % i, 'studyInstanceUid': UIDS[i], 'instances': '4',
                     'patient': {'name': 'Muster, Eva', 'birthDate': BIRTH}} for i in range(at, min(at + 2, 3))]
            more = '/v2/studies?at=%d' % (at + 2) if at + 2 < 3 else None
            return self.reply(200, {'studies': rows, 'next': more}, headers=[
                ('Link', '<%s>; rel="self", <%s>; rel="next"' % (self.path, more))] if more else [])
        self.reply(404, {'error': 'nothing'})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        self.note(self.path)
        try:
            data = json.loads(body)
        except ValueError:
            return self.reply(400, {'error': 'no JSON'})
        if self.path == '/v2/session':
            if 'busy' in self.mode() and state['busy']:
                state['busy'] = False
                return self.reply(503, {'error': 'busy'})
            if (data.get('share'), data.get('dateOfBirth')) != (SHARE, BIRTH):
                state['left'] -= 1
                return self.reply(400, {'error': 'invalid_grant', 'attemptsLeft': state['left']})
            end = int(time.time()) + (2 if 'short' in self.mode() and not bearers else 600)
            jwt = '%s.%s.%s' % (b64({'alg': 'none'}), b64({'exp': end, 'n': secrets.token_hex(4)}), 'c2ln')
            bearers[jwt] = end
            return self.reply(201, {'accessToken': jwt})
        if not self.known():
            return self.reply(401, {'error': 'unauthorized'})
        path = urllib.parse.unquote(self.path)
        i = next((i for i in range(3) if path == '/v2/studies/S/%d ö/link' % i), None)
        if i is None or '/S/' in self.path:
            return self.reply(404, {'error': 'nothing'})
        ticket = secrets.token_hex(16)
        tickets[ticket] = UIDS[i]
        data = open(os.path.join(folder, '%d.zip' % (i + 1)), 'rb').read()
        host = '127.0.0.1:%d' % port if 'evil' not in self.mode() else '[::1]:%d' % port
        self.reply(200, {'url': 'https://%s/store/%s' % (host, ticket), 'bytes': len(data),
                         'sha256': hashlib.sha256(data + (b'x' if 'liar' in self.mode() else b'')).hexdigest()})


server = ThreadingHTTPServer(('127.0.0.1', 0), Portal)
port = server.server_port
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(cert)
server.socket = ctx.wrap_socket(server.socket, server_side=True)
print('port', port, flush=True)
server.serve_forever()
