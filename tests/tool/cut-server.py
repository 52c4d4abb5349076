#!/usr/bin/env python3
"""A server that breaks off: PORT FILE LOG. GET /KIND/OFFSET/… cuts its first answer at OFFSET bytes, then serves in full.

Kinds: length, chunked, close (no length, FIN), reset (no length, RST), range (strong ETag, parts), date (Last-Modified,
parts), weak (weak ETag, parts), norange (strong ETag, parts ignored), changed (another ETag and file at the second
request), wrong (206 from another offset), coded (Content-Encoding). LOG gets "path status bytes" a request.
"""
import socket, struct, sys, threading

port, data, log = int(sys.argv[1]), open(sys.argv[2], 'rb').read(), open(sys.argv[3], 'a', buffering=1)
other = data[:len(data) // 2] + bytes(1) + data[len(data) // 2 + 1:]
seen, lock = {}, threading.Lock()


def read_request(f):
    line = f.readline().decode('latin1')
    headers = {}
    while True:
        h = f.readline().decode('latin1').strip()
        if not h:
            return line, headers
        k, _, v = h.partition(':')
        headers[k.lower()] = v.strip()


def serve(s):
    with s, s.makefile('rb') as f:
        line, headers = read_request(f)
        if not line:
            return
        path = line.split(' ')[1]
        _, kind, offset = path.split('/')[:3]
        with lock:
            seen[path] = seen.get(path, 0) + 1
            turn = seen[path]
        cut = int(offset) if turn == 1 else None
        body, status, out = data, 200, []
        etag = {'range': '"v1"', 'norange': '"v1"', 'wrong': '"v1"', 'weak': 'W/"v1"', 'coded': '"v1"',
                'changed': '"v%d"' % min(turn, 2)}.get(kind)
        if etag:
            out.append('ETag: ' + etag)
        if kind == 'date':
            out += ['Last-Modified: Mon, 23 Nov 2026 08:00:00 GMT', 'Date: Tue, 24 Nov 2026 08:00:00 GMT']
        if kind == 'coded':
            out.append('Content-Encoding: x-none')
        if kind == 'changed' and turn == 1:
            body = other
        asked = headers.get('range')
        if asked and kind in ('range', 'date', 'weak', 'changed', 'wrong', 'coded'):
            valid = etag if kind != 'date' else 'Mon, 23 Nov 2026 08:00:00 GMT'
            if kind == 'wrong' or headers.get('if-range') == valid:
                first = int(asked.split('=')[1].split('-')[0])
                if kind == 'wrong':
                    first -= 1
                status = 206
                out.append('Content-Range: bytes %d-%d/%d' % (first, len(body) - 1, len(body)))
                body = body[first:]
        if kind not in ('chunked', 'close', 'reset'):
            out.append('Content-Length: %d' % len(body))
        if kind == 'chunked':
            out.append('Transfer-Encoding: chunked')
        part = body if cut is None else body[:cut]
        head = '\r\n'.join(['HTTP/1.1 %d X' % status, 'Content-Type: application/zip', 'Connection: close'] + out + ['', ''])
        sent = 0
        try:
            s.sendall(head.encode())
            for i in range(0, len(part), 65536):
                piece = part[i:i + 65536]
                s.sendall(b'%x\r\n%s\r\n' % (len(piece), piece) if kind == 'chunked' else piece)
                sent += len(piece)
            if kind == 'chunked' and cut is None:
                s.sendall(b'0\r\n\r\n')
            if cut is not None and kind == 'reset':
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        except OSError:
            pass
        log.write('%s %d %d\n' % (path, status, sent))


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', port))
listener.listen(64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
