#!/usr/bin/python3
# A DICOMweb portal that misbehaves in ways that real ones do and Orthanc does not. The first segment of the path
# says how: /cap (bulk gives three), /206 (one is gone, and it says so), /cut (no closing boundary), /cutlen (a
# connection cut inside an object), /expire (tokens run out midway), /once (the first one does), /gone, /page (two
# entries a page), /nolist, /501 (nothing works), /deny (no token is right), /open (none is needed), /busy,
# /single (no bulk; LOG gets how many objects were asked for at once), /alone (the same, 429 for more than one at once).
# usage: dicomweb-double.py DIR TOKENFILE LOG [TOKEN, with %d for its number]; prints its port
import glob, http.server, json, os, sys, threading
import pydicom

folder, tokenfile, log = sys.argv[1:4]
token = sys.argv[4] if len(sys.argv) > 4 else 'token-%d'
objects = []
for path in sorted(glob.glob(folder + '/**/*', recursive=True)):
    if not os.path.isfile(path):
        continue
    d = pydicom.dcmread(path, stop_before_pixels=True)
    objects.append((d.StudyInstanceUID, d.SeriesInstanceUID, d.SOPInstanceUID, path, d))
lock = threading.Lock()
state = {'served': 0, 'token': 1, 'now': 0}
meet = threading.Condition(lock)


def tag(vr, value):
    return {'vr': vr, 'Value': [value]}


class Portal(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def say(self, status, kind, body, length=True):
        with lock, open(log, 'a') as f:
            f.write('%s %d\n' % (self.path, status))
        self.send_response(status)
        self.send_header('Content-Type', kind)
        if self.path.startswith('/signed'):
            self.send_header('Content-Disposition', "attachment; filename=no; filename*=UTF-8''a%2FThorax%20M%C3%BCller.dcm")
        if length:
            self.send_header('Content-Length', str(len(body)))
        else:
            self.send_header('Connection', 'close')
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def parts(self, chosen, close=True):
        out = b''
        for o in chosen:
            data = open(o[3], 'rb').read()
            out += b'--edge-7\r\nContent-Type: application/dicom\r\nContent-Length: %d\r\n\r\n' % len(data) + data + b'\r\n'
        return out + (b'--edge-7--\r\n' if close else b'')

    def beside(self, way, multi, one):
        """Waits a moment for others that may come at the same time."""
        with meet:
            state['now'] += 1
            many = state['now']
            meet.notify_all()
            meet.wait_for(lambda: state['now'] >= 4, 0.01)
            with open(log, 'a') as f:
                f.write('at once %d\n' % many)
        try:
            if way == 'alone' and many > 1:
                return self.say(429, 'text/plain', b'one at a time')
            self.say(200, multi, self.parts(one))
        finally:
            with meet:
                state['now'] -= 1

    def do_GET(self):
        path, _, query = self.path.partition('?')
        args = dict(a.split('=', 1) for a in query.split('&') if '=' in a)
        way, rest = path.split('/')[1], path.split('/')[2:]
        if way == 'signed':
            if rest[0] == 'over':
                return self.say(403, 'application/xml', b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code></Error>')
            return self.say(200, 'application/octet-stream', open(objects[0][3], 'rb').read())
        if way == 'busy':
            return self.say(503, 'text/plain', b'')
        if way == '501':
            return self.say(501, 'text/plain', b'')
        known = way == 'open' or self.headers.get('Authorization') == 'Bearer ' + token % state['token']
        if way == 'deny' or not known:
            return self.say(401, 'text/plain', b'no')
        if rest[0] != 'studies':
            return self.say(404, 'text/plain', b'')
        offset, limit = int(args.get('offset', 0)), int(args.get('limit', 100))
        if way == 'page':
            limit = min(limit, 2)
        multi = 'multipart/related; type="application/dicom"; boundary="edge-7"'
        if len(rest) == 1:
            mine = [o for o in objects if o[0] == args.get('StudyInstanceUID')]
            if not mine or offset:
                return self.say(204, 'application/dicom+json', b'')
            d = mine[0][4]
            one = {'0020000D': tag('UI', mine[0][0]), '00100010': tag('PN', {'Alphabetic': str(d.PatientName)}),
                   '00100030': tag('DA', d.PatientBirthDate), '00080020': tag('DA', d.StudyDate),
                   '00080061': {'vr': 'CS', 'Value': ['CT']}}
            if way != 'nolist':
                one['00201208'] = tag('IS', len(mine))
            return self.say(200, 'application/dicom+json', json.dumps([one]).encode())
        mine = [o for o in objects if o[0] == rest[1]]
        if rest[2:] == ['instances']:
            if way == 'nolist':
                return self.say(404, 'text/plain', b'')
            seen = mine[offset:offset + limit]
            if not seen:
                return self.say(204, 'application/dicom+json', b'')
            return self.say(200, 'application/dicom+json', json.dumps(
                [{'00080018': tag('UI', o[2]), '0020000E': tag('UI', o[1])} for o in seen]).encode())
        if len(rest) == 2:
            if way in ('single', 'alone'):
                return self.say(501, 'text/plain', b'')
            if way in ('cap', 'expire', 'once'):
                return self.say(200, multi, self.parts(mine[:3]))
            if way == '206':
                return self.say(206, multi, self.parts(mine[:-1]))
            if way in ('cut', 'nolist'):
                return self.say(200, multi, self.parts(mine[:4], close=False), length=False)
            if way == 'cutlen':
                return self.say(200, multi, self.parts(mine)[:-len(self.parts(mine[:1])) // 2], length=False)
            if way == 'html':
                return self.say(200, 'text/html', b'<html>please log in</html>')
            return self.say(200, multi, self.parts(mine + mine[:1]))
        if way in ('single', 'alone'):
            return self.beside(way, multi, [o for o in mine if o[2] == rest[-1]])
        with lock:
            state['served'] += 1
            if (way == 'expire' and state['served'] % 3 == 1) or (way == 'once' and state['token'] == 1):
                state['token'] += 1
                with open(tokenfile + '.new', 'w') as f:
                    f.write(token % state['token'] + '\n')
                os.chmod(tokenfile + '.new', 0o600)
                os.rename(tokenfile + '.new', tokenfile)
        one = [o for o in mine if o[2] == rest[-1]]
        if not one or (way == '206' and one[0] is mine[-1]) or way == 'gone':
            return self.say(404, 'text/plain', b'')
        self.say(200, multi, self.parts(one))


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Portal)
print('port', server.server_port, flush=True)
server.serve_forever()
