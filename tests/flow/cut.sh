#!/bin/sh
# A download of 4 MB, cut once at every 64 KB, from servers of eleven kinds: what comes is byte for byte the file, or nothing.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
/usr/bin/python3 - <<'END'
import random, zipfile
r = random.Random(1)
with zipfile.ZipFile('file.zip', 'w') as z:
    z.writestr('a', r.randbytes(4 * 1024 * 1024 - 300))
END
want=$(sha256sum <file.zip)
size=$(stat -c %s file.zip)
PORT=$(free_port)
/usr/bin/python3 "$SRC/tests/tool/cut-server.py" "$PORT" file.zip log &
_pids="$_pids $!"
wait_for 10 listens "$PORT"
printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1\n' >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
# links KIND STEP
links() { n=1; while [ $((n * 65536 * $2)) -lt "$size" ]; do echo "http://127.0.0.1:$PORT/$1/$((n * 65536 * $2))/$n"; n=$((n + 1)); done; }
kinds='length:1 chunked:1 close:1 reset:1 range:1 date:4 weak:1 norange:1 changed:4 wrong:4 coded:8'
for k in $kinds; do
	links "${k%:*}" "${k#*:}" >"${k%:*}.links"
	mri-fetch --basis consent --reference form -o "${k%:*}" - <"${k%:*}.links" >"${k%:*}.out" 2>"${k%:*}.err" &
	echo $! >"${k%:*}.pid"
done
for k in $kinds; do
	kind=${k%:*}
	got=0
	wait "$(cat "$kind.pid")" || got=$?
	n=$(wc -l <"$kind.links")
	is "$kind: 0" 0 "$got"
	is "$kind: each of $n cuts gave a file" "$n" "$(wc -l <"$kind.out")"
	is "$kind: byte for byte" "$want" "$(while read -r f; do sha256sum <"$f"; done <"$kind.out" | sort -u)"
done
# what was resumed came once, what may not be came from the start
total() { awk -v p="^/$1/" '$1 ~ p { b += $3; n++ } END { printf "%d %d\n", n, b }' log; }
is 'range: no byte came twice' "$((2 * $(wc -l <range.links))) $((size * $(wc -l <range.links)))" "$(total range)"
is 'date: no byte came twice' "$((2 * $(wc -l <date.links))) $((size * $(wc -l <date.links)))" "$(total date)"
is 'coded: no part was asked for' 0 "$(grep -c '^/coded/.* 206 ' log || :)"
is 'weak: no part was asked for' 0 "$(grep -c '^/weak/.* 206 ' log || :)"
is 'wrong: the wrong part was not taken' "$(wc -l <wrong.links)" "$(grep -c '^/wrong/.* 206 ' log)"
is 'norange: the second answer is the whole' 0 "$(grep -c '^/norange/.* 206 ' log || :)"
done_testing
