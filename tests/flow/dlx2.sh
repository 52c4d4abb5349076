# DICOM Link Exchange, version 2: studies by WADO-RS with the bearer of the login, and the download where that fails.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
. "$SRC/tests/portal.sh"
printf 'allow_http = localhost 127.0.0.1\n' >>mri.conf
uid=1.2.826.0.1.3680043.10.999.9
mkstudy --out study --slices 9 --seed 5 --study-uid $uid --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
rm -f study/DICOMDIR
(cd study && zip -qr0 ../portal/ct.zip .)
printf '%%PDF-1.4\n%05000d\n%%%%EOF\n' 0 >portal/r.pdf
# double: anew, its token is the first bearer again
double() {
	[ -z "${double_pid:-}" ] || kill "$double_pid"
	: >asked
	/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" study tokenfile asked 'eyJhbGciOiJub25lIn0.c2Vzc2lvbi%08d.sig' >double.out 2>double.err &
	double_pid=$!
	_pids="$_pids $double_pid"
	wait_for 20 grep -q port double.out
	dport=$(sed -n 's/^port //p' double.out)
}
double
# run NAME STATUS WAY [WEB QUIRKS NAME-OF-PATIENT]: WEB: wado, both, or a root of its own
run() {
	_name=$1 _code=$2 _way=$3 _web=${4:-both}
	case $_web in
	wado) _web="\"wadoRs\":\"http://localhost:$dport/$_way/\"" ;;
	both) _web="\"wadoRs\":\"http://localhost:$dport/$_way\",\"qidoRs\":\"http://localhost:$dport/$_way\"" ;;
	none) _web= ;;
	*) _web="\"wadoRs\":\"$_web\"" ;;
	esac
	portal_run <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"tok-v2",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700101"}],
 "patient":{"name":"Muster,Eva","birth_date":"1970-01-01","sex":"F"},"web":{$_web},"all":"${all:-none}","quirks":[${5:-}],
 "items":[{"id":"1","file":"ct.zip","study_uid":"$uid","date":"2026-09-01","modalities":"CT","files":12},
  {"id":"9","file":"r.pdf","mime":"application/pdf","study_uid":"$uid","description":"Befund","files":1}${more:-}]}
END
	jq -cn --arg l "https://localhost:$port/portal?token=tok-v2" --arg name "${6:-Muster^Eva}" '{link:$l,
	    basis:{kind:"consent",reference:"form 1"},patient:{id:"PID-4711",name:$name,birth_date:"1970-01-01"}}' >order.json
	rm -rf out-v2
	: >asked
	status "$_name" "$_code" mri-fetch --cacert portal/ca.pem --explain --order order.json -o out-v2
}
asked() { grep -cE "$1" asked || :; }
same() {	# the objects of the first package are those that were given out
	rm -rf x && mkdir x && (cd x && unzip -q ../out-v2/001.zip) &&
	    [ "$(find x -type f -exec sha256sum {} + | cut -c1-64 | sort)" = "$(find study -type f -exec sha256sum {} + | cut -c1-64 | sort)" ]
}

run "a portal of version 2" 0 whole
ok "gives the study by WADO-RS" same
is "and the paper by download, after one login" "0 1 1 1" "$(requests download/1) $(requests download/9) $(requests POST) $(requests api_info)"
ok "which is the paper" cmp out-v2/002.pdf portal/r.pdf
run "another patient" 1 whole both '' 'Anders^Anna'
is "ends it before anybody is asked for an image" "0 0 0" "$(asked .) $(requests download) $(requests api_info)"
run "WADO-RS alone" 0 whole wado
ok "gives the study too" same
is "whatever the list says of files" 1 "$(asked .)"
run "one object that it lacks" 65 206
has "is counted" '1 of 9 objects are missing' err
run "a server that does not do it" 0 501 wado
is "leaves the download" "1 1" "$(asked .) $(requests 'download/1 200')"
has "said by --explain" 'downloaded instead' err
run "a server that is busy" 75 busy wado
is "would be busy with a download too" "0 busy" "$(requests download/1) $(grep -oE 'busy' err | head -1)"
run "a study that it does not know" 0 gone/x wado
is "leaves the download" "1 1" "$(asked .) $(requests 'download/1 200')"
run "a server that does not take the bearer" 0 deny
is "leaves the download, without a second login" "1 1" "$(requests 'download/1 200') $(requests POST)"
run "a server at another host" 0 - "http://127.0.0.1:$dport/whole"
is "gets no bearer: it is not asked" "0 1" "$(asked .) $(requests 'download/1 200')"
has "said by --explain" 'another host' err
run "a server that is not there" 0 - http://localhost:1/
is "leaves the download" 1 "$(requests 'download/1 200')"
run "a portal without its api_info" 0 whole both '"no-info"'
is "is one of version 1" "0 1" "$(asked .) $(requests 'download/1 200')"
more=',{"id":"2","file":"ct.zip","study_uid":"'$uid'","modalities":"CT"}'
run "a study in two parts" 0 whole
is "is downloaded" "0 2" "$(asked .) $(requests 'download/[12] 200')"
more=
run "a bearer that runs out midway" 0 once
is "is renewed by a second login" 2 "$(requests POST)"
ok "and nothing is missing" same
run "answers that are good once, and a session that ends" 75 - none '"session","login-once"'
has "are no wrong answers" 'does not take the same answers again' err
is "what came stays" "001.zip 2" "$(ls out-v2) $(requests POST)"

# nothing alone, but everything at once
cp portal/ct.zip portal/all.zip
(cd portal && zip -q0 all.zip r.pdf)
all=all.zip
run "a portal that gives only all at once" 0 - none '"all-only"'
ok "gives it in one package" cmp out-v2/001.zip portal/all.zip
is "and nothing else" "1 1 0" "$(ls out-v2 | wc -l) $(requests 'downloadall 200') $(requests download/9)"
status "where a part is wanted" 69 mri-fetch --cacert portal/ca.pem --order order.json -o out-part --item 2
is "not all is taken" 1 "$(requests downloadall)"
status "into the spool" 0 mri-fetch --cacert portal/ca.pem --json --order order.json
is "it is one package" 1 "$(jq -r 'select(.type=="receipt").packages' out)"
import=$(jq -r 'select(.type=="receipt").path' out)
mri-spool key "${import##*/}" >key 2>/dev/null
age -d -i key "$import/claim/001" >claim
is "that claims the study once" "1 $uid" "$(jq -r '"\(.studies|length) \(.studies[0].study_uid)"' claim)"
status "it unpacks" 0 mri-unpack "$import"
is "to objects and paper" "9 1" "$(ls "$import"/study/1/original | wc -l) $(find "$import" -path '*document*' -type f -name '0*' | wc -l)"
all=
run "a portal that gives nothing" 69 - none '"all-only"'
hasnt "no bearer, name or UID in any message" 'eyJ|Muster|1\.2\.826' err
done_testing
