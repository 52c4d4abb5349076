#!/usr/bin/env python3
"""A portal for people, as hospitals run them: a form with a CSRF field and a cookie, a code and a birth date, a page
for a one-time password, a list over two pages, ZIPs that are made when asked for, a report beside one of them, and
once a login page in place of a file. What it says instead of letting somebody in stands in the file MODE.

form-portal.py CERT DIR MODE LOG: prints "port N"; DIR: 1.zip 2.zip 3.zip report.pdf; one "METHOD path" a request to LOG.
"""
import html, json, os, secrets, ssl, sys, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

cert, folder, mode_file, log_file = sys.argv[1:]
CODE, BIRTH, OTP = 'ABC123DEF456', '01.01.1970', '739164'
UIDS = ['1.2.826.0.1.3680043.10.999.61', '1.2.826.0.1.3680043.10.999.62', '1.2.826.0.1.3680043.10.999.63']
sessions, jobs, state = {}, {}, {'thrown': False, 'polls': 0, 'wrong': 0, 'stale': set()}
# what the page says; status
SAYS = {
    'locked': ('Der Zugang ist gesperrt.', 200), 'expired': ('Der Zugang ist abgelaufen.', 410),
    'used-up': ('Dieser Code wurde bereits verwendet.', 200), 'not-found': ('Diesen Code gibt es nicht.', 404),
    'not-yet-available': ('Die Bilder sind noch nicht verfügbar.', 200), 'terms-needed': ('Bitte Nutzungsbedingungen annehmen', 200),
    'factor-needed': ('Bitte Versichertennummer angeben', 200), 'not-permitted': ('Der Befund ist nicht freigegeben.', 403),
    'rate-limited': ('Zu viele Anfragen', 429), 'busy': ('Bitte warten', 503),
    'maintenance': ('Wartungsarbeiten', 503), 'unsupported': ('Bitte den Viewer installieren', 200),
    'captcha': ('<div class="g-recaptcha"></div>', 200), 'payment-needed': ('<form id="payment"></form>', 200),
}


