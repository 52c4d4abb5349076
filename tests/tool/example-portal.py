#!/usr/bin/env python3
"""The portals that the examples of recipes are written for, all in one: share/recipes/example-form.xml (a form with a
hidden field and a cookie, a number by text message for codes OTP..., a list over two pages, archives packed on demand
and a PDF), example-json.xml (an API with a bearer, and a store whose links work once), and the one of the tutorial in
mri-recipe(5) (/klinik/...).

example-portal.py CERT ZIP PDF: prints "port N", then a line to stderr for each request: method and path."""
import json
import secrets
import ssl
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

cert, files = sys.argv[1], {'zip': open(sys.argv[2], 'rb').read(), 'pdf': open(sys.argv[3], 'rb').read()}
BORN, OTP, SHARE = '01.01.1970', '424242', 'Share-5a1b2c3d4e5f6a7b'
UIDS = ['1.2.826.0.1.3680043.10.999.%d' % i for i in (1, 2, 3)]
sessions, jobs, links = {}, {}, set()

FORM = '''<!DOCTYPE html><html><head><title>Bilder</title><body><main><p>Gr&uuml;ezi
<form id=abholung action="%s" method=POST><input type=hidden name=_csrf value="%s">
<input name=code><input name=born placeholder="TT.MM.JJJJ"><select name=lang><option>de<option selected value=en>
English</select><input type=checkbox name=keep value=1><input type=submit name=go value=Weiter></form></main>'''
NUMBER = '''<html><body><form action="/nummer" method="post"><input type="hidden" name="step" value="2">
<input name="otp"><button>OK</button></form></body></html>'''


