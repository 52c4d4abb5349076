# DICOMweb portals: Orthanc with its plugin and a login, and one that caps, cuts, lacks and forgets as real ones do.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
uid=1.2.826.0.1.3680043.10.999.7
mkstudy --out study --slices 9 --seed 5 --study-uid $uid --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null

ok "Orthanc with DICOMweb and a login starts" start_orthanc_web
for f in $(find study -type f); do
	curl -sf -u mri:web-secret-1 -X POST --data-binary "@$f" "http://127.0.0.1:$ORTHANC_HTTP/instances" >/dev/null
done
printf 'token-1\n' >token
printf 'web-secret-1\n' >password
printf 'wrong\n' >wrong
chmod 600 token password wrong
/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" study token requests >double.out 2>double.err &
_pids="$_pids $!"
wait_for 20 grep -q port double.out
double=$(sed -n 's/^port //p' double.out)
web=http://127.0.0.1:$ORTHANC_HTTP/dicom-web
# nginx before the double, which wants a certificate of its clients
TLS=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca 2>/dev/null
for _n in server client; do
	openssl req -newkey rsa:2048 -nodes -keyout $_n.key -out $_n.csr -subj /CN=$_n 2>/dev/null
	printf 'subjectAltName=DNS:localhost\n' | openssl x509 -req -in $_n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
	    -extfile /dev/stdin -out $_n.pem 2>/dev/null
