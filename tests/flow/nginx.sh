#!/bin/sh
# What nginx does with parts, validators, limits, signed links and login pages, and what mri-fetch makes of it.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
mkdir -p www/parts www/whole www/slow www/signed tmp
/usr/bin/python3 - <<'END'
import random, zipfile
for name, seed in (('a', 1), ('b', 2)):
    with zipfile.ZipFile(name + '.zip', 'w') as z:
        z.writestr('x', random.Random(seed).randbytes(3000000))
END
for d in parts whole slow signed; do cp a.zip "www/$d/a.zip"; done
echo '<html><body><form><input type="password" name="p"></form></body></html>' >www/login.html
PORT=$(free_port)
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/error.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	log_format t '\$uri \$status \$body_bytes_sent';
	access_log $TMPDIR/access.log t;
	types { application/zip zip; text/html html; }
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	limit_req_zone \$binary_remote_addr zone=one:1m rate=1r/s;
	server {
		listen 127.0.0.1:$PORT;
		root $TMPDIR/www;
		location /whole/ { max_ranges 0; }
		location /slow/ { limit_req zone=one; limit_req_status 429; error_page 429 @wait; }
		location @wait { internal; add_header Retry-After 1 always; return 429; }
		location /signed/ {
			secure_link \$arg_md5,\$arg_expires;
			secure_link_md5 "\$secure_link_expires\$uri word";
			if (\$secure_link = "") { return 403; }
			if (\$secure_link = "0") { return 410; }
		}
		location /private/ { error_page 401 =200 /login.html; return 401; }
	}
}
END
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
wait_for 10 listens "$PORT" || cat nginx.err
printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1\n' >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
fetch() { echo "$1" | mri-fetch --basis consent --reference form -o "$2" -; }
# cut PATH COMMAND: PATH through a relay that cuts the first answer after 1 MB
cut() {
	RELAY=$(free_port)
	/usr/bin/python3 "$SRC/tests/tool/cut-relay.py" "$RELAY" "$PORT" 1000000 "$2" &
	_pids="$_pids $!"
	until ss -tln 2>/dev/null | grep -q ":$RELAY "; do :; done	# a connection would be the one that is cut
	: >access.log
	status "$1, cut: 0" 0 fetch "http://127.0.0.1:$RELAY$1" "$3"
}
cut /parts/a.zip true one
ok 'byte for byte' cmp a.zip one/001.zip
has 'the second answer was a part' '^/parts/a.zip 206 ' access.log
cut /whole/a.zip true two
ok 'a server without parts: byte for byte' cmp a.zip two/001.zip
is 'the second answer was the whole' "/whole/a.zip 200 $(stat -c %s a.zip)" "$(tail -n 1 access.log)"
cut /parts/a.zip "cp $TMPDIR/b.zip $TMPDIR/new.zip && touch -d '2026-11-01' $TMPDIR/new.zip && mv $TMPDIR/new.zip $TMPDIR/www/parts/a.zip" three
ok 'another file meanwhile: that one, whole' cmp b.zip three/001.zip
hasnt 'no part was joined' ' 206 ' access.log

: >access.log
status 'the first request passes' 0 fetch "http://127.0.0.1:$PORT/slow/a.zip" four
status '429: waited as long as it says' 0 fetch "http://127.0.0.1:$PORT/slow/a.zip" five
has 'it was told to wait' '^/slow/a.zip 429 ' access.log
ok 'and has the file' cmp a.zip five/001.zip
status '429 beyond --max-time: later' 75 sh -c "printf 'http://127.0.0.1:$PORT/slow/a.zip?%s\n' 1 2 | mri-fetch --max-time 1 --basis consent --reference form -o six -"

sign() { printf '%s%s word' "$2" "$1" | openssl md5 -binary | openssl base64 | tr '+/' '-_' | tr -d =; }
later=$(($(date +%s) + 600))
status 'a signed link' 0 fetch "http://127.0.0.1:$PORT/signed/a.zip?expires=$later&md5=$(sign /signed/a.zip "$later")" seven
ok 'gives the file' cmp a.zip seven/001.zip
: >access.log
status 'expired: 69' 69 fetch "http://127.0.0.1:$PORT/signed/a.zip?expires=1000&md5=$(sign /signed/a.zip 1000)" eight
has 'says what to do' 'ask the sender for a new link' err
is 'asked once' 1 "$(grep -c . access.log)"
status 'a wrong signature: 69' 69 fetch "http://127.0.0.1:$PORT/signed/a.zip?expires=$later&md5=AAAA" nine
status 'a login page in place of the file: 76' 76 fetch "http://127.0.0.1:$PORT/private/a.zip" ten
has 'says what it is' 'asks for a login' err
ok 'and leaves nothing' sh -c '[ -z "$(ls ten 2>/dev/null)" ]'
done_testing
