# Hostile DICOM: set aside with a reason, beside a good object that is kept; no signal, little memory.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home in
"$MRI_TOOL/mkstudy" --out good --slices 1 --rows 16 --cols 16
OBJ=$(find good -type f | head -1)
export OBJ

cat >make.py <<'P'
import os, struct, zlib
def el(g, e, vr, v):
    if len(v) % 2: v += b'\0' if vr == b'UI' else b' '
    if vr in (b'OB', b'OW', b'SQ', b'UN', b'UT'): return struct.pack('<HH2sHI', g, e, vr, 0, len(v)) + v
    return struct.pack('<HH2sH', g, e, vr, len(v)) + v
def meta(ts): return bytes(128) + b'DICM' + el(2, 0x10, b'UI', ts)
EXPL, IMPL, DEFL, JPEG = b'1.2.840.10008.1.2.1', b'1.2.840.10008.1.2', b'1.2.840.10008.1.2.1.99', b'1.2.840.10008.1.2.4.50'
ids = el(8, 0x16, b'UI', b'1.2.840.10008.5.1.4.1.1.7') + el(8, 0x18, b'UI', b'1.2.3.4') + el(0x20, 0xd, b'UI', b'1.2.3') + el(0x20, 0xe, b'UI', b'1.2.3.1')
def save(n, b): open('in/' + n, 'wb').write(b)
sq = struct.pack('<HHI', 8, 0x1140, 0xffffffff) + struct.pack('<HHI', 0xfffe, 0xe000, 0xffffffff)
save('nested-6000', meta(IMPL) + sq * 6000)
save('nested-100000', meta(IMPL) + sq * 100000)
n = 6000
save('nested-defined', meta(IMPL) + b''.join(struct.pack('<HHI', 8, 0x1140, 16 * (n - 1 - i) + 8) + struct.pack('<HHI', 0xfffe, 0xe000, 16 * (n - 1 - i)) for i in range(n)))
co = zlib.compressobj(9, zlib.DEFLATED, -15); d = b''
for _ in range(1000): d += co.compress(bytes(1 << 20))
save('deflate-bomb', meta(DEFL) + d + co.flush())
save('deflate-garbage', meta(DEFL) + os.urandom(2000).replace(b'\x03', b'\xff'))
save('length-4g', meta(EXPL) + ids + struct.pack('<HH2sHI', 0x7fe0, 0x10, b'OW', 0, 0xfffffffe))
save('length-in-item', meta(EXPL) + ids + struct.pack('<HH2sHI', 0x40, 0x275, b'SQ', 0, 16) + struct.pack('<HHI', 0xfffe, 0xe000, 0x7fffffff) + bytes(8))
save('undefined-text', meta(EXPL) + ids + struct.pack('<HH2sHI', 0x40, 0x275, b'UT', 0, 0xffffffff))
save('fragments-endless', meta(JPEG) + ids + struct.pack('<HH2sHI', 0x7fe0, 0x10, b'OB', 0, 0xffffffff) + struct.pack('<HHI', 0xfffe, 0xe000, 0xffffffff))
save('fragments-cut', meta(JPEG) + ids + struct.pack('<HH2sHI', 0x7fe0, 0x10, b'OB', 0, 0xffffffff) + struct.pack('<HHI', 0xfffe, 0xe000, 0) * 3)
save('delimiters', meta(IMPL) + struct.pack('<HHI', 0xfffe, 0xe0dd, 0) * 1000)
save('elements', meta(IMPL) + struct.pack('<HHI', 9, 0x1001, 0) * 1100000)
save('items', meta(IMPL) + struct.pack('<HHI', 8, 0x1140, 0xffffffff) + struct.pack('<HHI', 0xfffe, 0xe000, 0) * 1100000)
save('meta-endless', bytes(128) + b'DICM' + el(2, 1, b'OB', b'\0\1') * 100000)
save('only-preamble', bytes(128) + b'DICM')
save('no-uids', meta(EXPL) + el(8, 5, b'CS', b'ISO_IR 100'))
save('uid-path', meta(EXPL) + el(8, 0x16, b'UI', b'1.2') + el(8, 0x18, b'UI', b'../../etc/x') + el(0x20, 0xd, b'UI', b'1.2.3') + el(0x20, 0xe, b'UI', b'1.2.3.1'))
P
python3 make.py
cat >run.py <<'P'
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:], stdout=open('out', 'wb'), stderr=open('err', 'wb'), stdin=subprocess.DEVNULL, timeout=300)
print(p.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
P
limit=262144
case $MRI_BIN in */san/*) limit=2000000 ;; esac
for f in in/*; do
	name=$(basename "$f")
	rm -rf o pair && mkdir pair && cp "$f" pair/a && cp "$OBJ" pair/b
	set -- $(python3 run.py "$MRI_BIN/mri-unpack" -o o pair)
	is "$name: 65" 65 "$1"
	ok "$name: memory ($2 KB)" test "$2" -lt $limit
	has "$name: a reason" 'set aside.*: .' err
	hasnt "$name: no signal" 'signal|died' err
	ok "$name: the good object is kept" cmp -s "$OBJ" o/1/original/00001
	is "$name: and nothing else" 1 "$(find o -path '*/original/*' | wc -l)"
done
# text from outside never reaches a terminal as it is
python3 - <<'P'
import os, struct
b = open(os.environ['OBJ'], 'rb').read()
i = b.find(b'\x10\0\x10\0PN')
n = struct.unpack('<H', b[i + 6:i + 8])[0]
v = b'\x1b[2J\x1b]0;x\x07\r\n^'
v += b' ' * (len(v) % 2)
open('esc', 'wb').write(b[:i + 6] + struct.pack('<H', len(v)) + v + b[i + 8 + n:])
P
rm -rf o
status 'escape sequences in a name' 0 "$MRI_BIN/mri-unpack" -v -v -o o esc
hasnt 'not in the manifest' "$(printf '\033')" o/1/manifest
hasnt 'not on stderr' "$(printf '\033')" err

done_testing