done
chmod 600 client.key
cat >nginx.conf <<END
pid $TMPDIR/nginx.pid; error_log $TMPDIR/nginx.log; daemon off; master_process off;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server {
		listen 127.0.0.1:$TLS ssl;
		ssl_certificate $TMPDIR/server.pem; ssl_certificate_key $TMPDIR/server.key;
		ssl_client_certificate $TMPDIR/ca.pem; ssl_verify_client on;
		location / { proxy_pass http://127.0.0.1:$double; proxy_set_header Host \$host; }
	}
}
END
mkdir -p tmp
nginx -p "$TMPDIR" -c "$TMPDIR/nginx.conf" 2>nginx.err &
_pids="$_pids $!"
wait_for 10 listens "$TLS"
{
	printf 'allow_http = 127.0.0.1\n'
	printf '[portal orthanc]\ndicomweb = %s\nuser = mri\npassword_file = %s/password\nurl_prefix = https://viewer.example.org/\n' "$web" "$TMPDIR"
	printf '[portal stranger]\ndicomweb = %s\nuser = mri\npassword_file = %s/wrong\n' "$web" "$TMPDIR"
	printf '[portal locked]\ndicomweb = https://localhost:%s/whole\ntoken_file = %s/token\ncert = %s/client.pem\nkey = %s/client.key\n' "$TLS" "$TMPDIR" "$TMPDIR" "$TMPDIR"
	printf '[portal unlocked]\ndicomweb = https://localhost:%s/whole\ntoken_file = %s/token\n' "$TLS" "$TMPDIR"
	printf '[portal keeps]\ndicomweb = http://127.0.0.1:%s/whole\ntoken_file = %s/kept\n' "$double" "$TMPDIR"
	for way in cap 206 cut cutlen expire gone page nolist html whole; do
		printf '[portal %s]\ndicomweb = http://127.0.0.1:%s/%s\ntoken_file = %s/token\n' $way "$double" $way "$TMPDIR"
	done
} >conf.more
new_spool "$(cat conf.more)"
order() {	# PATIENT
	jq -cn --arg uid $uid --arg name "$1" '{ref:"W-1",basis:{kind:"consent",reference:"form 1"},
	    patient:{id:"PID-4711",name:$name,birth_date:"1970-01-01"},studies:[{study_uid:$uid}]}' >order.json
}
order 'Muster^Eva'
# run NAME STATUS PORTAL: fetched into a folder of its own; the package is out-PORTAL/*.zip
run() { _p=$3; rm -rf "out-$_p"; : >requests; status "$1" "$2" "$fetch" --portal "$_p" --order order.json -o "out-$_p"; }
members() { unzip -Z1 "out-$1"/*.zip 2>/dev/null | wc -l; }
asked() { grep -cE "$1" requests || :; }
# do the objects of the ZIP have the bytes of those that were given out?
same() {
	rm -rf x && mkdir x && (cd x && unzip -q ../"out-$1"/*.zip) &&
	    [ "$(find x -type f -exec sha256sum {} + | cut -c1-64 | sort)" = "$(find study -type f -exec sha256sum {} + | cut -c1-64 | sort)" ]
}

# a client certificate
rm -rf out-locked
status "a portal that wants a certificate gets it" 0 "$fetch" --portal locked --cacert ca.pem --order order.json -o out-locked
is "and gives the study" 9 "$(members locked)"
status "without one it refuses" 69 "$fetch" --portal unlocked --cacert ca.pem --order order.json -o out-unlocked
cp client.key kept.key; cp ca.key client.key
status "a key that is not the certificate's: 78" 78 "$fetch" --portal locked --cacert ca.pem --order order.json -o out-pair
has "is named" 'client certificate and its key' err
cp kept.key client.key

# Orthanc
run "Orthanc gives a study" 0 orthanc
is "as one package of nine objects" 9 "$(members orthanc)"
ok "which unzip finds whole" unzip -tq out-orthanc/*.zip
status "--list says what there is" 0 "$fetch" --portal orthanc --order order.json --list --json
is "with date, modality and count" '"20260901" "CT" 9' "$(jq -r 'select(.type=="offer") | "\(.date|@json) \(.modalities|@json) \(.files)"' out)"
status "--study names it, without an order" 0 "$fetch" --portal orthanc --study $uid --basis consent --reference F1 -o out-study --har w.har
hasnt "its recording names nobody" "Muster|$uid" w.har
status "and runs offline" 0 "$MRI_BIN/mri-portal" replay w.har
has "to the same end" '^fetch 1	same	ok	DICOM	' out
status "a study that the portal does not have" 69 "$fetch" --portal orthanc --study 1.2.3.4 --basis consent --reference F1 -o out-none
ok "leaves nothing behind" not ls out-none/*.zip
status "a wrong password" 77 "$fetch" --portal stranger --study $uid --basis consent --reference F1 -o out-wrong
has "is named as that" 'does not take the token or password' err
hasnt "and not shown" 'wrong$|web-secret' err
status "the link of a viewer that is the portal's" 0 "$fetch" --order order.json -o out-viewer - <<END
END
echo "https://viewer.example.org/viewer?StudyInstanceUIDs=$uid" >link
_got=0; "$fetch" --order order.json -o out-viewer - <link >out 2>err || _got=$?
is "is taken to its root" 0 "$_got"
printf 'weasis://%%24dicom%%3Ars+--url+%%22http%%3A%%2F%%2F127.0.0.1%%3A%s%%2Fdicom-web%%22+-r+%%22studyUID%%3D%s%%22\n' "$ORTHANC_HTTP" $uid >link
_got=0; "$fetch" --order order.json -o out-rs - <link >out 2>err || _got=$?
is "so is one that starts Weasis with that root" 0 "$_got"
order 'Anders^Anna'
run "another patient ends it" 1 orthanc
ok "before anything is downloaded" not ls out-orthanc/*.zip
order 'Muster^Eva'
status "neither --study nor an order with studies" 66 "$fetch" --portal orthanc --basis consent --reference F1 -o out-nothing
status "a portal that is not configured" 78 "$fetch" --portal nowhere --study $uid --basis consent --reference F1 -o out-nowhere

# into the spool, whole way to the items
status "into the spool" 0 "$fetch" --portal orthanc --order order.json
import=$(cat out)
status "the same again asks nobody" 0 "$fetch" --portal orthanc --order order.json
is "and names the same import" "$import" "$(cat out)"
status "it unpacks" 0 "$MRI_BIN/mri-unpack" "$import"
is "to nine objects" 9 "$(ls "$import"/study/1/original | wc -l)"
status "and passes the check" 0 "$MRI_BIN/mri-check" "$import"

# a token that was refused is not sent again: not in this run, not in the next one, not for another study
printf 'token-old\n' >kept
chmod 600 kept
: >requests
refused() { _t=$1 _s=$2; shift 2; status "$_t" "$_s" "$fetch" --portal keeps --basis consent --reference F1 "$@"; }
refused "a token that the portal refuses" 77 --study $uid
is "is sent once" 1 "$(asked ' 401$')"
refused "the next run" 77 --study $uid
has "says so" 'refused this token before; it is not sent again' err
refused "nor for another study" 77 --study 1.2.3.4
refused "nor for a list" 77 --study $uid --list
is "asks nobody" 1 "$(asked .)"
refused "--again overrides" 77 --study $uid --again 'the portal was repaired'
is "and asks" 2 "$(asked .)"
refused "once" 77 --study $uid
is "that is" 2 "$(asked .)"
printf 'token-1\n' >kept
refused "another one in the file is another one" 0 --study $uid
is "the first is not in the spool" '' "$(grep -rl token-old "$MRI_SPOOL" || :)"
printf 'token-old\n' >kept
refused "the old one stays refused" 77 --study 1.2.3.4
status "fsck finds nothing odd in that memory" 0 "$MRI_BIN/mri-spool" fsck

# the one that misbehaves
run "objects that come twice" 0 whole
is "count once" 9 "$(members whole)"
ok "byte for byte" same whole
run "a portal that gives three at once" 0 cap
is "is asked for the others one by one" '9 6' "$(members cap) $(asked '/instances/')"
ok "byte for byte" same cap
run "a list in pages of two" 0 page
is "is read to its end" '9 5' "$(members page) $(asked 'instances\?')"
run "206: one is missing for good" 65 206
is "the others are kept" 8 "$(members 206)"
has "the message counts" '1 of 9 objects are missing' err
run "no closing boundary" 0 cut
is "the rest is fetched" '9 6' "$(members cut) $(asked '/instances/')"
ok "byte for byte" same cut
run "cut inside an object" 0 cutlen
ok "which is fetched again" same cutlen
run "tokens that run out midway" 0 expire
ok "are read anew" same expire
ok "more than once" [ "$(asked ' 401$')" -ge 2 ]
run "no list, and never whole" 75 nolist
ok "is no package" not ls out-nolist/*.zip
run "a web page in place of a study" 0 html
is "costs only the bulk" 9 "$(members html)"
hasnt "no token, name or UID in any message" 'token-[0-9]|Muster|1\.2\.826' err

# links that are the file itself
signed() { echo "http://127.0.0.1:$double/signed/$1" >link; shift; _got=0; "$fetch" "$@" --basis consent --reference F1 - <link >out 2>err || _got=$?; }
signed file --list --json
is "a file's name is its label, without its path" 'Thorax Müller.dcm' "$(jq -r 'select(.type=="offer").description' out)"
signed over -o out-over
is "a signed link that is over is refused" 69 "$_got"
has "with the store's word" 'says ExpiredToken' err
has "and what to do" 'fresh link' err
chmod 644 token
run "a token that others may read" 77 cap
done_testing
