#!/bin/sh
# Through squid: the name is resolved there, the target is judged by name and literal, the environment has no say.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
/usr/bin/python3 -c "
import zipfile
with zipfile.ZipFile('file.zip', 'w') as z: z.writestr('IMG1', b'x' * 90000)"
PORT=$(free_port)
/usr/bin/python3 "$SRC/tests/tool/cut-server.py" "$PORT" file.zip log &
_pids="$_pids $!"
# a portal with TLS, for CONNECT
TLS=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=portal.test \
    -addext subjectAltName=DNS:portal.test 2>/dev/null
mkdir www tmp && cp file.zip www/
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server { listen 127.0.0.1:$TLS ssl; ssl_certificate $TMPDIR/tls.pem; ssl_certificate_key $TMPDIR/tls.key; root $TMPDIR/www; }
}
END
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
# squid gives up root, and then needs a folder of its own
PROXY=$(free_port)
mkdir squid
echo '127.0.0.1 portal.test refused.test' >squid/hosts
cat >squid/conf <<END
http_port 127.0.0.1:$PROXY
hosts_file $TMPDIR/squid/hosts
acl refused dstdomain refused.test
http_access deny refused
http_access allow localhost
http_access deny all
cache deny all
cache_mem 1 MB
max_filedescriptors 256
cache_log $TMPDIR/squid/cache.log
access_log stdio:$TMPDIR/squid/access.log
logfile_rotate 0
pid_filename $TMPDIR/squid/pid
coredump_dir $TMPDIR/squid
netdb_filename none
pinger_enable off
dns_timeout 1 second
shutdown_lifetime 0 seconds
visible_hostname test
END
if [ "$(id -u)" -eq 0 ]; then
	echo cache_effective_user proxy >>squid/conf
	chown -R proxy squid
fi
# by a name of its own: what it shares in memory is named after it, and outlives a kill
"$(command -v squid || echo /usr/sbin/squid)" -n "test$$" -N -f "$TMPDIR/squid/conf" >squid.out 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$PORT"
wait_for 10 listens "$TLS"
ok 'squid starts' wait_for 20 listens "$PROXY" || cat squid.out squid/cache.log
log=squid/access.log
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
far=100000000
fetch() { echo "$1" | mri-fetch --cacert tls.pem --basis consent --reference form -o "$2" -; }
asked() { grep -c "$1" $log 2>/dev/null || :; }

# the proxy itself lies in a private range and is named: that is enough for it, not for what is behind it
printf '[net]\nproxy = http://127.0.0.1:%s\nallow_http = portal.test 127.0.0.1 localhost\n' "$PROXY" >mri.conf
status 'through the proxy, which knows the name' 0 fetch "http://portal.test:$PORT/length/$far/1" one
ok 'byte for byte' cmp file.zip one/001.zip
is 'it came through the proxy' 1 "$(asked "GET http://portal.test:$PORT/length")"
status 'with TLS' 0 fetch "https://portal.test:$TLS/file.zip" tls
ok 'byte for byte' cmp file.zip tls/001.zip
is 'by CONNECT: the proxy sees the name and no more' 1 "$(asked "CONNECT portal.test:$TLS")"
is 'not what was asked for' 0 "$(asked file.zip)"
status 'a certificate that is for another name' 77 sh -c "echo https://portal.test:$TLS/file.zip | mri-fetch --basis consent --reference form -o other -"
has 'is the portal'"'"'s, not the proxy'"'"'s' 'portal.test: its certificate is not trusted' err
for host in 127.0.0.1 localhost a.localhost. 2130706433 0x7f.1 169.254.169.254 10.0.0.1 '[::1]' '[::ffff:127.0.0.1]'; do
	was=$(grep -c . $log)
	status "$host behind the proxy: 77" 77 fetch "https://$host:$TLS/file.zip" two
	is 'the proxy was not asked for it' "$was" "$(grep -c . $log)"
done
has 'and says how it could be' 'name its range in \[net\] allow' err
status 'a host that the proxy refuses: 77' 77 fetch "https://refused.test:$TLS/file.zip" refused
has 'it says who refused, and with what' 'refused.test: the proxy does not let us through to it \(status 403\)' err
has 'and whom to ask' 'ask whoever runs the proxy' err
is 'asked once' 1 "$(asked 'CONNECT refused.test')"
status 'a portal that is not there: later' 75 fetch "https://portal.test:1/file.zip" gone
has 'it says so' 'portal.test: the proxy cannot reach it \(status 50[0-9]\)' err
sed "s/:$PROXY/:1/" mri.conf >gone.conf
status 'a proxy that is not there: later' 75 env MRI_CONFIG="$TMPDIR/gone.conf" sh -c "echo 'https://portal.test:$TLS/file.zip' |
    mri-fetch --timeout 3 --basis consent --reference form -o three -"
# a proxy that wants a login, for CONNECT and in the portal's place
LOGIN=$(free_port)
/usr/bin/python3 -c '
import http.server, sys
class P(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(407)
        self.send_header("Proxy-Authenticate", "Basic realm=x")
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_CONNECT = do_GET
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), P).serve_forever()' "$LOGIN" &
_pids="$_pids $!"
wait_for 10 listens "$LOGIN"
sed -i "s/:$PROXY/:$LOGIN/" mri.conf
for u in "https://portal.test:$TLS/file.zip" "http://portal.test:$PORT/length/$far/5"; do
	status "a proxy that wants a login: 77" 77 fetch "$u" login
	has 'is named as that' 'the proxy wants a login \(status 407\)' err
done
# the environment names a proxy; the configuration none
printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1\n' >mri.conf
was=$(grep -c . $log)
http_proxy=http://127.0.0.1:$PROXY HTTPS_PROXY=$http_proxy ALL_PROXY=$http_proxy
export http_proxy HTTPS_PROXY ALL_PROXY
status 'a proxy of the environment' 0 fetch "http://127.0.0.1:$PORT/length/$far/4" four
is 'is not used' "$was" "$(grep -c . $log)"
done_testing
