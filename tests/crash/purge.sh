# mri-purge killed at its system calls that change something: the next run finishes, and nothing is left.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export MRI_SPOOL="$TMPDIR/spool" ID="$HOME/.config/mri/identity"
"$MRI_BIN/mri-spool" init --organisation Test "$MRI_SPOOL" >/dev/null 2>&1
killed=0
for call in renameat2 unlinkat fsync fdatasync renameat write; do
	for k in 1 2 3 4 6 9 14; do
		id=$("$MRI_TOOL/mkimport" "$MRI_SPOOL" "$ID" 700000 retagged 2 1)
		got=0
		strace -f -o trace -e trace=$call -e inject=$call:signal=SIGKILL:when=$k "$MRI_BIN/mri-purge" >/dev/null 2>&1 || got=$?
		[ "$got" -eq 0 ] || killed=$((killed + 1))
		status "killed at $call $k: the next run: 0" 0 "$MRI_BIN/mri-purge"
		is "killed at $call $k: nothing but the tombstone" "spool/gone/$id" "$(find spool -name "*$id*")"
	done
done
echo "# $killed of 42 runs were killed"
ok 'kills did happen' test "$killed" -ge 12
status 'fsck has nothing to say: 0' 0 "$MRI_BIN/mri-spool" fsck
is 'fsck has nothing to say' '' "$(cat out)"
done_testing
