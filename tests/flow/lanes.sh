#!/bin/sh
# Objects that come one by one: on as many connections as the configuration allows, at a portal that is far away.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
uid=1.2.826.0.1.3680043.10.999.8
small="--rows 8 --cols 8 --patient-name Muster^Eva --birth 1970-01-01 --study-uid $uid"
mkstudy --out study --slices 1100 --seed 5 $small >/dev/null
mkstudy --out few --slices 60 --seed 6 $small >/dev/null
mkstudy --out large --slices 5 --seed 7 --study-uid $uid --rows 1600 --cols 1600 >/dev/null
printf 'token-1\n' >token
chmod 600 token
# double FOLDER: sets port
double() {
	: >"$1.out"
	/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" "$1" token requests >"$1.out" 2>"$1.err" &
	_pids="$_pids $!"
	wait_for 30 grep -q port "$1.out"
	port=$(sed -n 's/^port //p' "$1.out")
}
double few; few=$port
double large; large=$port
double study; many=$port
far=$(free_port)
/usr/bin/python3 "$SRC/tests/tool/delay-relay.py" "$far" "$few" 20 &
_pids="$_pids $!"
wait_for 10 listens "$far"
{
	printf '[net]\nallow = 127.0.0.0/8\nallow_http = 127.0.0.1\n'
	for p in "one $far/single 1" "four $far/single 4" "alone $few/alone 4" "gone $few/206 4" "expire $few/expire 4" \
	    "large $large/single 4" "many $many/single 4"; do
		set -- $p
		printf '[portal %s]\ndicomweb = http://127.0.0.1:%s\ntoken_file = %s/token\nconnections = %s\n' "$1" "$2" "$TMPDIR" "$3"
	done
} >mri.conf
MRI_CONFIG=$TMPDIR/mri.conf
export MRI_CONFIG
# run TEXT STATUS PORTAL: the package is out-PORTAL/*.zip
run() {
	: >requests
	_began=$(date +%s%N)
	status "$1" "$2" mri-fetch --portal "$3" --study $uid --basis consent --reference form -o "out-$3"
	took=$((($(date +%s%N) - _began) / 1000000))
}
at_once() { sed -n 's/^at once //p' requests | sort -n | tail -n 1; }
sums() { find "$1" -type f -exec sha256sum {} + | cut -c1-64 | sort; }
# same PORTAL FOLDER: the objects of the ZIP have the bytes of those that were given out
same() { rm -rf x && mkdir x && (cd x && unzip -q ../"out-$1"/*.zip) && [ "$(sums x)" = "$(sums "$2")" ]; }
run 'one connection' 0 one
slow=$took
ok 'byte for byte' same one few
is 'one object at a time' 1 "$(at_once)"
run 'four connections' 0 four
ok 'byte for byte' same four few
is 'four objects at a time, never more' 4 "$(at_once)"
is 'each was asked for once' 60 "$(grep -c 'instances/.* 200' requests)"
ok "takes half the time at most: $took ms, $slow ms" test "$took" -lt $((slow / 2))
run 'a portal that wants one at a time' 0 alone
ok 'byte for byte' same alone few
ok 'is not pressed' test "$(grep -c ' 429$' requests)" -le 8
run 'one that lacks an object' 65 gone
has 'which is told' '1 of 60 objects are missing' err
run 'large objects' 0 large
ok 'byte for byte' same large large
run 'more objects than a session has requests' 0 many
is 'all of them' 1100 "$(unzip -Z1 out-many/*.zip | wc -l)"
run 'tokens that run out midway' 0 expire
ok 'byte for byte' same expire few
done_testing
