#!/bin/sh
# A process that stands still does not hold its program: ^C ends it in seconds, as 75, nothing lost, nothing judged.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"

gone() { case $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) in Z|'') return 0 ;; *) return 1 ;; esac; }
child() { pgrep -P "$1" | head -n 1; }
still() { grep -q '^State:.[Tt]' "/proc/$(child "$1")/status"; }
# ends_by_sigint NAME PID: ^C, and the program is gone in time, as interrupted
ends_by_sigint() {
	kill -INT "$2"
	ok "$1: ^C ends it" wait_for 15 gone "$2"
}

# a receiver that takes the call and says nothing
PORT=$(free_port)
/usr/bin/python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()
held = [s.accept()]
print("called", flush=True)
while True: held.append(s.accept())' "$PORT" >calls &
_pids="$_pids $!"
wait_for 10 listens "$PORT"	# the first call: the one of mri-send is the next
mkstudy --out study --slices 4 --seed 3
mri-send --no-verify --timeout 3000 -d "dicom://ANY@127.0.0.1:$PORT" study >out 2>err &
pid=$!
waits_for_the_answer() { [ -n "$(child $pid)" ] && ls -l "/proc/$(child $pid)/fd" | grep -c socket: | grep -q '^[2-9]'; }
ok 'mri-send: an association is waiting' wait_for 20 waits_for_the_answer
has 'its process is locked in' '^Seccomp:.2' "/proc/$(child $pid)/status"
kill -STOP "$(child $pid)"
ends_by_sigint mri-send "$pid"
got=0; wait "$pid" || got=$?
is 'as interrupted' 75 "$got"

new_spool '[destination folder]' "url = folder:$TMPDIR/to"
mkdir to
mkstudy --zip study.zip --slices 4 --patient-name Muster^Eva --birth 1970-01-01 --sex F --patient-id X --seed 1
printf '%s\n' '{"v":1,"ref":"R1","basis":{"kind":"consent","reference":"form"},"destinations":["folder"],
    "patient":{"id":"4711","issuer":"HOSP","name":"Muster^Eva","birth_date":"1970-01-01","sex":"F"}}' | tr -d '\n' >order.json
mri-fetch --order order.json study.zip >item 2>err || cat err
for what in unpack check retag send; do
	# each worker stops at the first call that it makes by itself
	strace -f -o trace -e trace=close_range -e inject=close_range:signal=SIGSTOP "$MRI_BIN/mri-$what" <item >out 2>err &
	tracer=$!
	wait_for 10 child "$tracer"
	pid=$(child "$tracer")
	ok "mri-$what: its worker stands still" wait_for 10 still "$pid"
	ends_by_sigint "mri-$what" "$pid"
	got=0; wait "$tracer" || got=$?
	is 'as interrupted' 75 "$got"
	status "mri-$what: the next run does it" 0 mri-$what "$(cat item)"
	cp out item
done
done_testing
