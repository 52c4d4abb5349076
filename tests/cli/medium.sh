# What media say of themselves: DICOMDIR against files, judged by mri-check, with a spool and without one.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG CREDENTIALS_DIRECTORY 2>/dev/null || :
mkdir home
unpack=$MRI_BIN/mri-unpack
check=$MRI_BIN/mri-check

# rule NAME: its verdict and reason
rule() { sed -n "s/^  $1  *//p" out; }

"$MRI_TOOL/mkstudy" --out plain --studies 2 --slices 3 --series 1 >/dev/null
"$MRI_BIN/mri-send" -d folder:cd plain >/dev/null 2>&1
ok 'there is a medium' test -e cd/DICOMDIR
dir=$(dirname "$(find cd -type f ! -name DICOMDIR | sort | head -1)")
first=$(find "$dir" -type f | sort | head -1)
printf '{"v":1,"basis":{"kind":"treatment","reference":"T-1"},"patient":%s}' \
    '{"id":"1","name":"Muster^Max","birth_date":"1970-01-01","sex":"M"}' >order.json

# judged NAME: the medium as it lies there is judged as what mri-unpack made of it
judged() {
	"$check" "$1" >raw 2>err || :
	"$check" cd >out 2>>err || :
	for f in raw out; do grep -E '^  (complete|consistent|one_patient) ' "$f" | LC_ALL=C sort >"$f.rules"; done
	is "the folder itself: the same ($1)" "$(cat raw.rules)" "$(cat out.rules)"
	ok 'and there is something to say' test -s out.rules
}

# clean
status 'a clean medium' 0 "$unpack" -v -o o1 cd
is 'nothing to say' '' "$(grep -v 'set aside' err || :)"
is 'the record has its index' 'DICOMDIR 6 0 1' \
    "$(jq -r '.media[] | "\(.index) \(.listed) \(.unlisted) \(.patients | length)"' o1/unpack)"
is 'and of each study how many instances' '3 3 1,3 3 1' \
    "$(jq -r '[.media[].studies[] | "\(.instances) \(.here) \(.series)"] | join(",")' o1/unpack)"
"$check" o1/1 >out 2>err || :
is 'complete, as the index lists' 'pass      3 objects, as claimed' "$(rule complete)"
has 'consistent' 'consistent   pass' out
is 'one patient' 'pass' "$(rule one_patient | cut -d' ' -f1)"
judged o1

# an instance that is listed and absent
mv "$first" away
status 'one file is gone: unpack goes on' 0 "$unpack" -o o2 cd
has 'and says it' 'its DICOMDIR lists 6 files, 1 of them are not there' err
hasnt 'no UID' '1\.2\.|2\.25' err
status 'mri-check holds it' 1 "$check" o2
has 'complete: an error' 'complete     finding  error  1 of the 3 instances that the DICOMDIR lists are not there' out
is 'only in its own study' 1 "$(grep -c 'are not there' out)"
is 'the record names the file' absent "$(jq -r '.media[].differing[].state' o2/unpack)"
judged o2

# under another name; unlisted; another object under a name
mv away "$dir/ELSE"
"$unpack" -o o3 cd >/dev/null
"$check" o3/1 >out 2>err || :
is 'whole all the same' 'pass      3 objects, as claimed' "$(rule complete)"
has 'but under another name' 'consistent   finding  warning  1 instances lie under another name than the DICOMDIR says' out
judged o3
mv "$dir/ELSE" "$first"
"$MRI_TOOL/mkstudy" --out more --seed 9 --slices 1 >/dev/null
cp "$(find more -type f | head -1)" "$dir/NEW"
"$unpack" -v -o o4 cd >/dev/null 2>err
has 'not listed' '1 files that its DICOMDIR does not list' err
"$check" o4/3 >out 2>err || :
has 'is a warning of its study' 'consistent   finding  warning  1 objects are there that the DICOMDIR does not list' out
judged o4
mv "$dir/NEW" "$first"
"$unpack" -o o5 cd >/dev/null 2>err
"$check" o5 >out 2>err || :
has 'other UID: an error' 'consistent   finding  error  1 files are not the instances that the DICOMDIR names them' out
has 'and the one that is listed is not there' '1 of the 3 instances that the DICOMDIR lists are not there' out
judged o5

