#!/bin/sh
# Unmodified storescp gets byte for byte what was sent; no query there: --no-verify.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"

mkdir "$TMPDIR/got"
PORT=$(free_port)
(cd "$TMPDIR/got" && exec storescp +B +xa "$PORT") >"$TMPDIR/scp.log" 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$PORT"
URL=dicom://ANY@127.0.0.1:$PORT

# dataset FILE: its bytes after the meta group
dataset() { python3 -c '
import struct, sys
b = open(sys.argv[1], "rb").read()
at = 132 + 12 + struct.unpack("<I", b[140:144])[0]
d = b[at:]
sys.stdout.buffer.write(d + b"\0" * (len(d) % 2))' "$1"; }
# same DIR: every object of DIR arrived, its data set byte for byte
same() {
	find "$1" -type f -name 'IM*' | while read -r f; do
		u=$(dcmdump -q +P 0008,0018 "$f" | sed -n 's/.*\[\(.*\)\].*/\1/p')
		g=$(find "$TMPDIR/got" -name "*.$u")
		[ -n "$g" ] && [ "$(dataset "$f" | sha256sum)" = "$(dataset "$g" | sha256sum)" ] || { echo "# $f differs"; exit 1; }
	done
}
seed=0
for ts in explicit implicit big deflated rle; do
	seed=$((seed + 1))
	mkstudy --out "$TMPDIR/$ts" --slices 3 --series 2 --ts "$ts" --seed $seed
	status "$ts: 0" 0 mri-send --no-verify -d "$URL" "$TMPDIR/$ts"
	ok "$ts: byte for byte" same "$TMPDIR/$ts"
done
status 'without a query there, verifying is refused' 69 mri-send -d "$URL" "$TMPDIR/explicit"
has 'and says how to go on' 'verify = no' "$TMPDIR/err"

# an object of 40 MB, and many small ones
mkstudy --out "$TMPDIR/big40" --slices 1 --rows 512 --cols 512 --frames 80 --modality OT --seed 20
status 'a long object: 0' 0 mri-send --no-verify -d "$URL" "$TMPDIR/big40"
ok 'byte for byte' same "$TMPDIR/big40"
mkstudy --out "$TMPDIR/many" --slices 300 --rows 16 --cols 16 --seed 21
begin=$(date +%s%N)
status 'three hundred small ones: 0' 0 mri-send --no-verify -d "$URL" "$TMPDIR/many"
ms=$((($(date +%s%N) - begin) / 1000000))
ok "the peer's delayed answer is not waited for ($ms ms; 300 times 40 ms would be 12000)" test "$ms" -lt 6000
is 'all arrived' 300 "$(find "$TMPDIR/got" -newer "$TMPDIR/many" -type f | wc -l | tr -d ' ')"

# third-party files where they are
if [ -n "${CORPUS:-}" ]; then
	mkdir "$TMPDIR/corpus"
	n=0
	for f in "$CORPUS"/dicom/cornerstone3d/CTImage*; do
		case $f in *4.53.dcm|*4.55.dcm|*4.57.dcm) continue ;; esac	# storescp +xa takes none of these
		n=$((n + 1))
		cp "$f" "$TMPDIR/corpus/IM$n"
		chmod u+w "$TMPDIR/corpus/IM$n"
		rm -f "$TMPDIR"/got/*
		status "corpus $n: 0" 0 mri-send --no-verify -d "$URL" "$TMPDIR/corpus"
		ok "corpus $n: byte for byte" same "$TMPDIR/corpus"
		rm "$TMPDIR/corpus/IM$n"
	done
fi
done_testing
