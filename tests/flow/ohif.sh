# Links of the OHIF viewer that name a manifest: its objects, one by one, from a plain web server.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
uid=1.2.826.0.1.3680043.10.999.8
mkdir www
mkstudy --out www/study --slices 5 --seed 6 --study-uid $uid --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F >/dev/null
rm -f www/study/DICOMDIR
/usr/bin/python3 - <<'END'
import glob, json, os, pydicom
files = [f for f in sorted(glob.glob('www/study/**/*', recursive=True)) if os.path.isfile(f)]
series = {}
for n, f in enumerate(files):
    d = pydicom.dcmread(f, stop_before_pixels=True)
    kind, address = ('dicomweb:', '/' + f[4:]) if n % 2 else ('wadouri:', '../' + f[4:] + '?frame=1')
    series.setdefault(d.SeriesInstanceUID, []).append({'metadata': {'SOPInstanceUID': d.SOPInstanceUID}, 'url': kind + address})
study = {'StudyInstanceUID': d.StudyInstanceUID, 'StudyDate': d.StudyDate, 'PatientName': {'Alphabetic': 'Muster^Eva'},
         'PatientID': 'PID-4711', 'PatientBirthDate': '19700101', 'NumInstances': len(files),
         'series': [{'SeriesInstanceUID': u, 'Modality': 'CT', 'instances': i} for u, i in series.items()]}
os.mkdir('www/m')
json.dump({'studies': [study]}, open('www/m/whole.json', 'w'))
list(series.values())[0].append({'metadata': {'SOPInstanceUID': '1.2.3.4'}, 'url': 'dicomweb:/gone.dcm'})
json.dump({'studies': [study]}, open('www/m/lacks.json', 'w'))
json.dump({'servers': {'dicomWeb': []}}, open('www/m/other.json', 'w'))
END
/usr/bin/python3 "$SRC/tests/tool/dicomweb-double.py" www/study token asked >double.out 2>double.err &
_pids="$_pids $!"
/usr/bin/python3 -u -m http.server --bind 127.0.0.1 -d www 0 >server.out 2>requests &
_pids="$_pids $!"
wait_for 20 grep -q 'port [0-9]' server.out
port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' server.out)
new_spool 'allow_http = 127.0.0.1'
# order MANIFEST [NAME]
order() {
	jq -cn --arg l "http://127.0.0.1:$port/viewer/dicomjson?url=$1" --arg name "${2:-Muster^Eva}" '{ref:"O-1",link:$l,
	    basis:{kind:"consent",reference:"form 1"},patient:{id:"PID-4711",name:$name,birth_date:"1970-01-01"}}' >order.json
}
asked() { grep -cE "$1" requests || :; }

order "http%3A%2F%2F127.0.0.1%3A$port%2Fm%2Fwhole.json" 'Anders^Anna'
status "another patient" 1 mri-fetch --order order.json
is "ends it before any object" "1 0" "$(asked 'GET /m/whole') $(asked 'GET /study')"
order /m/whole.json
status "--list shows what the manifest has" 0 mri-fetch --order order.json --list --json
is "with the count" 'CT 5' "$(jq -r 'select(.type=="offer") | "\(.modalities) \(.files)"' out)"
status "a link of the viewer" 0 mri-fetch --order order.json --har one.har
import=$(cat out)
hasnt "a recording shows neither patient nor study" "Muster|PID-4711|19700101|$uid\"" one.har
hasnt "nor where the objects are" 'ST0001' one.har
status "it runs again, offline" 0 mri-portal replay one.har
has "object by object" 'fetch 1.same.ok.DICOM' out
is "each object once, the viewer not at all" "5 0" "$(asked 'GET /study') $(asked 'GET /viewer')"
status "the same again asks nobody" 0 mri-fetch --order order.json
is "really" 5 "$(asked 'GET /study')"
status "it unpacks" 0 mri-unpack "$import"
is "to the objects" 5 "$(ls "$import"/study/1/original | wc -l)"
status "and passes the check" 0 mri-check "$import"
order /m/lacks.json
status "an object that is not there" 65 mri-fetch -o lacks --order order.json
has "is counted" '1 of 6 objects are missing' err
is "the others are kept" 5 "$(unzip -Z1 lacks/*.zip | wc -l)"
wait_for 20 grep -q port double.out
root=http://127.0.0.1:$(sed -n 's/^port //p' double.out)/open
jq -n --arg r "$root" '{servers:{dicomWeb:[{qidoRoot:$r,wadoRoot:($r+"/")}]}}' >www/m/proxy.json
order "/m/proxy.json&StudyInstanceUIDs=$uid"
sed -i 's,/dicomjson,/dicomwebproxy,' order.json
status "a link that names a server and a study" 0 mri-fetch -o proxy --order order.json
is "gives the objects" 5 "$(unzip -Z1 proxy/*.zip | wc -l)"
order /m/proxy.json
status "without a study" 76 mri-fetch -o nostudy --order order.json
order /m/other.json
status "JSON that is no manifest" 76 mri-fetch -o other --order order.json
order /m/whole.json
jq -c --arg l "http://127.0.0.1:$port/m/whole.json" '.link=$l' order.json >o && mv o order.json
status "a link to the manifest itself" 0 mri-fetch -o direct --order order.json
is "gives the objects too" 5 "$(unzip -Z1 direct/*.zip | wc -l)"
order /m/none.json
status "a manifest that is not there" 69 mri-fetch -o none --order order.json
order http://169.254.169.254/latest
status "a manifest in a private network" 77 mri-fetch -o private --order order.json
hasnt "no name or UID in any message" 'Muster|1\.2\.826|dicomjson' err
done_testing
