# A DICOMweb portal with OAuth2: its tokens are issued by oauth2-mock-server, judged by their signature and their time,
# and run out while a study comes.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
modules=$SRC/build/npm/node_modules
[ -d "$modules/oauth2-mock-server" ] || "$SRC/scripts/deps" --npm
uid=1.2.826.0.1.3680043.10.999.11
mkstudy --out study --slices 12 --seed 5 --study-uid $uid --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
rm -f study/DICOMDIR
printf 'token-1\n' >upstream
/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" study upstream asked >double.out 2>double.err &
_pids="$_pids $!"
wait_for 20 grep -q port double.out
# the bulk gives three, the others come one by one
node "$SRC/tests/tool/oauth-portal.mjs" "$modules" "http://127.0.0.1:$(sed -n 's/^port //p' double.out)/cap" token requests >portal.out 2>portal.err &
_pids="$_pids $!"
wait_for 20 grep -q port portal.out
port=$(sed -n 's/^port //p' portal.out)
new_spool "$(printf 'allow_http = 127.0.0.1\n'
for way in fresh stale; do
	printf '[portal %s]\ndicomweb = http://127.0.0.1:%s/%s\ntoken_file = %s/token\n' $way "$port" $way "$TMPDIR"
done)"
jq -cn --arg uid $uid '{ref:"W-1",basis:{kind:"consent",reference:"form 1"},
    patient:{id:"PID-4711",name:"Muster^Eva",birth_date:"1970-01-01"},studies:[{study_uid:$uid}]}' >order.json
post() { curl -sf -X POST "http://127.0.0.1:$port/$1"; : >requests; }
run() { status "$1" "$2" mri-fetch --json --portal "$3" --order order.json -o "out-$3"; }
state() { jq -r 'select(.type=="receipt").state' out; }
count() { grep -cE "$1" requests || :; }
same() {
	rm -rf x && mkdir x && (cd x && unzip -q ../"out-$1"/*.zip) &&
	    [ "$(find x -type f -exec sha256sum {} + | cut -c1-64 | sort)" = "$(find study -type f -exec sha256sum {} + | cut -c1-64 | sort)" ]
}

: >requests
run "tokens that run out midway are read anew" 0 fresh
ok "and nothing is missing" same fresh
is "each object came once, and a token was over twice" "9 yes" \
    "$(count '200 object') $([ "$(count 'ERR_JWT_EXPIRED')" -ge 2 ] && echo yes)"
is "for that reason only" 0 "$(grep 401 requests | grep -cvE 'ERR_JWT_EXPIRED' || :)"
post token
run "a token that nobody renews" 75 stale
is "is a session that was lost" session-lost "$(state)"
has "says what to do" 'get a new one' err
ok "no half package is left" not test -e out-stale/001.zip
post stranger
run "a token of another issuer" 77 fresh
is "is refused" credentials-wrong "$(state)"
is "before anything came" 0 "$(count 200)"
post forged
run "a token with a forged signature" 77 fresh
is "too" "0 yes" "$(count 200) $([ "$(count 'SIGNATURE')" -ge 1 ] && echo yes)"
post token
status "into the spool" 0 mri-fetch --portal fresh --order order.json
ok "no token stands there" not grep -rqF -e eyJ "$MRI_SPOOL" err
done_testing
