# Hostile archives: refused or survived, with a reason; no signal, no file outside, little memory.
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
import io, os, struct, zipfile, zlib
obj = open(os.environ['OBJ'], 'rb').read()
def zf(name, members, comp=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile('in/' + name, 'w', comp) as z:
        for n, d in members: z.writestr(n, d)
    return open('in/' + name, 'rb').read()
def save(name, b): open('in/' + name, 'wb').write(b)
good = zf('ok-plain.zip', [('A/1', obj), ('A/2.pdf', b'%PDF-1.4 x')])
end = good.rfind(b'PK\5\6')
cd = good.find(b'PK\1\2')
# what three programs answer differently
save('bad-two-ends.zip', good[:end + 20] + struct.pack('<H', 22) + good[end:end + 22])
save('bad-trailing.zip', good + b'tail')
save('bad-prefix.zip', b'MZ' + b'x' * 200 + good)
b = bytearray(good); b[30] = ord('B'); save('bad-local-name.zip', bytes(b))
b = bytearray(good); b[8] = 0; save('bad-local-method.zip', bytes(b))
b = bytearray(good); b[18] += 1; save('bad-local-size.zip', bytes(b))
b = bytearray(good); b[cd + 42] += 5; save('bad-offset.zip', bytes(b))
b = bytearray(good); b[end + 16] += 1; save('bad-directory-offset.zip', bytes(b))
b = bytearray(good); b[end + 8] = b[end + 10] = 1; save('bad-count.zip', bytes(b))
b = bytearray(good); b[end + 4] = 1; save('bad-disk.zip', bytes(b))
b = bytearray(good); b[cd + 28] = 255; b[cd + 29] = 255; save('bad-name-length.zip', bytes(b))
save('bad-cut.zip', good[:-30])
save('bad-empty.zip', b'PK\5\6' + bytes(18))
# one deflate stream that a thousand members claim (quoted overlap)
def entry(name, off, packed, size, crc):
    return struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 20, 20, 0, 8, 0, 0, crc, packed, size, len(name), 0, 0, 0, 0, 0, off) + name
co = zlib.compressobj(9, zlib.DEFLATED, -15); raw = bytes(1 << 20); d = co.compress(raw) + co.flush()
loc = struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 8, 0, 0, zlib.crc32(raw), len(d), len(raw), 1, 0) + b'A'
c = b''.join(entry(b'A', 0, len(d), len(raw), zlib.crc32(raw)) for _ in range(1000))
save('bad-overlap.zip', loc + d + c + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 1000, 1000, len(c), len(loc + d), 0))
# a bomb: 300 MB of zeros
co = zlib.compressobj(9, zlib.DEFLATED, -15); d = b''; crc = 0
for _ in range(300): d += co.compress(raw); crc = zlib.crc32(raw, crc)
d += co.flush()
loc = struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 8, 0, 0, crc, len(d), 300 << 20, 1, 0) + b'A'
c = entry(b'A', 0, len(d), 300 << 20, crc)
save('bad-bomb.zip', loc + d + c + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 1, 1, len(c), len(loc + d), 0))
# the same that lies about its size: never more than it says is made
loc = struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 8, 0, 0, crc, len(d), 1000, 1, 0) + b'A'
c = entry(b'A', 0, len(d), 1000, crc)
save('bad-bomb-lies.zip', loc + d + c + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 1, 1, len(c), len(loc + d), 0))
save('bad-members.zip', struct.pack('<IQHHIIQQQQ', 0x06064b50, 44, 45, 45, 0, 0, 1 << 40, 1 << 40, 0, 0) +
     struct.pack('<IIQI', 0x07064b50, 0, 0, 1) + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0))
inner = good
for i in range(5):
    inner = zf('x', [('%d.zip' % i, inner)] * 1); 
os.unlink('in/x')
save('bad-nested.zip', inner)
# hostile names, good content
zf('ok-names.zip', [('../' * 40 + 'evil', obj), ('/evil', b'%PDF-1.4 1'), ('C:\\evil', b'%PDF-1.4 2'), ('con', b'%PDF-1.4 3'),
    ('a' * 60000, b'%PDF-1.4 4'), ('\x1b]0;x\x07', b'%PDF-1.4 5'), ('a/../../b', b'%PDF-1.4 7')])
with zipfile.ZipFile('in/bad-symlink.zip', 'w') as z:
    i = zipfile.ZipInfo('1'); i.create_system = 3; i.external_attr = 0o120777 << 16
    z.writestr(i, '/etc/passwd'); z.writestr('1/x', obj)
for flags, method, name in ((1, 99, 'aes'), (0x41, 0, 'strong')):
    b = bytearray(zf('bad-encrypted-%s.zip' % name, [('A', obj)], zipfile.ZIP_STORED))
    p = b.find(b'PK\1\2')
    b[6] = b[p + 8] = flags; b[8] = b[p + 10] = method
    save('bad-encrypted-%s.zip' % name, bytes(b))
zf('ok-many.zip', [('%d' % i, b'%%PDF-1.4 %d' % i) for i in range(900)], zipfile.ZIP_STORED)
P
python3 make.py

# run FILE: status and peak memory (KB) of the program and its workers
cat >run.py <<'P'
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:], stdout=open('out', 'wb'), stderr=open('err', 'wb'), stdin=subprocess.DEVNULL, timeout=300)
print(p.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
P
# A sanitizer's own memory is not the program's.
limit=262144
case $MRI_BIN in */san/*) limit=2000000 ;; esac
one() { # one FILE TEXT: sets st, mem
	rm -rf o
	set -- "$1" "$2" $(python3 run.py "$MRI_BIN/mri-unpack" -o o "$1")
	st=$3 mem=$4
}
tidy() { # nothing but numbers below o and the record, nothing beside it
	test -z "$(find o -mindepth 1 2>/dev/null | grep -vE '^o/(unpack|[0-9]+|papers)(/(manifest|lock|original|document|original/[0-9]{5}|document/[0-9]{3}))?$' || :)"
}
before=$(ls -A | sort)
for f in in/*; do
	name=$(basename "$f")
	one "$f" "$name"
	case $name in ok-*) want=0 ;; *) want=65 ;; esac
	is "$name: status" $want "$st"
	ok "$name: memory ($mem KB)" test "$mem" -lt $limit
	ok "$name: nothing outside" tidy
	if [ $want = 65 ]; then
		has "$name: a reason" '^mri-unpack: .*(refused|set aside|holds no object|empty)' err
	fi
	hasnt "$name: no signal" 'signal|died' err
	case $name in
	bad-symlink.zip) ok "$name: what is good is there" test -e o/1/original/00001 ;;
	bad-*) is "$name: no item" '' "$(find o -name manifest 2>/dev/null || :)" ;;
	esac
done
rm -rf o
is 'nothing was made beside the outputs' "$before" "$(ls -A | grep -vxE 'out|err' | sort)"
for s in aes strong; do
	one "in/bad-encrypted-$s.zip" x
	has "$s is named" 'encrypted \((WinZip AES|PKWARE strong encryption)\)' err
done
"$MRI_BIN/mri-unpack" -o names in/ok-names.zip >/dev/null
hasnt 'no control characters in manifests' "$(printf '\033')|$(printf '\007')" names/1/manifest

done_testing