# a study that is listed and did not come
jq -r 'select(.type=="object").sha256' o1/1/manifest >sums
find "$dir" -type f -exec sha256sum {} + | grep -F -f sums | sed 's/^[^ ]*  //' | xargs rm -f
"$unpack" -o o6 cd >/dev/null 2>err
"$check" o6 >out 2>err || :
has 'a whole study is missing' 'complete     finding  error  1 studies that the DICOMDIR lists did not come' out
judged o6

# broken ones stop nothing
head -c 1500 cd/DICOMDIR >cut && mv cut cd/DICOMDIR
status 'cut off' 0 "$unpack" -o o7 cd
has 'named' 'its DICOMDIR cannot be believed: broken DICOM at offset' err
"$check" o7 >out 2>err || :
has 'a warning' 'consistent   finding  warning  the DICOMDIR cannot be believed: broken DICOM at offset' out
has 'and nobody said how many' 'complete     finding  error  nobody said how many' out
has 'but a study that it names still' '1 studies that the DICOMDIR lists did not come' out
judged o7

# a folder as it lies there: what is no index, a copy, a file that should have been an object, media side by side
rm -rf cd && "$MRI_BIN/mri-send" -d folder:cd plain >/dev/null 2>&1
one=$(find cd -type f ! -name DICOMDIR | sort | head -1)
printf 'readme' >cd/README.TXT
cp "$one" cd/COPY
"$check" -v cd >out 2>err || :
has 'a copy is said once' 'consistent   finding  warning  1 objects are there twice; 1 objects are there that the DICOMDIR does not list' out
hasnt 'and nothing is missing' 'complete     finding' out
has 'the rest is none of it' 'cd: 1 files are no DICOM objects' err
mv cd/COPY cd/ZCOPY
"$check" cd >out 2>err || :
has 'a copy behind is one beside' 'consistent   finding  warning  1 objects are there twice$' out
rm cd/ZCOPY
head -c 600 "$one" >cut && mv cut "$one"
"$unpack" -o o9 cd >/dev/null 2>err || :
judged o9
has 'a broken object holds' 'complete     finding  error  .*partial: something' out
has 'and is listed' '1 of the 3 instances that the DICOMDIR lists were set aside' out
has 'with what to do' 'cd: 1 files cannot be read, or are DICOM of no study: mri-unpack -o names each' err
hasnt 'no UID' '1\.2\.|2\.25' err
ln -s README.TXT cd/LINK
"$check" cd >out 2>err || :
has 'a link is not followed, and said' 'cd: 2 files cannot be read' err
rm -rf cd && mkdir cd && "$MRI_BIN/mri-send" -d folder:cd/a plain >/dev/null 2>&1
"$MRI_BIN/mri-send" -d folder:cd/b more >/dev/null 2>&1
status 'two media in one folder' 0 "$unpack" -o o10 cd
judged o10
for i in $(seq 64); do mkdir "cd/$i" && cp cd/a/DICOMDIR "cd/$i/"; done
status 'too many of them' 65 "$check" cd
has 'with what to do' 'more than 64 DICOMDIRs, or they list more than 200000 files: check each medium for itself' err

# in a spool, as an archive, below a folder
mkdir cd2
"$MRI_BIN/mri-send" -d folder:cd2/DISC plain >/dev/null 2>&1
new_spool >/dev/null
rm "$(find cd2/DISC -type f ! -name DICOMDIR | sort | head -1)"
(cd cd2 && python3 -m zipfile -c ../disc.zip DISC)
i=$("$MRI_BIN/mri-fetch" --order order.json disc.zip 2>err)
status 'unpacked' 0 "$unpack" "$i"
has 'said' 'package 1: its DICOMDIR lists 6 files, 1 of them are not there' err
status 'held' 1 "$check" "$i"
has 'with the reason' 'complete: 1 of the 3 instances that the DICOMDIR lists are not there' err
status 'again' 1 "$check" --json "$i"
is 'the same' true "$(jq -r 'select(.type=="receipt" and .status=="perm").again' out | head -1)"
unset MRI_SPOOL MRI_CONFIG

