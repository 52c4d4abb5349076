#!/usr/bin/env python3
"""Letters with QR codes: qrpage.py OUT TEXT... writes all codes onto one page (.png, .pgm), or one a page (.pdf).
--grey makes the paper darker and the ink lighter, as a photo has it."""
import struct, subprocess, sys, zlib

args = [a for a in sys.argv[1:] if a != '--grey']
ink, paper = (90, 200) if '--grey' in sys.argv else (0, 255)
out, texts = args[0], args[1:]
SCALE, EDGE = 6, 40


def code(text):
    lines = subprocess.run(['qrencode', '-t', 'ASCII', '-m', '4', '-o', '-', text], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return [bytes(b for i in range(0, len(l), 2) for b in [ink if l[i] == '#' else paper] * SCALE)
            for l in lines for _ in range(SCALE)]


def page(blocks):
    width = max([len(b[0]) for b in blocks] or [400]) + 2 * EDGE
    blank = bytes([paper]) * width
    rows = [blank] * EDGE
    for b in blocks:
        rows += [bytes([paper]) * EDGE + r + bytes([paper]) * (width - EDGE - len(r)) for r in b] + [blank] * EDGE
    return width, rows + [blank] * EDGE


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def pdf(pages):
    objects = [b'<</Type/Catalog/Pages 2 0 R>>', None]
    kids = []
    for width, rows in pages:
        n = len(objects) + 1
        kids.append('%d 0 R' % n)
        data, paint = zlib.compress(b''.join(rows)), b'q 400 0 0 400 100 300 cm /I Do Q'
        objects += [b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>>>'
                    % (n + 1, n + 2), b'<</Length %d>>stream\n%s\nendstream' % (len(paint), paint),
                    b'<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8'
                    b'/Filter/FlateDecode/Length %d>>stream\n%s\nendstream' % (width, len(rows), len(data), data)]
    objects[1] = ('<</Type/Pages/Count %d/Kids[%s]>>' % (len(kids), ' '.join(kids))).encode()
    body, at = b'%PDF-1.4\n', []
    for i, o in enumerate(objects):
        at.append(len(body))
        body += b'%d 0 obj\n%s\nendobj\n' % (i + 1, o)
    xref = b'xref\n0 %d\n0000000000 65535 f \n' % (len(at) + 1) + b''.join(b'%010d 00000 n \n' % a for a in at)
    return body + xref + b'trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n' % (len(at) + 1, len(body))


if out.endswith('.pdf'):
    data = pdf([page([code(t)]) for t in texts])
else:
    width, rows = page([code(t) for t in texts])
    if out.endswith('.pgm'):
        data = b'P5 %d %d 255\n' % (width, len(rows)) + b''.join(rows)
    else:
        data = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, len(rows), 8, 0, 0, 0, 0)) + \
            chunk(b'IDAT', zlib.compress(b''.join(b'\0' + r for r in rows))) + chunk(b'IEND', b'')
open(out, 'wb').write(data)
