# The whole way from a DLX portal that is not ours (TLS, base path elsewhere, ids as numbers, 503 first, a cut
# connection, no Content-Length) into Orthanc, encrypted; and what is left after the purge.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
named='0010,0010 0010,0020 0010,0021 0010,0024 0010,0030 0010,0040 0010,1002 0008,0015 0008,0050 0008,0051 0008,1032
	0008,1110 0018,a001 0038,0010 0038,0014 0040,0275 0400,0561'
tag() { dcmdump -q +P "$1" "$2" | sed -n 's/^([^)]*) .. \[\(.*\)\] .*/\1/p' | sed 's/ *$//' | head -n 1; }

start_orthanc
store=$(free_port)
mkdir stored
storescp +B -aet STORE -od stored "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
portal --make-cert .
mkstudy --zip a.zip --slices 16 --rows 128 --cols 128 --patient-name 'Müller^Jörg' --patient-id EXT-77 --issuer PRAXIS \
    --birth 1970-01-01 --sex M --study-date 2026-09-01 --group-lengths --private --sequence-undefined --other-ids OLD-1
mkstudy --out before --slices 16 --rows 128 --cols 128 --patient-name 'Müller^Jörg' --patient-id EXT-77 --issuer PRAXIS \
    --birth 1970-01-01 --sex M --study-date 2026-09-01 --group-lengths --private --sequence-undefined --other-ids OLD-1
python3 "$SRC/tests/tool/foreign-portal.py" portal.pem a.zip >port 2>foreign.log &
_pids="$_pids $!"
wait_for 10 grep -q '^port' port
new_spool "cafile = $TMPDIR/ca.pem" '[destination pacs]' "url = dicom://ORTHANC@127.0.0.1:$ORTHANC_DICOM" \
    '[destination store]' "url = dicom://STORE@127.0.0.1:$store" 'verify = no'
jq -cn --arg l "https://localhost:$(cut -d' ' -f2 port)/p/Fremd-77aa41" '{v:1,ref:"TICKET-1",link:$l,
    factors:{PAT_BIRTH_DATE:"1970-01-01"},basis:{kind:"consent",reference:"form"},
    patient:{id:"KIS-0004711",issuer:"HOSP",name:"Müller^Jörg",birth_date:"1970-01-01",sex:"M"},
    studies:[{date:"2026-09-01",modality:"CT",accession:"ACC-2026-100"}],destinations:["pacs","store"]}' >order.json

ok 'the way, as one pipe' sh -c 'mri-fetch --order order.json 2>err1 | mri-unpack 2>err2 | mri-check 2>err3 |
	mri-retag 2>err4 | mri-send >sent 2>err5'