# --- XDM: documents with size and hash ------------------------------------------------------
# xdm FOLDER PATIENT [SIZE [HASH]]: a submission set with one document
xdm() {
	mkdir -p "$1"
	printf 'a letter of %s' "$1" >"$1/DOC.TXT"
	python3 - "$1" "$2" "${3:-$(wc -c <"$1/DOC.TXT")}" "${4:-$(sha1sum <"$1/DOC.TXT" | cut -c1-40)}" >"$1/METADATA.XML" <<'P'
import sys
slot = lambda n, v: '<Slot name="%s"><ValueList><Value>%s</Value></ValueList></Slot>' % (n, v)
print('<SubmitObjectsRequest xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><RegistryObjectList>'
    '<ExtrinsicObject mimeType="text/plain">' + slot('URI', 'DOC.TXT') + slot('size', sys.argv[3]) +
    slot('hash', sys.argv[4]) + slot('sourcePatientId', sys.argv[2] + '^^^&amp;1.2.3&amp;ISO') +
    '</ExtrinsicObject></RegistryObjectList></SubmitObjectsRequest>')
P
}
xdm x1/IHE_XDM/SUBSET01 11
printf 'INDEX' >x1/INDEX.HTM
status 'XDM' 0 "$unpack" -o p1 x1
is 'is one document' 1 "$(ls p1/papers/document | wc -l)"
is 'as listed' 'XDM metadata 1 0 1 11' "$(jq -r '.media[] | "\(.index) \(.listed) \(.unlisted) \(.no_study.here) \(.patients[0].id)"' p1/unpack)"
"$check" p1/papers >out 2>err || :
is 'whole' 'pass      1 documents' "$(rule complete)"
has 'and consistent' 'consistent   pass' out
xdm x1/IHE_XDM/SUBSET02 12
"$unpack" -o p2 x1 >/dev/null
"$check" p2/papers >out 2>err || :
has 'sets of two patients are said' 'one_patient  finding  warning  the submission sets of the XDM medium are of several patients' out
printf '!' >>x1/IHE_XDM/SUBSET02/DOC.TXT
xdm x1/IHE_XDM/SUBSET01 11 '' 0000000000000000000000000000000000000000
"$unpack" -o p3 x1 >/dev/null
"$check" p3/papers >out 2>err || :
has 'another size' 'consistent   finding  error  .*1 of the 1 files that the XDM metadata lists have another size' out
has 'another hash' '1 of the 1 files that the XDM metadata lists have another SHA-1' out
rm x1/IHE_XDM/SUBSET02/DOC.TXT
"$unpack" -o p4 x1 >/dev/null 2>err
has 'an absent one is said' 'its XDM metadata lists 1 files, 1 of them are not there' err
"$check" p4/papers >out 2>err || :
has 'and an error' 'complete     finding  error  1 of the 1 files that the XDM metadata lists are not there' out
printf '<?xml version="1.0"?><!DOCTYPE a SYSTEM "/etc/passwd"><SubmitObjectsRequest/>' >x1/IHE_XDM/SUBSET01/METADATA.XML
status 'a DOCTYPE stops nothing' 0 "$unpack" -o p5 x1
has 'and is refused' 'its XDM metadata cannot be believed: a DOCTYPE, which is refused' err

