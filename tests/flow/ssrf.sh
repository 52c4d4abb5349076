#!/bin/sh
# A link that leads to where it may not: no connection is made, whatever the spelling. strace sees every connect().
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"

# the portal at 127.0.0.2 redirects to what its path names; a listener at 127.0.0.1 and [::1] counts who comes
LISTEN=$(free_port)
PORT=$(free_port)
/usr/bin/python3 -c '
import http.server, socket, sys, threading
port, listen = int(sys.argv[1]), int(sys.argv[2])
targets = open("targets").read().splitlines()
class P(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if "rebind" in targets[int(self.path[1:])]:  # what the name led to a moment ago it does not now
            open("hosts", "w").write("127.0.0.1 rebind.test\n")
        self.send_response(302)
        self.send_header("Location", targets[int(self.path[1:])])
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *a): pass
def count(family, where):
    s = socket.socket(family)
    try: s.bind((where, listen))
    except OSError: return
    s.listen()
    while True:
        s.accept()[0].close()
        print("came", where, flush=True)
for f, w in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    threading.Thread(target=count, args=(f, w), daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.2", port), P).serve_forever()' "$PORT" "$LISTEN" >came 2>portal.log &
_pids="$_pids $!"
cat >targets <<END
https://127.0.0.1:$LISTEN/
https://[::1]:$LISTEN/
https://[::ffff:127.0.0.1]:$LISTEN/
https://2130706433:$LISTEN/
https://0177.0.0.1:$LISTEN/
https://0x7f.1:$LISTEN/
https://127.1:$LISTEN/
https://localhost:$LISTEN/
https://0.0.0.0:$LISTEN/
https://169.254.169.254/latest/meta-data/
https://10.0.0.1/
https://172.16.0.1/
https://192.168.0.1/
https://[fd00:ec2::254]/latest
http://127.0.0.1:$LISTEN/
file:///etc/passwd
gopher://127.0.0.1:$LISTEN/_x
ftp://127.0.0.1:$LISTEN/x
https://user:word@127.0.0.2:$LISTEN/
http://rebind.test:$LISTEN/
END
up() { /usr/bin/python3 -c 'import socket, sys; socket.create_connection(("127.0.0.2", int(sys.argv[1])), 1)' "$PORT"; }
wait_for 10 up
printf '[net]\nallow = 127.0.0.2\nallow_http = 127.0.0.2\n' >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
n=0
while read -r to; do
	case $to in *rebind*) n=$((n + 1)); continue ;; esac
	got=0
	strace -f -e trace=connect -o trace mri-fetch --basis consent --reference form -o out - <<-END >printed 2>err || got=$?
	http://127.0.0.2:$PORT/$n
	END
	case $to in file:*|gopher:*|ftp:*|*@*) want=76 ;; *) want=77 ;; esac
	is "$to: $want" "$want" "$got"
	# the resolver tries addresses with a datagram socket, which sends nothing
	is "$to: only the portal was spoken to" "$PORT" "$(sed -n '/AF_INET/{/SOCK_DGRAM/d; s/.*htons(\([0-9]*\)).*127\.0\.0\.2.*/\1/p}' trace | sort -u)"
	is "$to: nobody else" '' "$(grep -E "AF_INET6?," trace | grep -E "htons\(($LISTEN|443|80|21|70)\)" | grep -vE 'htons\((0|53|65535)\)' || :)"
	hasnt "$to: not told" "$PORT/$n|meta-data|passwd" err
	n=$((n + 1))
done <targets
is 'nobody came to the listener' '' "$(cat came)"

# a name that leads to the portal when it is asked for, and elsewhere when the portal redirects to it again
isolate='unshare -m'
[ "$(id -u)" -eq 0 ] || isolate='unshare -rm'
# in a chroot whose root is no mount point nothing can be made private: there it is taken away by hand
shared=
$isolate true 2>/dev/null || { isolate="$isolate --propagation unchanged"; shared=1; }
printf '[net]\nallow = 127.0.0.2\nallow_http = rebind.test\n' >mri.conf
echo '127.0.0.2 rebind.test' >hosts
echo "http://rebind.test:$PORT/$((n - 1))" >link
got=0
$isolate sh -c 'mount --bind hosts /etc/hosts && exec mri-fetch --basis consent --reference form -o out -' <link >printed 2>err || got=$?
[ -z "$shared" ] || umount /etc/hosts 2>/dev/null || :
is 'a name that resolves twice differently: 77' 77 "$got"
has 'the second address is judged too' 'rebind.test: its address lies in a private network' err
has 'it did change' 127.0.0.1 hosts
is 'nobody came to the listener' '' "$(cat came)"

# a name that leads to an address that is allowed and to one that is not
printf '[net]\nallow = ::1/128\nallow_http = localhost\n' >mri.conf
status 'a name with two addresses: not the one that is not allowed' 1 sh -c "mri-fetch --basis consent --reference form --timeout 2 --max-time 2 -o out http://localhost:$LISTEN/ >printed 2>err2 || exit 1"
is 'nobody came to that address' '' "$(grep -v '::1' came || :)"
done_testing
