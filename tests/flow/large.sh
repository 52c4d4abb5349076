#!/bin/sh
# One multi-frame object of 300 MB (LARGE_MB=4095: make large) goes from a ZIP archive through a sealed spool with less
# than 256 MB in any process of ours: unpacked, checked, reconciled.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
mb=${LARGE_MB:-300}
mkstudy --out head --slices 1 --rows 512 --cols 512 --patient-name Muster^Eva --birth 1970-01-01 --sex F >/dev/null
/usr/bin/python3 - "$mb" <<'END'
import glob, os, struct, sys, zlib
import pydicom
frames = (int(sys.argv[1]) << 20) // (512 * 512 * 2)
data = pydicom.dcmread([p for p in glob.glob('head/**/*', recursive=True) if os.path.isfile(p)][0])
data.NumberOfFrames = frames
data.PixelData = b''
data.save_as('head.dcm')
head = open('head.dcm', 'rb').read()
assert head.endswith(bytes(4))  # the length of the pixel data, which come last
size = frames * 512 * 512 * 2
head = head[:-4] + struct.pack('<I', size)
block, crc = bytes(1 << 19), zlib.crc32(head)
for i in range(frames):
    crc = zlib.crc32(block, crc)
size += len(head)
name = b'DICOM/IM000001'
with open('large.zip', 'wb') as f:  # one stored member, a hole on the disk (APPNOTE 4.3.7, 4.3.12, 4.3.16)
    f.write(struct.pack('<4sHHHHHIIIHH', b'PK\3\4', 20, 0, 0, 0, 33, crc, size, size, len(name), 0) + name + head)
    f.seek(size - len(head), os.SEEK_CUR)
    at = f.tell()
    f.write(struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\1\2', 20, 20, 0, 0, 0, 33, crc, size, size, len(name), 0, 0, 0, 0, 0, 0) + name)
    f.write(struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 1, 1, f.tell() - at, at, 0))
END
# what the largest of a command's processes came to, in MB, with all that it waited for
cat >peak.py <<'END'
import resource, subprocess, sys
p = subprocess.run(sys.argv[1:])
open('peak', 'w').write('%d\n' % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10))
sys.exit(p.returncode)
END
new_spool
echo '{"v":1,"basis":{"kind":"consent","reference":"form"},"patient":{"id":"4711","issuer":"HOSP","name":"Muster^Eva",
"birth_date":"1970-01-01","sex":"F"}}' | tr -d '\n' >order.json
mri-fetch --order order.json large.zip >in 2>err
# stage PROGRAM OPTION...: paths on stdin
stage() {
	got=0
	/usr/bin/python3 peak.py "$@" <in >out 2>err || got=$?
	is "$*" 0 "$got"
	[ "$got" -eq 0 ] || cat err
	ok "$*: $(cat peak) MB" test "$(cat peak)" -lt 256
	cp out in
}
stage mri-unpack
is 'its bytes are there' "$(($(stat -c %s head.dcm) + mb * 1048576))" \
    "$(mri-show --json --manifest "$(cat in)" | jq -r 'select(.sop_class) | .bytes' | head -n 1)"
stage mri-check
stage mri-check --deep
stage mri-retag
for id in "$MRI_SPOOL"/import/*; do status 'deleted' 0 mri-purge --now "${id##*/}"; done
done_testing
