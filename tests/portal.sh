# The demo DLX portal (tests/tool/portal.c) and a spool that may speak to it. Sourced after lib.sh, in $TMPDIR.
portal_pid='' _pids=''
trap 'for _p in $portal_pid $_pids; do kill "$_p" 2>/dev/null || :; done' EXIT
mkdir portal
"$MRI_TOOL/portal" --make-cert portal
cat >mri.conf <<END
[spool]
organisation = Test
identity = $TMPDIR/identity
[net]
allow = 127.0.0.0/8 ::1
END
MRI_CONFIG=$TMPDIR/mri.conf
MRI_SPOOL=$TMPDIR/spool
export MRI_CONFIG MRI_SPOOL
"$MRI_BIN/mri-spool" init "$MRI_SPOOL" >/dev/null 2>&1
port=$(free_port)	# the same each time: a link stays the same
# portal_run: anew, by the configuration on stdin
portal_run() {
	portal_stop
	cat >portal/portal.json
	: >portal/requests.log
	: >port.txt
	"$MRI_TOOL/portal" portal/portal.json >port.txt 2>portal.err &
	portal_pid=$!
	wait_for 10 grep -q port port.txt
}
portal_stop() {
	[ -z "$portal_pid" ] || { kill "$portal_pid" 2>/dev/null || :; wait "$portal_pid" 2>/dev/null || :; }
	portal_pid=
}
# how many requests in the portal's log are like PATTERN
requests() { grep -cE "$1" portal/requests.log || :; }
