#!/usr/bin/env python3
"""A DLX portal that is not ours: Python's own HTTP and TLS, HTTP/1.0 without Content-Length, ids, dates and the
question's id as numbers, a relative base path elsewhere, 503 first at every step that has no credential, the
first download cut in the middle.

foreign-portal.py CERT ZIP [PDF]: prints "port N", then "METHOD step" to stderr for each request."""
import json, socket, ssl, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

cert, files = sys.argv[1], sys.argv[2:]
seen, state = set(), {'cut': False}
TOKEN, JWT = 'Fremd-77aa41', 'eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiI3N2FhIn0.c2ln'


class Portal(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.0'

    def log_message(self, *args):
        pass

    def note(self, step):
        print(self.command, step, file=sys.stderr, flush=True)

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.end_headers()
        self.wfile.write(body if isinstance(body, bytes) else body.encode())

    def busy(self, step):
        if step in seen:
            return False
        seen.add(step)
        self.reply(503, 'application/json', json.dumps({'timeOutInSeconds': 1, 'message': 'bitte warten'}))
        return True

    def do_GET(self):
        path = self.path.split('?')[0]
        step = 'link' if path == '/p/' + TOKEN else path.rsplit('/bilder/api/', 1)[-1]
        self.note(step)
        if self.busy(step):
            return
        if step == 'link':
            if 'X-DICOM-LINK-EXCHANGE' not in self.headers:
                return self.reply(200, 'text/html', '<html>Bitte Geburtsdatum eingeben</html>')
            return self.reply(200, 'application/json;charset=utf-8', json.dumps({
                'apiInfo': {'dlxVersion': 1.0, 'vendorInformation': {'name': 'fremd'}, 'apiBasePath': '/bilder/api/'},
                'tfaQuestion': [{'question': [{'text': 'Geburtsdatum des Patienten', 'language': 'de'}],
                                 'questionId': 17, 'questionType': 'PAT_BIRTH_DATE', 'answerFormat': 'DATE'}]}))
        if self.headers.get('Authorization') != 'Bearer ' + JWT:
            return self.reply(401, 'text/plain', 'nein')
        if step == 'list':
            items = [{'id': 4711 + i, 'mimeType': 'application/pdf', 'description': 'Ü %d' % i,
                      'date': 20260901, 'modalities': 'CT', 'patientsName': 'Müller,Jörg', 'unknown': [1],
                      'patientsBirthdate': 19700101, 'patientsSex': 'M', 'fileCount': 16} for i in range(len(files))]
            return self.reply(200, 'application/json', json.dumps({'dataItem': items}))
        if step.startswith('download/'):
            body = open(files[int(step[9:]) - 4711], 'rb').read()
            if not state['cut']:
                state['cut'] = True
                self.send_response(200)
                self.send_header('Content-Type', 'application/octet-stream')
                self.end_headers()
                self.wfile.write(body[:len(body) // 3])
                self.wfile.flush()
                self.connection.unwrap = lambda: self.connection    # no close_notify
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            return self.reply(200, 'application/octet-stream', body)
        self.reply(400, 'text/plain', '?')

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.note('login')
        try:
            answers = {str(a['questionId']): a['answer'] for a in json.loads(body)['tfaAnswer']}
        except (ValueError, KeyError):
            answers = {}
        if self.path != '/bilder/api/tokentfa/' + TOKEN or answers.get('17') != '19700101':
            return self.reply(401, 'text/plain', 'nein')
        self.reply(200, 'application/jwt', JWT + '\n')


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert)
server = HTTPServer(('127.0.0.1', 0), Portal)
server.socket = context.wrap_socket(server.socket, server_side=True)
print('port %d' % server.server_address[1], flush=True)
server.serve_forever()
