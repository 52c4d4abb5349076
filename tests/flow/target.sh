# mri-check --dest asks the target, an Orthanc, by C-FIND and by QIDO-RS: not there, partly, whole, under another
# patient, the accession on another study; one that sleeps, one that cannot be asked.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"

mkdir orthanc
dicom=$(free_port) http=$(free_port)
cat >orthanc.json <<-END
{ "Name": "PACS", "StorageDirectory": "$TMPDIR/orthanc", "IndexDirectory": "$TMPDIR/orthanc",
  "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "DicomAet": "ORTHANC", "DicomPort": $dicom,
  "HttpPort": $http, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "DicomAlwaysAllowStore": true,
  "DicomAlwaysAllowFind": true, "DicomWeb": { "Enable": true } }
END
"$(command -v Orthanc || echo /usr/sbin/Orthanc)" orthanc.json >orthanc.log 2>&1 &
_pids="$_pids $!"
new_spool 'allow_http = 127.0.0.1' '[destination pacs]' "url = dicom://ORTHANC@127.0.0.1:$dicom" \
    '[destination web]' "url = http://127.0.0.1:$http/dicom-web" '[destination gone]' \
    "url = dicom://ORTHANC@127.0.0.1:$(free_port)" '[destination goneweb]' "url = http://127.0.0.1:$(free_port)/x" \
    '[destination noweb]' "url = http://127.0.0.1:$http/nothing" '[destination his]' "url = folder:$TMPDIR/his" \
    '[destination tls]' "url = dicoms://ORTHANC@127.0.0.1:$dicom" >/dev/null

printf '{"v":1,"basis":{"kind":"consent","reference":"r"},"patient":{"id":"4711","issuer":"HOSP",
 "name":"Müller^Jörg","birth_date":"1970-02-01","sex":"M"},"studies":[{"modality":"CT","accession":"A100"}]}' |
	tr -d '\n' >order.json
patient='--birth 1970-02-01 --sex M --issuer HOSP'
# shellcheck disable=SC2086
{
	mkstudy --zip a.zip --slices 4 --seed 1 --patient-name 'Müller^Jörg' --patient-id 4711 $patient
	mkstudy --out mine --slices 4 --seed 1 --patient-name 'Müller^Jörg' --patient-id 4711 $patient
	mkstudy --out foreign --slices 4 --seed 1 --patient-name 'Schulz^Anna' --patient-id 4712 $patient
	mkstudy --out prior --slices 1 --seed 2 --patient-name 'Müller^Jörg' --patient-id 4711 $patient --accession A100
} >/dev/null
item=$(mri-fetch --order order.json a.zip 2>/dev/null | mri-unpack 2>/dev/null)
store() { curl -sf -X POST --data-binary "@$1" "http://127.0.0.1:$http/instances" >/dev/null; }
clear_all() { for _i in $(curl -sf "http://127.0.0.1:$http/patients" | jq -r '.[]'); do
	curl -sf -X DELETE "http://127.0.0.1:$http/patients/$_i" >/dev/null; done; }
target() { jq -r 'select(.type=="receipt").findings[]|select(.rule=="target")|"\(.verdict) \(.severity) \(.reason)"' out; }
# both TEXT STATUS FINDING-WITH-NAME: the same of both kinds of destination
both() {
	for d in pacs web; do
		status "$d: $1" "$2" mri-check --json --dest $d "$item"
		is "$d: $1: what it says" "$(echo "$3" | sed "s/NAME/'$d'/")" "$(target)"
	done
}
wait_for 30 curl -sf "http://127.0.0.1:$http/dicom-web/studies" && wait_for 10 listens "$dicom"

both 'not there' 0 ''
for f in $(find mine -type f | sort | head -n 3); do store "$f"; done
both 'partly there' 0 "finding warning NAME holds 3 of 4 objects of this study already"
for f in $(find mine -type f); do store "$f"; done
both 'whole' 0 ''
status 'which is told on demand' 0 mri-check -v --dest pacs --dest web "$item"
has 'by C-FIND' "'pacs' holds all 4 objects already" err
has 'by QIDO' "'web' holds all 4 objects already" err
for f in $(find prior -type f); do store "$f"; done
both 'the accession on another study' 1 "finding error NAME has the accession number of this study on another one"
clear_all
for f in $(find foreign -type f); do store "$f"; done
both 'another patient' 1 "finding error NAME holds this study under another patient"
hasnt 'no name, no id' 'Schulz|4712|ller|4711|A100' out
mri-show --findings --json "$item" >findings
has 'both sides are for those who may see them' '"found":"4712"' findings
status 'an acceptance' 0 mri-check --dest web --accept target --reason 'merge follows' "$item"
status 'stays' 0 mri-check --dest web "$item"
clear_all

# What was sent from here is not held against it
status 'sent' 0 sh -c 'mri-check --dest pacs "$1" | mri-retag | mri-send -d pacs' sh "$item" 2>/dev/null
before=$(cat "$item/check" "$item/overlay" | sha256sum)
status 'checked again' 0 mri-check --json --dest pacs "$item"
is 'nothing has changed' "true $before" \
    "$(jq 'select(.type=="receipt").again' out) $(cat "$item/check" "$item/overlay" | sha256sum)"

# One that sleeps, one that has no query, those that are not asked
for d in gone goneweb; do
	status "$d: cannot be reached now" 75 mri-check --dest $d "$item"
	has "$d: is named" "cannot ask '$d'" err
done
is 'nothing was written' "$before" "$(cat "$item/check" "$item/overlay" | sha256sum)"
status 'a server without QIDO' 0 mri-check --json --dest noweb "$item"
is 'is unknown' "unknown warning 'noweb' was not asked: it answers no such query" "$(target)"
status 'one over TLS' 0 mri-check --json --dest tls "$item"
is 'is unknown too, not free' "unknown warning 'tls' was not asked: this release does not ask over TLS" "$(target)"
status 'a folder is not asked' 0 mri-check --json --dest his "$item"
is 'and nothing is said' '' "$(target)"
status 'without --dest nobody is asked' 0 mri-check --json "$item"
done_testing
