# Assertions for tests in shell. Sourced; prints "ok - what" or "not ok - what".
# Fails the script at done_testing when one assertion failed.
: "${SRC:?}" "${TMPDIR:?}"
_failed=0 _run=0
_say() {
	_run=$((_run + 1))
	if [ "$1" -eq 0 ]; then echo "ok - $2"; else _failed=$((_failed + 1)); echo "not ok - $2"; fi
}
# ok TEXT COMMAND...: passes when COMMAND succeeds
ok() {
	_t=$1; shift
	if "$@"; then _say 0 "$_t"; else _say 1 "$_t"; fi
}
not() { if "$@"; then return 1; else return 0; fi; }
# is TEXT EXPECTED ACTUAL
is() {
	if [ "$2" = "$3" ]; then _say 0 "$1"; else _say 1 "$1"; printf '#   expected: %s\n#   got:      %s\n' "$2" "$3"; fi
}
# status TEXT CODE COMMAND...: stdout in $TMPDIR/out, stderr in $TMPDIR/err
status() {
	_t=$1 _want=$2; shift 2
	_got=0
	"$@" >"$TMPDIR/out" 2>"$TMPDIR/err" </dev/null || _got=$?
	if [ "$_got" -eq "$_want" ]; then _say 0 "$_t"; else
		_say 1 "$_t"; printf '#   expected status %s, got %s\n' "$_want" "$_got"; sed 's/^/#   /' "$TMPDIR/err"
	fi
}
# has TEXT PATTERN FILE
has() { if grep -qE -e "$2" "$3"; then _say 0 "$1"; else _say 1 "$1"; sed 's/^/#   /' "$3" | head -20; fi; }
hasnt() { if grep -qE -e "$2" "$3"; then _say 1 "$1"; grep -E -e "$2" "$3" | sed 's/^/#   /' | head -5; else _say 0 "$1"; fi; }
free_port() { /usr/bin/python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
# wait_for SECONDS COMMAND...: polls until it succeeds
wait_for() {
	_until=$(($(date +%s) + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -le "$_until" ] || return 1
		/usr/bin/python3 -c 'import select; select.select([],[],[],0.05)'
	done
}
done_testing() {
	echo "# $_run assertions, $_failed failed"
	[ "$_failed" -eq 0 ] && [ "$_run" -gt 0 ]
}