class Portal(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def mode(self):
        return open(mode_file).read().split()

    def reply(self, status, body, kind='text/html; charset=utf-8', headers=()):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        for k, v in headers:
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(body)

    def page(self, inner, status=200, headers=()):
        self.reply(status, '<!doctype html><html lang="de"><head><title>Bildportal</title></head><body><main>'
                   '%s</main></body></html>' % inner, headers=headers)

    def go(self, where, headers=()):
        self.reply(302, '', headers=[('Location', where)] + list(headers))

    def cookies(self):
        pairs = (p.strip().partition('=') for p in self.headers.get('Cookie', '').split(';'))
        return {k: v for k, _, v in pairs}

    def session(self):
        return sessions.get(self.cookies().get('sid'))

    def login_page(self, error='', status=200):
        sid, csrf = secrets.token_hex(16), secrets.token_hex(16)
        sessions[sid] = {'csrf': csrf, 'in': False}
        self.page('%s<form action="anmelden?weg=web" method="post"><input type="hidden" name="_csrf" value="%s">'
                  '<input name="code" value=""><input name="geburtsdatum"><select name="sprache"><option value="de" selected>'
                  'Deutsch<option value="en">English</select><input type="checkbox" name="merken" checked>'
                  '<input type="checkbox" name="werbung"><button type="submit" name="knopf" value="weiter">Weiter</button>'
                  '</form>' % (error, csrf), status, [('Set-Cookie', 'sid=%s; HttpOnly; Secure; Path=/' % sid)])

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        print(self.command, url.path, file=open(log_file, 'a'), flush=True)
        s, path = self.session(), url.path
        if path == '/' or path.startswith('/c/'):
            return self.login_page()
        if path == '/frei':
            return self.page('<a class="bilder" href="/datei/9">Bilder</a>')
        if path == '/datei/9':
            return self.reply(200, open(os.path.join(folder, '1.zip'), 'rb').read(), 'application/zip')
        if s is None or (not s['in'] and path != '/otp'):
            return self.login_page()
        if path == '/otp':
            return self.page('<form method="POST"><input type="hidden" name="_csrf" value="%s"><input name="otp"></form>'
                             % s['csrf'])
        if path == '/liste':
            second = 'seite=2' in url.query
            if 'endless' in self.mode():
                second = False
            order = UIDS[::-1] if 'reversed' in self.mode() else UIDS
            rows = order[2:] if second else order[:2]
            who = 'Fremd, Anna' if 'stranger' in self.mode() else 'Muster, Eva'
            inner = ''.join('<tr data-study-uid="%s"><td class="wer">%s</td><td class="bilder"> 4&nbsp;</td><td>%s</td></tr>' % (
                u, who, '<a href="befund/1.pdf">Befund</a>' if u == UIDS[0] else '') for u in rows)
            if 'empty' in self.mode():
                inner = ''
            next_page = '' if second else '<a rel="next" href="?seite=2&amp;x=%s">weiter</a>' % secrets.token_hex(4)
            return self.page('<table id="untersuchungen"><tbody>%s</tbody></table>%s' % (inner, next_page))
        if path == '/befund/1.pdf':
            return self.reply(200, open(os.path.join(folder, 'report.pdf'), 'rb').read(), 'application/pdf')
        if path == '/ping':
            return self.reply(204, b'')
        if path.startswith('/export/'):
            job = jobs.get(path[8:])
            if job is None:
                return self.reply(404, '{}', 'application/json')
            job['asked'] += 1
            if 'failing' in self.mode() or ('failing-later' in self.mode() and job['uid'] != UIDS[0]):
                return self.reply(200, json.dumps({'state': 'ERROR'}), 'application/json')
            if 'slow' in self.mode() or job['asked'] < 2:
                return self.reply(200, json.dumps({'state': 'RUNNING', 'percent': 40}), 'application/json')
            job['ticket'] = secrets.token_hex(12)
            size = os.path.getsize(self.zip(job['uid'])) + (7 if 'liar' in self.mode() else 0)
            return self.reply(200, json.dumps({'state': 'READY', 'url': '/datei/' + job['ticket'], 'size': size}),
                              'application/json')
        if path.startswith('/datei/'):
            uid = next((j['uid'] for j in jobs.values() if j.get('ticket') == path[7:]), None)
            if 'throw' in self.mode() and not state['thrown']:
                state['thrown'] = True
                sessions.clear()
                return self.login_page()
            if 'always-throw' in self.mode():
                sessions.clear()
                return self.login_page()
            if 'stale' in self.mode() and uid not in state['stale']:
                state['stale'].add(uid)
                return self.reply(403, 'nein', 'text/plain')
            if uid is None:
                return self.reply(404, 'weg', 'text/plain')
            if 'webpage' in self.mode():
                return self.page('<h1>Ihre Bilder</h1>')
            return self.reply(200, open(self.zip(uid), 'rb').read(), 'application/zip')
        self.reply(404, 'nichts', 'text/plain')

    def zip(self, uid):
        return os.path.join(folder, '%d.zip' % (UIDS.index(uid) + 1))

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get('Content-Length', 0))).decode()
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        print(self.command, url.path, file=open(log_file, 'a'), flush=True)
        s = self.session()
        if s is None:
            return self.login_page()
        if url.path in ('/anmelden', '/otp'):
            own = 'https://' + self.headers['Host']
            if form.get('_csrf') != s['csrf'] or self.headers.get('Origin') != own or \
                    not self.headers.get('Referer', '').startswith(own):
                return self.page('CSRF', 400)
        if url.path == '/anmelden':
            if (form.get('sprache'), form.get('merken'), form.get('werbung'), form.get('knopf'), url.query) != \
                    ('de', 'on', None, 'weiter', 'weg=web'):
                return self.page('Formular unvollständig: ' + html.escape(body), 400)
            mode = self.mode()
            if mode and mode[0] in SAYS:
                text, status = SAYS[mode[0]]
                if mode[0] == 'busy':
                    return self.reply(status, json.dumps({'warten': 3600}), 'application/json')
                return self.page('<p class="meldung">%s</p>' % text, status)
            if 'new-design' in mode:
                return self.page('<h1>Willkommen im neuen Portal</h1>')
            if (form.get('code'), form.get('geburtsdatum')) != (CODE, BIRTH):
                state['wrong'] += 1
                return self.login_page('<p class="error">Das stimmt nicht, noch %d Versuche</p>' % (3 - state['wrong']))
            if self.cookies().get('geraet') == 'bekannt':
                s['in'] = True
                return self.go('/liste')
            return self.go('/otp')
        if url.path == '/otp':
            if form.get('otp') != OTP:
                return self.page('<p class="error">Das Kennwort stimmt nicht</p>')
            s['in'] = True
            return self.go('liste', [('Set-Cookie', 'geraet=bekannt; Secure; Path=/')])
        if url.path == '/export' and s['in'] and form.get('uid') in UIDS and form.get('format') == 'dicom':
            job = secrets.token_hex(4)
            jobs[job] = {'uid': form['uid'], 'asked': 0}
            return self.reply(200, json.dumps({'jobId': job}), 'application/json')
        self.reply(400, '{}', 'application/json')


server = ThreadingHTTPServer(('127.0.0.1', 0), Portal)
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(cert)
server.socket = ctx.wrap_socket(server.socket, server_side=True)
print('port', server.server_port, flush=True)
server.serve_forever()