# --- documents: to their study, or papers, with the reason ---------------------------------------
one=$(head -1 o1/1/manifest | jq -r .study_uid)
two=$(head -1 o1/2/manifest | jq -r .study_uid)
mkdir t && cp -r plain/* t/
printf '<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="%s"/></ClinicalDocument>' "$two" >t/cda.xml
printf 'MSH|^~\\&|RIS|A|B|C|2026||ORU^R01|1|P|2.5\rZDS|%s^A^Application^DICOM' "$one" >t/oru
printf '{"resourceType":"Bundle","id":"%s","x":"%s"}' "$one" "$two" >t/both.json
printf 'a letter' >t/letter.txt
"$unpack" -o t1 t >/dev/null
is 'what each is, where it went, and why' 'application/cda+xml study/2 it names the study
application/fhir+json papers it names several studies
text/plain papers several studies, and nothing says which
x-application/hl7-v2+er7 study/1 it names the study' \
    "$(jq -r '.files[] | select(.tied) | "\(.media) \(.item) \(.tied)"' t1/unpack | LC_ALL=C sort)"

# --- an entry of a worklist is a document of the study that it names -----------------------------
# entry FILE UID [LINE [OPTION]]: with a meta header, or by -F without one
entry() {
	{
		printf '(0008,0005) CS [ISO_IR 100]\n(0008,0050) SH [A1]\n(0010,0010) PN [Muster^Max]\n%s\n' "${3-}"
		printf '%s(0040,0100) SQ\n(fffe,e000) -\n(0008,0060) CS [MR]\n(fffe,e00d) -\n(fffe,e0dd) -\n' \
		    "${2:+(0020,000d) UI [$2]
}"
	} >dump
	dump2dcm -q ${4-} dump "$1"
}
mwl='(0008,0016) UI [1.2.840.10008.5.1.4.31]
(0008,0018) UI [1.2.3.4.9]'
mkdir w && cp -r plain/* w/
entry w/meta.wl "$two"
entry w/bare.wl "$one" '' '-F +te'
entry w/implicit.wl '' '' '-F +ti'
entry w/class.wl 1.2.3.4.5.77 "$mwl"
status 'entries of a worklist' 0 "$unpack" -o w1 w
is 'are documents, each of its study' 'bare.wl application/x-dicom-worklist study/1 it names the study
class.wl application/x-dicom-worklist papers the study that it belongs to did not come
implicit.wl application/x-dicom-worklist papers several studies, and nothing says which
meta.wl application/x-dicom-worklist study/2 it names the study' \
    "$(jq -r '.files[] | select(.tied) | "\(.name) \(.media) \(.item) \(.tied)"' w1/unpack | LC_ALL=C sort)"
is 'and no objects' '3 3' "$(jq -r .objects w1/1/manifest w1/2/manifest | grep -v null | paste -sd' ')"
"$check" -v w >out 2>err || :
has 'mri-check takes them for none' '4 files are no DICOM objects' err
is 'and finds two studies' 2 "$(grep -c '(study . of 2)' out)"
mkdir w2 && "$MRI_TOOL/mkstudy" --out w2 --slices 1 --series 1 >/dev/null
entry w2/other.wl 1.2.3.4.5.77
entry w2/none.wl ''
entry w2/bad.wl 'ABC'
"$unpack" -o w3 w2 >/dev/null
is 'one that names another study is not of the only one' 'bad.wl papers the study that it belongs to did not come
none.wl study/1 the only study of the import
other.wl papers the study that it belongs to did not come' \
    "$(jq -r '.files[] | select(.tied) | "\(.name) \(.item) \(.tied)"' w3/unpack | LC_ALL=C sort)"
"$MRI_BIN/mri-send" -d folder:w2cd w2 >/dev/null 2>&1
is 'none is sent as an object' 1 "$(find w2cd -type f ! -name DICOMDIR | wc -l)"
mkdir w4 && entry w4/ct.wl "$one" '(0008,0016) UI [1.2.840.10008.5.1.4.1.1.4]'
status 'an image without UID is none' 65 "$unpack" -o w5 w4
has 'it is broken' 'a DICOM file without SOP Class UID or SOP Instance UID' err

# --- the portal itself says that something is missing -----------------------------------------
mkdir e && cp -r plain/* e/ && printf 'study 2: not retrieved' >e/ERROR.txt
status 'an ERROR.txt makes it partial: 65' 65 "$unpack" -o e1 e
has 'says so' 'its ERROR.txt says that the portal could not give everything' err
is 'it is kept' 1 "$(find e1 -path '*document*' -type f | wc -l)"
"$check" e1 >out 2>err || :
has 'a finding' 'complete     finding  error  .*the portal put an ERROR.txt into it: something is missing' out
done_testing