is 'one study is sent' 1 "$(wc -l <sent)"
item=$(cat sent)
import=${item%/study/1}
id=${import##*/}
cat err[1-5] >errors

orthanc_files got
is 'all instances are in Orthanc' 16 "$(ls got | wc -l)"
pixels before >want
pixels got >have
ok 'SOP Instance UIDs and pixel data are unchanged' cmp -s want have
one=$(ls got/* | head -n 1)
uid=$(tag 0008,0018 "$one")
is 'patient id of the order' KIS-0004711 "$(tag 0010,0020 "$one")"
is 'issuer of the order' HOSP "$(tag 0010,0021 "$one")"
is 'accession of the entry' ACC-2026-100 "$(tag 0008,0050 "$one")"
is 'name of the order' 'Müller^Jörg' "$(orthanc '/patients?expand' | jq -r '.[].MainDicomTags.PatientName')"
dcmdump -q +P 0400,0561 +L "$one" >original
has 'Original Attributes hold the old id' 'EXT-77' original
has 'Original Attributes hold the old issuer' 'PRAXIS' original
has 'Original Attributes hold the old accession' 'FOREIGN1' original
has 'Original Attributes say why' 'COERCE' original
dcmdump -q +P 0010,1002 +L "$one" >others
has 'Other Patient IDs: the old one is appended' 'EXT-77' others
has 'Other Patient IDs: what was there stays' 'OLD-1' others
has 'Contributing Equipment' 'MEDIM' <<-END /dev/stdin
$(dcmdump -q +P 0018,a001 +L "$one")
END

# byte by byte, at a receiver that keeps what it gets
# shellcheck disable=SC2086
is 'every element that no rule names is byte-identical in all 16' '16 compared, 0 differ' "$(same_but before stored $named)"
bad=0
for f in stored/*; do dcmftest "$f" >>dcmftest.log 2>&1 && dcmdump -q "$f" >/dev/null 2>>dcmftest.log || bad=$((bad + 1)); done
is 'dcmftest and dcmdump accept what was sent' 0 "$bad"

ok 'the same again is a no-op' sh -c "echo '$id' | mri-unpack 2>>errors | mri-check 2>>errors | mri-retag 2>>errors | mri-send --json 2>>errors >again"
is 'nothing is sent twice' '0 0' "$(jq -r 'select(.type=="receipt") | .stored' again | tr '\n' ' ' | sed 's/ $//')"
is 'fetch knows the link' "$import true" "$(mri-fetch --json --order order.json 2>>errors | jq -r 'select(.type=="receipt") | "\(.path) \(.again)"')"
is 'no second login' 1 "$(grep -c login foreign.log)"

# nothing of the patient in clear; age opens each payload
# umlauts in UTF-8, Latin-1 and JSON's escapes; nothing so short that ciphertext holds it by chance
printf '%b\n' 'M\0303\0274ller' 'M\0374ller' 'M\\u00fcller' 'J\0303\0266rg' 'EXT-77' 'PRAXIS' '19700101' '1970-01-01' "$uid" 'Fremd-77aa41' \
    'eyJ0eXAi' 'FOREIGN1' 'ACC-2026-100' 'KIS-0004711' >secret
find "$MRI_SPOOL" -type f ! -path '*/audit/*' -exec cat {} + >plain
for s in $(cat secret); do
	ok "$s: not in clear in the spool" not env LC_ALL=C grep -aqF -e "$s" plain
	ok "$s: not in the audit log" not env LC_ALL=C grep -aqF -e "$s" "$MRI_SPOOL/audit/log"
	case $s in ACC-* | KIS-*) ;; *) ok "$s: not in any message" not env LC_ALL=C grep -aqF -e "$s" errors ;; esac
done
mri-spool key "$id" >key 2>>errors
chmod 600 key
opened=0 files=0
for f in $(find "$import" -type f ! -name deadline ! -name history ! -name lock ! -path '*/sent/*'); do
	files=$((files + 1))
	age -d -i key "$f" >opened 2>>age.log && opened=$((opened + 1))
done
ok 'there are sealed files' test "$files" -ge 18
is 'age -d opens each of them' "$files" "$opened"
age -d -i key "$import/study/1/original/00001" >o1
ok 'and gives the object as it was received' sh -c 'for f in $(find before -type f); do cmp -s $f o1 && exit 0; done; exit 1'
ok 'fsck finds nothing' sh -c 'mri-spool fsck --deep >fsck.out 2>&1 || { cat fsck.out; exit 1; }'

ok 'purge' sh -c "mri-purge --now '$id' >purged"
is 'purge prints the id' "$id" "$(cat purged)"
is 'nothing of the import is left but tombstone, link memory, record and audit' \
    "audit/log gone/$id link record/$id" \
    "$(cd "$MRI_SPOOL" && find . -type f | sed 's|^\./||' | grep -vxE 'VERSION|clock|mri\.conf|keys/mac|audit/(key|reserve)' |
	sed -E 's|^link/.*|link|; s|^(record/[^/]*)/.*|\1|' | sort -u | tr '\n' ' ' | sed 's/ $//')"
done_testing
