#!/usr/bin/python3
"""A portal that repeats every secret it is told, in every spelling it can think of, wherever an answer has room: for
the test that none of them comes to light. Speaks DICOM Link Exchange, DICOMweb and the list of a SMART Health Link.

    canary-portal.py CERT ZIP MODE HOLD: listens with TLS on a free port and prints it. MODE is a file, read at each
    login: "wrong" refuses. While the file HOLD is there, the list is not given; HOLD.here says that somebody waits.
"""
import base64
import http.server
import json
import os
import select
import ssl
import sys
import urllib.parse

CERT, ZIP, MODE, HOLD = sys.argv[1:5]
COOKIE = 'canary-cookie-5e1f09'
JWT = '.'.join(base64.urlsafe_b64encode(p.encode()).decode().rstrip('=')
               for p in ('{"alg":"HS256","x":1}', '{"sub":"canary-jwt-77aa31"}', 'canary-signature-0'))
told = []	# of this session: a portal that mixed up two of them could not be helped


def spellings(s):
    forms = [s, urllib.parse.quote(s, safe=''), urllib.parse.quote(s, safe='').lower(), urllib.parse.quote_plus(s),
             ''.join('%%%02X' % b for b in s.encode()), json.dumps(s)[1:-1], json.dumps(s, ensure_ascii=False)[1:-1],
             json.dumps(s)[1:-1].replace('/', '\\/')]
    for pad in range(3):
        forms += [base64.b64encode(b'x' * pad + s.encode()).decode(), base64.urlsafe_b64encode(b'x' * pad + s.encode()).decode()]
    if len(s) == 8 and s.isdigit():
        for other in (s[:4] + '-' + s[4:6] + '-' + s[6:], s[6:] + '.' + s[4:6] + '.' + s[:4], s[:4] + '/' + s[4:6] + '/' + s[6:]):
            forms += spellings(other)
    return forms


def echo():
    return ' | '.join(f for s in told for f in spellings(s))


class Portal(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def give(self, status, body, kind='application/json', more=()):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Set-Cookie', 'session=' + COOKIE + '; Path=/; Secure')
        for n, s in enumerate(told):
            self.send_header('X-Echo-%d' % n, ' '.join(f for f in spellings(s) if f.isascii() and f.isprintable()))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self):
        told[:] = [COOKIE, JWT]

    def learn(self, *secrets):
        told.extend(s for s in secrets if s and s not in told)

    def do_GET(self):
        path, _, query = self.path.partition('?')
        auth = self.headers.get('Authorization', '')
        if path == '/first' or path.endswith('/studies'):
            self.begin()
        if auth.startswith('Basic '):
            self.learn(auth[6:], base64.b64decode(auth[6:]).decode().split(':', 1)[1])
        elif auth.startswith('Bearer '):
            self.learn(auth[7:])
        if path == '/first':
            token = urllib.parse.parse_qs(query)['token'][0]
            self.learn(token)
            self.give(302, echo(), 'text/plain', [('Location', '/p?token=' + urllib.parse.quote(token, safe='') + '&again=1')])
        elif path == '/p':
            asked = [('1', 'PAT_BIRTH_DATE', 'DATE'), ('2', 'PASSWORD', 'STRING'), ('3', 'CUSTOM', 'STRING'), ('4', 'OTP', 'STRING')]
            self.give(200, json.dumps({'apiInfo': [{'apiBasePath': '/dlx', 'note': echo()}], 'tfaQuestion': [
                {'questionId': i, 'questionType': t, 'answerFormat': f, 'question': [{'text': t, 'language': 'en'}]}
                for i, t, f in asked]}, ensure_ascii=False))
        elif path == '/dlx/list':
            if os.path.exists(HOLD):
                open(HOLD + '.here', 'w').close()
                while os.path.exists(HOLD):
                    select.select([], [], [], 0.02)
            self.give(200, json.dumps([{'id': '1', 'mimeType': 'application/zip', 'description': 'CT', 'fileCount': 1,
                                        'date': '2026-09-01', 'modalities': 'CT', 'comment': echo()}]))
        elif path == '/dlx/download/1':
            self.give(200, open(ZIP, 'rb').read(), 'application/zip', [('Content-Disposition', 'attachment; filename="a.zip"')])
        elif path.endswith('/studies'):
            self.give(403, echo(), 'text/plain')
        else:
            self.give(404, echo(), 'text/plain')

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        if 'passcode' in body:
            self.begin()
            self.learn(body['passcode'])
            self.give(401, json.dumps({'remainingAttempts': 2, 'why': echo()}))
            return
        self.learn(*(a['answer'] for a in body['tfaAnswer']))
        if open(MODE).read().strip() == 'wrong':
            self.give(401, echo(), 'text/plain')
        else:
            self.give(200, JWT, 'application/jwt')


server = http.server.HTTPServer(('127.0.0.1', 0), Portal)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERT)
server.socket = tls.wrap_socket(server.socket, server_side=True)
print('port', server.server_address[1], flush=True)
server.serve_forever()
