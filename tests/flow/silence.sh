#!/bin/sh
# A session that hangs is given up; one that waits for a portal is not, however long that takes.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
PORT=$(free_port)
# /later: 503 with six seconds to wait, then the file; /never: no answer
/usr/bin/python3 -c '
import http.server, sys, threading
seen, never = set(), threading.Event()
class P(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        if self.path == "/never":
            never.wait()
        body = b"%PDF-1.4\n" + bytes(300) + b"%%EOF\n"
        later = self.path not in seen
        seen.add(self.path)
        self.send_response(503 if later else 200)
        if later:
            self.send_header("Retry-After", "6")
            body = b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), P).serve_forever()' "$PORT" >asked &
_pids="$_pids $!"
wait_for 10 listens "$PORT"
printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1\n' >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
# run NAME PATH: in the background, with five seconds as the limit of silence
run() {
	echo "http://127.0.0.1:$PORT/$2" >"$1.link"
	mri-fetch --timeout 1 --basis consent --reference form --json -o "$1" - <"$1.link" >"$1.out" 2>"$1.err" &
	pid=$!
}
run later later; later=$pid
run never never; never=$pid
wait_for 5 grep -q never asked
# the process that forks sessions, and the session
session=$(pgrep -P "$(pgrep -P "$never")")
ok 'there is a session' kill -STOP "$session"
got=0; wait "$never" || got=$?
is 'a session that hangs: later' 75 "$got"
has 'it says so' "the process that reads the portal's answers hangs" never.err
has 'and what to do' 'if it comes back, what the portal sends may be hostile' never.err
# killed, whether or not somebody has collected it yet
gone() { [ ! -e "/proc/$session" ] || grep -q '^State:.*Z' "/proc/$session/status"; }
ok 'it is gone' wait_for 5 gone
got=0; wait "$later" || got=$?
is 'one that waits for its portal longer than that: 0' 0 "$got"
is 'has the file' 'ok' "$(jq -r 'select(.type=="receipt").status' later.out)"
done_testing