class Portal(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def note(self):
        print(self.command, urlsplit(self.path).path, file=sys.stderr, flush=True)

    def reply(self, status, kind, body, **headers):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(body)

    def page(self, body, **headers):
        self.reply(200, 'text/html; charset=utf-8', body, **headers)

    def json(self, value, status=200):
        self.reply(status, 'application/json', json.dumps(value))

    def session(self):
        cookie = SimpleCookie(self.headers.get('Cookie', '')).get('sid')
        return sessions.get(cookie.value) if cookie else None

    def first(self, action='anmelden'):
        sid, csrf = secrets.token_hex(8), secrets.token_hex(16)
        sessions[sid] = {'csrf': csrf, 'in': False, 'sid': sid}
        self.page(FORM % (action, csrf), Set_Cookie='sid=%s; Path=/; Secure; HttpOnly; SameSite=Lax' % sid)

    def refuse(self):
        self.page('<p class="error">Wrong; 2 attempts left</p>')

    def enter(self, s, f):
        s['code'] = f.get('code', '')
        if f.get('_csrf') != s['csrf'] or f.get('lang') != 'en' or 'keep' in f:
            return self.reply(403, 'text/plain', 'forged')
        if f.get('born') != BORN:
            return self.refuse()
        if s['code'].startswith('OTP'):
            return self.page(NUMBER)
        s['in'] = True
        self.reply(302, 'text/html', '', Location='/list')

    def list(self, s, page):
        rows = ''.join('<tr data-study-uid="%s"><td>MR %d<td class=count> %d <td>%s' % (
            u, i, 16, '<a href="pdf/%d.pdf">Befund</a>' % i if i == 0 else '') for i, u in enumerate(UIDS)
            if (i < 2) == (page == 1))
        self.page('<table id="examinations"><tbody>%s</table>%s' % (
            rows, '<a rel="next" href="?page=2">weiter</a>' if page == 1 else ''))

    def file(self, key):
        s = self.session()
        if key not in links or s is None:
            return self.reply(403, 'text/plain', 'no')
        self.reply(200, 'application/zip', files['zip'], ETag='"1"')

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        s = self.session()
        self.note()
        if path.startswith('/klinik'):
            return self.klinik(path[7:], s, query)
        if path == '/evil':
            return self.first('https://127.0.0.1:%d/anmelden' % server.server_address[1])
        if path.startswith('/keyed'):
            return self.keyed(path[6:], query)
        if path.startswith('/store/'):
            return self.store(path[7:])
        if path.startswith('/v2/'):
            return self.api_get(path[4:], query)
        if path == '/' or s is None or not s['in']:
            return self.first()
        if path == '/list':
            return self.list(s, int(query.get('page', ['1'])[0]))
        if path.startswith('/export/'):
            job = jobs.get(path[8:])
            if job is None:
                return self.reply(404, 'text/plain', '?')
            job['asked'] += 1
            if job['asked'] < 2:
                return self.json({'state': 'RUNNING', 'percent': 50})
            key = secrets.token_hex(8)
            links.add(key)
            return self.json({'state': 'READY', 'url': '/file/' + key, 'size': len(files['zip'])})
        if path.startswith('/file/'):
            return self.file(path[6:])
        if path.startswith('/pdf/'):
            return self.reply(200, 'application/pdf', files['pdf'])
        self.reply(404, 'text/plain', '?')

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        path, s = urlsplit(self.path).path, self.session()
        self.note()
        if path.startswith('/v2/'):
            return self.api_post(path[4:], json.loads(raw))
        f = {k: v[0] for k, v in parse_qs(raw, keep_blank_values=True).items()}
        if s is None:
            return self.first()
        if path == '/klinik/anmelden':
            return self.klinik_enter(s, f)
        if path == '/anmelden':
            return self.enter(s, f)
        if path == '/nummer':
            s['in'] = f.get('otp') == OTP and f.get('step') == '2'
            return self.reply(303, 'text/html', '', Location='/list') if s['in'] else self.refuse()
        if path == '/export' and s['in'] and f.get('uid') in UIDS and f.get('format') == 'dicom':
            job = secrets.token_hex(4)
            jobs[job] = {'asked': 0}
            return self.json({'jobId': job})
        self.reply(400, 'text/plain', '?')

    # the portal of the tutorial
    def klinik(self, path, s, query):
        if s is None or not s['in']:
            sid = secrets.token_hex(8)
            sessions[sid] = {'csrf': secrets.token_hex(8), 'in': False}
            return self.page('<form id="abholung" action="/klinik/anmelden" method="post">'
                             '<input type="hidden" name="_csrf" value="%s">'
                             '<input name="nummer"> <input name="geb" placeholder="TT.MM.JJJJ"></form>'
                             % sessions[sid]['csrf'], Set_Cookie='sid=%s; Path=/klinik' % sid)
        if path.startswith('/zip/'):
            return self.reply(200, 'application/zip', files['zip'])
        self.klinik_list(int(query.get('seite', ['1'])[0]))

    def klinik_list(self, page):
        uid = UIDS[page - 1]
        self.page('<table id="liste"><tr data-uid="%s"><td>MRT Knie</td><td>16</td>'
                  '<td><a href="/klinik/zip/%d">Bilder</a></td></tr></table>%s' % (uid, page, '' if page == 3 else
                                            '<a rel="next" href="/klinik/liste?seite=%d">weiter</a>' % (page + 1)))

    def klinik_enter(self, s, f):
        if f.get('_csrf') != s['csrf'] or f.get('nummer') != '12345678' or f.get('geb') != BORN:
            return self.page('<p class="fehler">Das stimmt nicht, noch 2 Versuche</p>')
        s['in'] = True
        self.klinik_list(1)

    # an API with a key in a header, pages by the Link header, and a redirect to another host
    def keyed(self, path, query):
        page = int(query.get('page', ['1'])[0])
        if path == '/in':
            return self.reply(200, 'text/plain', 'ok', X_Key='key-7d3f')
        if path == '/there':
            if 'X-Key' in self.headers:
                return self.reply(400, 'text/plain', 'what is that key?')
            return self.reply(200, 'application/zip', files['zip'])
        if self.headers.get('X-Key') != 'key-7d3f':
            return self.reply(401, 'text/plain', 'no key')
        if path == '/many':
            return self.json([{'uid': '1.2.826.0.1.3680043.10.999.%d' % i} for i in range(1500)])
        if path == '/hop':
            there = 'https://127.0.0.1:%d/keyed/there' % server.server_address[1]
            return self.reply(302, 'text/plain', '', Location=there)
        more = {'Link': '<list?page=1>; rel="prev", <list?page=%d>; rel="next"' % (page + 1)} if page < 3 else {}
        self.reply(200, 'application/json', json.dumps([{'uid': UIDS[page - 1]}]), **more)

    # the API of example-json.xml
    def bearer(self):
        return self.headers.get('Authorization') == 'Bearer ' + JWT

    def api_post(self, path, body):
        if path == 'session':
            if body != {'share': SHARE, 'dateOfBirth': '1970-01-01'}:
                return self.json({'error': 'invalid_grant', 'attemptsLeft': 4}, 401)
            return self.json({'accessToken': JWT}, 201)
        if not self.bearer():
            return self.json({'error': 'no'}, 401)
        key = secrets.token_hex(8)
        links.add(key)
        self.json({'url': 'https://127.0.0.1:%d/store/%s' % (server.server_address[1], key),
                   'bytes': len(files['zip'])})

    def api_get(self, path, query):
        if not self.bearer():
            return self.json({'error': 'no'}, 401)
        n = int(query.get('from', ['0'])[0])
        study = {'id': n, 'studyInstanceUid': UIDS[n], 'instances': 16,
                 'patient': {'name': 'Müller^Jörg', 'birthDate': '1970-01-01'}}
        self.json({'studies': [study], 'next': '/v2/studies?from=%d' % (n + 1) if n < 2 else None})

    def store(self, key):
        if key not in links or 'Authorization' in self.headers or 'Cookie' in self.headers:
            return self.reply(403, 'application/xml', '<Error><Code>AccessDenied</Code></Error>')
        links.remove(key)
        self.reply(200, 'application/octet-stream', files['zip'])


JWT = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZXhwIjo0MDAwMDAwMDAwfQ.c2lnbmF0dXJl'
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert)
server = ThreadingHTTPServer(('127.0.0.1', 0), Portal)
server.socket = context.wrap_socket(server.socket, server_side=True)
print('port %d' % server.server_address[1], flush=True)
server.serve_forever()
