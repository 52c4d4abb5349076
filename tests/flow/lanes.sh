#!/bin/sh
# Objects that come one by one: on as many connections as the configuration allows, at a portal that is far away.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
few=1.2.826.0.1.3680043.10.999.81 large=1.2.826.0.1.3680043.10.999.82 many=1.2.826.0.1.3680043.10.999.83
mkdir all
mkstudy --out all/few --slices 60 --seed 6 --rows 8 --cols 8 --study-uid $few >/dev/null
mkstudy --out all/large --slices 3 --seed 7 --rows 1600 --cols 1600 --study-uid $large >/dev/null
mkstudy --out all/many --slices 1050 --seed 5 --rows 8 --cols 8 --study-uid $many >/dev/null
printf 'token-1\n' >token
chmod 600 token
/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" all token requests >double.out 2>double.err &
_pids="$_pids $!"
far=$(free_port) tls=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
wait_for 30 grep -q port double.out
near=$(sed -n 's/^port //p' double.out)
/usr/bin/python3 "$SRC/tests/tool/delay-relay.py" "$far" "$near" 20 &
_pids="$_pids $!"
mkdir tmp
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	log_format h '\$server_protocol \$connection'; access_log $TMPDIR/protocol h;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server { listen 127.0.0.1:$tls ssl http2; ssl_certificate $TMPDIR/tls.pem; ssl_certificate_key $TMPDIR/tls.key;
		location / { proxy_pass http://127.0.0.1:$near; } }
}
END
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
wait_for 10 listens "$far"
wait_for 10 listens "$tls"
{
	printf '[net]\nallow = 127.0.0.0/8 ::1\nallow_http = 127.0.0.1\n'
	for p in "one http://127.0.0.1:$far/single 1" "four http://127.0.0.1:$far/single 4" "alone http://127.0.0.1:$near/alone 4" \
	    "gone http://127.0.0.1:$near/206 4" "expire http://127.0.0.1:$near/expire 4" "two https://localhost:$tls/single 4" \
	    "many http://127.0.0.1:$near/cap 4"; do
		set -- $p
		printf '[portal %s]\ndicomweb = %s\ntoken_file = %s/token\nconnections = %s\n' "$1" "$2" "$TMPDIR" "$3"
	done
} >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
# run TEXT STATUS PORTAL [STUDY]: the package is out-PORTAL/*.zip
run() {
	: >requests
	rm -rf "out-$3"
	_began=$(date +%s%N)
	status "$1" "$2" mri-fetch --cacert tls.pem --portal "$3" --study "${4:-$few}" --basis consent --reference form -o "out-$3"
	took=$((($(date +%s%N) - _began) / 1000000))
}
at_once() { sed -n 's/^at once //p' requests | sort -n | tail -n 1; }
sums() { find "$1" -type f -exec sha256sum {} + | cut -c1-64 | sort; }
# same PORTAL FOLDER: the objects of the ZIP have the bytes of those that were given out
same() { rm -rf x && mkdir x && (cd x && unzip -q ../"out-$1"/*.zip) && [ "$(sums x)" = "$(sums "$2")" ]; }
run 'one connection' 0 one
slow=$took
ok 'byte for byte' same one all/few
is 'one object at a time' 1 "$(at_once)"
run 'four connections' 0 four
ok 'byte for byte' same four all/few
ok "several objects at a time, never more than four: $(at_once)" sh -c '[ "$1" -ge 2 ] && [ "$1" -le 4 ]' - "$(at_once)"
is 'each was asked for once' 60 "$(grep -c 'instances/.* 200' requests)"
ok "takes two thirds of the time at most: $took ms, $slow ms" test $((took * 3)) -lt $((slow * 2))
run 'a portal that wants one at a time' 0 alone
ok 'byte for byte' same alone all/few
ok 'is not pressed' test "$(grep -c ' 429$' requests)" -le 8
run 'one that lacks an object' 65 gone
has 'which is told' '1 of 60 objects are missing' err
run 'large objects' 0 four $large
ok 'byte for byte' same four all/large
run 'HTTP/2' 0 two
ok 'byte for byte' same two all/few
ok 'is spoken' grep -q '^HTTP/2' protocol
run 'more objects than a session has requests' 0 many $many
is 'all of them' 1050 "$(unzip -Z1 out-many/*.zip | wc -l)"
run 'tokens that run out midway' 0 expire
ok 'byte for byte' same expire all/few
done_testing
