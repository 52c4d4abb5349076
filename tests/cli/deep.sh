#!/bin/sh
# mri-check --deep: every frame of each transfer syntax is decoded, damage is found and stays found.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
HOME=$TMPDIR; MRI_SPOOL=$TMPDIR/spool
export HOME MRI_SPOOL
PATH=$MRI_BIN:$MRI_TOOL:$PATH
# damage FILE WHAT: an end of image, or the end of a run of RLE, in the middle of the coded data of the last frame
damage() {
	/usr/bin/python3 - "$1" "$2" <<'P'
import sys
path, what = sys.argv[1:]
b = bytearray(open(path, 'rb').read())
last = b.rindex(b'\xfe\xff\x00\xe0')
at = last + (len(b) - last) // 2
b[at:at + 2] = b'\xff\xd9'
if what == 'rest':
    b[at:-8] = bytes(len(b) - 8 - at)
open(path, 'wb').write(b)
P
}
readable() { jq -r '.rules[]|select(.rule=="readable")|"\(.verdict) \(.severity // "-") \(.reason)"' "$1"; }
deep() { mri-check -n --json --deep --order o.json "$@" >found 2>err || :; readable found; }

mri-spool init --organisation Test "$MRI_SPOOL" >/dev/null 2>&1
printf '{"v":1,"ref":"T","basis":{"kind":"consent","reference":"f"},"patient":{"id":"1","name":"Weber^Anna","birth_date":"1970-01-01","sex":"M"},"want":{"studies":"all"}}\n' >o.json

mkstudy --out plain --patient-name 'Weber^Anna' --slices 3 --frames 2 --seed 1
mkstudy --out rle --patient-name 'Weber^Anna' --slices 3 --frames 2 --seed 1 --ts rle
for d in lossless baseline jpegls; do
	mkdir $d
	for f in plain/DICOM/*/*/*; do
		case $d in
		lossless) dcmcjpeg +e1 "$f" $d/"${f##*/}" ;;
		baseline) dcmcjpeg +eb "$f" $d/"${f##*/}" ;;
		jpegls) dcmcjpls "$f" $d/"${f##*/}" ;;
		esac
	done
done
is "uncompressed" "pass - 3 images of the size they say, 0 other objects; 6 frames decoded" "$(deep plain)"
for d in rle lossless baseline jpegls; do
	is "$d decodes" "pass - 3 images of the size they say, 0 other objects; 6 frames decoded" "$(deep $d)"
done
is "the check says that it was deep" true "$(jq .deep found)"
mri-check -n --json --order o.json rle >found 2>err || :
is "or does not" null "$(jq .deep found)"
for f in rle/DICOM/*/*/* lossless/* jpegls/*; do framesum "$f" | sed 1d; done >sums
is "without loss: the same pixels" 6 "$(sort -u sums | wc -l)"

for d in rle lossless jpegls; do
	set -- $d/*; [ ! -d "$1" ] || set -- $d/DICOM/*/*/*
	damage "$2" "$([ $d = rle ] && echo rest)"
	case "$(deep $d)" in
	"finding error frames that do not decode in 1 of 3 objects (first: original/00002); original/00002: frame 2 of 2: "*) r=0 ;;
	*) r=1; deep $d ;;
	esac
	ok "$d: a damaged frame is found" [ $r -eq 0 ]
done
cp found one
deep -j 1 jpegls >/dev/null
ok "the same by one reader" [ "$(jq -cS 'del(.time)' one)" = "$(jq -cS 'del(.time)' found)" ]
mri-check -n --json --order o.json jpegls >found 2>err || :
is "not without --deep" "pass" "$(readable found | cut -d' ' -f1)"

# A syntax without a decoder here says nothing against the data
mkdir j2k
for f in lossless/*; do sed 's/1\.2\.840\.10008\.1\.2\.4\.70/1.2.840.10008.1.2.4.90/' "$f" >j2k/"${f##*/}"; done
is "no decoder: a warning" "unknown warning frames that cannot be decoded here in 3 of 3 objects (first: original/00001); original/00001: frame 1 of 2, the first of several: there is no decoder here for its transfer syntax" "$(deep j2k)"

# In a spool
(cd lossless && zip -q0 ../damaged.zip ./*)
mri-fetch --order o.json damaged.zip >import 2>/dev/null
mri-unpack <import >items 2>/dev/null
status "without --deep it passes" 0 mri-check "$(cat items)"
status "with it the item is held" 1 mri-check --deep "$(cat items)"
has "with object and frame" 'held: readable: .*original/0000[0-9]: frame 2 of 2: it does not decode' err
hasnt "and no UID" '1\.2\.826|2\.25\.' err
status "and stays so without it" 1 mri-check --json "$(cat items)"
is "the same check" true "$(jq 'select(.type=="receipt").again' out)"
status "until it is accepted" 0 mri-check --accept readable --reason 'seen' "$(cat items)"
status "which stays too" 0 mri-check "$(cat items)"
done_testing
