# mri-unpack: in a spool and without one, every file accounted for, resumed after a kill.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG CREDENTIALS_DIRECTORY 2>/dev/null || :
mkdir home
unpack=$MRI_BIN/mri-unpack
mkstudy=$MRI_TOOL/mkstudy

# --- without a spool -------------------------------------------------------------
"$mkstudy" --zip a.zip --slices 6 --series 2 --pdf report.pdf >/dev/null
status 'a study with a report' 0 "$unpack" -o o1 a.zip
is 'its receipt is its folder' "$TMPDIR/o1/1" "$(cat out)"
is 'nothing is said' '' "$(cat err)"
is 'objects' 12 "$(ls o1/1/original | wc -l)"
is 'the report belongs to the only study' 1 "$(ls o1/1/document | wc -l)"
is 'manifest: a line each, and the header' 14 "$(wc -l <o1/1/manifest)"
mkdir x && (cd x && python3 -m zipfile -e ../a.zip .)
find x -name 'IM*' | sort | xargs cat | sha256sum >want
find o1/1/original -type f | sort | xargs cat | sha256sum >got
ok 'the bytes are those of the archive, in its order' cmp -s want got
jq -r 'select(.type=="object").sha256' o1/1/manifest | sort >sums
find o1/1/original -type f -exec sha256sum {} + | cut -d' ' -f1 | sort >sums2
ok 'the hashes of the manifest are those of the files' cmp -s sums sums2
ok 'staging is gone' test -z "$(find o1 -name '.staging*')"
status 'an output folder that is not empty: 73' 73 "$unpack" -o o1 a.zip
has 'says so' 'not empty' err
status 'no -o and no spool: 64' 64 "$unpack" a.zip
has 'advice' 'give -o DIR' err
status '-n prints what would be' 0 "$unpack" -n a.zip
is 'one line' 'study/1: 12 objects, 1 document, '"$(find x -type f | xargs cat | wc -c)"' bytes' "$(cat out)"
status 'absent: 66' 66 "$unpack" -o o2 nothing.zip
rm -rf o2
status 'a list on stdin' 0 sh -c 'echo a.zip | "$1" -o o2 --json' x "$unpack"
is 'sum of the summary' '13 12 1 0 0' "$(jq -r 'select(.type=="summary").counts | "\(.files) \(.objects) \(.documents) \(.duplicates) \(.set_aside)"' out)"
status 'an empty list: 0' 0 "$unpack" -o o3
status 'a folder' 0 "$unpack" -o o4 x
ok 'the same objects as from the archive' sh -c 'cat o1/1/original/* | sha256sum >1; cat o4/1/original/* | sha256sum >2; cmp -s 1 2'
ln -s /etc/passwd x/link
mkfifo x/pipe
status 'a folder with a link and a pipe: 65' 65 "$unpack" -o o5 x
is 'the objects are there all the same' 12 "$(ls o5/1/original | wc -l)"
has 'the link is named as one' 'symbolic link' err
is 'the manifest says partial' true "$(head -1 o5/1/manifest | jq .partial)"
rm x/link x/pipe

# several studies: documents go to papers; the order of the archive numbers them
"$mkstudy" --zip three.zip --studies 3 --slices 2 --pdf letter.pdf --print >list
status 'three studies and a letter' 0 "$unpack" -o o6 three.zip
is 'receipts' "$(printf '%s\n' "$TMPDIR/o6/1" "$TMPDIR/o6/2" "$TMPDIR/o6/3" "$TMPDIR/o6/papers")" "$(cat out)"
is 'study UIDs as they were made' "$(cut -f1 list)" "$(for i in 1 2 3; do head -1 o6/$i/manifest | jq -r .study_uid; done)"
ok 'papers has no objects' test ! -e o6/papers/original
"$mkstudy" --pdf-only only.pdf
status 'a PDF by itself' 0 "$unpack" -o o7 only.pdf
is 'is papers' "$TMPDIR/o7/papers" "$(cat out)"
ok 'bytes' cmp -s only.pdf o7/papers/document/001
f=$(find x -name IM00001 | head -1)
status 'a DICOM file by itself' 0 "$unpack" -o o8 "$f"
ok 'bytes' cmp -s "$f" o8/1/original/00001

# duplicates are counted, conflicts are not data that may be lost in silence
"$mkstudy" --zip dup.zip --slices 4 --duplicate 2
status 'an object twice' 0 "$unpack" -o o9 --json dup.zip
is 'is counted' '5 4 1' "$(jq -r 'select(.type=="summary").counts | "\(.files) \(.objects) \(.duplicates)"' out)"
"$mkstudy" --zip conflict.zip --slices 4 --conflict 2
status 'another object with the same UID: 65' 65 "$unpack" -o o10 --json conflict.zip
is 'the first one counts' '5 4 1' "$(jq -r 'select(.type=="summary").counts | "\(.files) \(.objects) \(.set_aside)"' out)"
is 'the item is partial' partial "$(jq -r 'select(.type=="receipt").status' out)"
has 'the reason' 'another object of this import has its SOP Instance UID' err
hasnt 'no UID is said' '2\.25\.' err

# what is no data: recorded, but nothing is missing
"$mkstudy" --zip junk.zip --slices 2 --junk
status 'a medium with a viewer' 0 "$unpack" -o o11 --json junk.zip
ok 'its files are set aside' test "$(jq -r 'select(.type=="summary").counts.set_aside' out)" -ge 3
is 'the item is whole' false "$(head -1 o11/1/manifest | jq .partial)"
mkdir -p cd/VIEWER/res && cp -r x/DICOM cd/ && printf 'MZ\220\0' >cd/VIEWER/run.exe && printf '<?xml version="1.0"?><a/>' >cd/VIEWER/res/c.xml
printf 'hello' >cd/README.TXT && printf 'a letter' >cd/letter.txt && printf '\0\1\2' >cd/what
(cd cd && python3 -m zipfile -c ../cd.zip .)
status 'something unknown beside it: 65' 65 "$unpack" -v -o o12 cd.zip
has 'named by its number' 'member [0-9]+: neither DICOM nor a document' err
is 'one file was data' 1 "$(head -1 o12/1/manifest | jq .set_aside)"
is 'the letter is a document' 'text/plain' "$(jq -r 'select(.type=="document").media' o12/1/manifest)"
# a name tells nothing: content does
mkdir -p named && cp x/DICOM/ST0001/SE0001/IM00001 named/Thumbs.db && printf 'The liver is enlarged.' >named/desktop.ini
printf '\377\330\377\340\0\020JFIF' >named/.DS_Store && printf '[autorun]\nopen=x.exe\n' >named/letter.txt
printf 'The spleen is not.' >named/README && printf '\0\1\2' >named/._a && : >named/LOCKFILE
status 'names of an operating system: 65 for what is none' 65 "$unpack" -o on named
is 'each by its content' '.DS_Store document
._a set_aside true neither DICOM nor a document that is known
LOCKFILE set_aside true an empty file
README document
Thumbs.db object
desktop.ini document
letter.txt set_aside false what starts by itself (autorun.inf)' "$(jq -r '.files[] | [.name, .fate, .data, .reason] |
    map(select(. != null)) | join(" ")' on/unpack | LC_ALL=C sort)"
# on a medium some are the medium's own; that is a guess, and the package stays
mkdir -p disc/V && cp x/DICOM/ST0001/SE0001/IM00001 disc/I && printf 'MZ\220\0' >disc/V/v.exe && : >disc/LOCKFILE
printf 'made by X' >disc/README.TXT && printf 'for 1.2.3.4.5.6' >disc/LICENSE && printf '%%PDF-1.4 x' >disc/readme.pdf
(cd disc && python3 -m zipfile -c ../disc.zip .)
status 'notes of a medium' 0 "$unpack" -o od disc.zip
is 'are guessed' 'LOCKFILE by its name,README.TXT by its name' "$(jq -r '[.files[] | select(.fate == "set_aside" and
    (.reason | test("by its name"))) | "\(.name) \(.reason | capture("(?<w>by its name)").w)"] | sort | join(",")' od/unpack)"
is 'what names a UID, and a PDF, are none' 2 "$(ls od/1/document | wc -l)"
# a program beside damaged files makes them no part of it
mkdir -p disk/IMG && cp x/DICOM/ST0001/SE0001/* disk/IMG/ && printf 'MZ\220\0' >disk/IMG/viewer.exe
printf '<html></html>' >disk/IMG/help.html
(cd disk && python3 -m zipfile -c ../beside.zip .)
status 'a viewer beside the images' 0 "$unpack" -o ob1 beside.zip
is 'its page is no document' 0 "$(ls ob1/1/document | wc -l)"
: >disk/IMG/IM00001 && head -c 100 x/DICOM/ST0001/SE0001/IM00002 >disk/IMG/IM00002
(cd disk && python3 -m zipfile -c ../beside.zip .)
status 'an empty and a cut image beside a viewer: 65' 65 "$unpack" -o ob2 beside.zip
is 'both count as data' 'true 2' "$(head -1 ob2/1/manifest | jq -r '"\(.partial) \(.set_aside)"')"

# a second package that repeats a study, and lost something; or contradicts it
python3 - <<'P'
import zipfile
d = open('x/DICOM/ST0001/SE0001/IM00001', 'rb').read()
with zipfile.ZipFile('rest.zip', 'w') as z:
    z.writestr('IM00001', d)
    z.writestr('IM00099', d[:100])
P
"$mkstudy" --zip whole.zip --slices 4
"$mkstudy" --out other --slices 4 --studies 2 --conflict 2
(cd other && find . -name "*B" -o -path "*ST0002*" -type f | xargs python3 -m zipfile -c ../rival.zip)
status 'a partial package of duplicates: 65' 65 "$unpack" -o op1 a.zip rest.zip
is 'its study is partial' true "$(head -1 op1/1/manifest | jq .partial)"
status 'another object in another package: 65' 65 "$unpack" -o op2 whole.zip rival.zip
is 'the study of the first one is partial' true "$(head -1 op2/1/manifest | jq .partial)"
python3 - <<'P'
import zipfile
with zipfile.ZipFile('nested.zip', 'w') as z: z.write('a.zip')
with zipfile.ZipFile('deeper.zip', 'w') as z: z.write('nested.zip')
with zipfile.ZipFile('deepest.zip', 'w') as z: z.write('deeper.zip')
P
status 'an archive in the archive' 0 "$unpack" -o o13 nested.zip
is 'is opened' 12 "$(ls o13/1/original | wc -l)"
status 'an archive in an archive in the archive' 0 "$unpack" -o o13b deeper.zip
is 'is opened too' 12 "$(ls o13b/1/original | wc -l)"
status 'and one that is in that one: 65' 65 "$unpack" -o o13c deepest.zip
has 'is set aside, and said to be' 'an archive \(ZIP archive\) inside 2 others: it is not opened' err

# names are labels
python3 - <<'P'
import zipfile
d = open('x/DICOM/ST0001/SE0001/IM00001', 'rb').read()
with zipfile.ZipFile('names.zip', 'w') as z:
    z.writestr('../../../../tmp/evil', d)
    z.writestr('/etc/evil', b'%PDF-1.4 x')
    z.writestr('a\x1b[31m\u202eb.pdf', b'%PDF-1.4 y')
P
status 'names that climb' 0 "$unpack" -o o14 names.zip
is 'nothing but numbers' '1/document/001 1/document/002 1/lock 1/manifest 1/original/00001 unpack' "$(cd o14 && find . -type f | sed 's,^\./,,' | sort | tr '\n' ' ' | sed 's/ $//')"
ok 'no control characters in the manifest' sh -c '! grep -q "$(printf "\033")" o14/1/manifest'

# a truncated archive: nothing counts as whole
head -c "$(($(wc -c <a.zip) - 40))" a.zip >cut.zip
status 'truncated: 65' 65 "$unpack" -o o15 --json cut.zip
ok 'no item' test -z "$(find o15 -name manifest)"
is 'the file is accounted for' '1 1' "$(jq -r 'select(.type=="summary").counts | "\(.files) \(.set_aside)"' out)"
is 'a receipt perm' perm "$(jq -r 'select(.type=="receipt").status' out)"
# one damaged member: that one is set aside
python3 - <<'P'
b = bytearray(open('a.zip', 'rb').read())
at = b.find(b'PK\3\4', 100)
n = 30 + b[at + 26] + b[at + 28]
b[at + n + 40] ^= 1
open('crc.zip', 'wb').write(b)
P
status 'a damaged member: 65' 65 "$unpack" -o o16 crc.zip
is 'the others are there' 11 "$(ls o16/1/original | wc -l)"
has 'damaged' 'damaged' err
for ts in implicit big deflated rle; do
	"$mkstudy" --zip ts.zip --slices 2 --ts $ts --rows 16 --cols 16
	status "transfer syntax $ts" 0 "$unpack" -o "o-$ts" ts.zip
	is "$ts: objects" 2 "$(ls "o-$ts/1/original" | wc -l)"
done
# more than fits in memory goes through as a stream
"$mkstudy" --zip large.zip --slices 1 --frames 140 --rows 512 --cols 256 --descriptors --zip64
status 'a large object' 0 "$unpack" -o o17 large.zip
ok 'its bytes' sh -c 'python3 -c "import zipfile; z=zipfile.ZipFile(\"large.zip\"); print(z.namelist()[0])" >n; python3 -c "import zipfile,sys; z=zipfile.ZipFile(\"large.zip\"); sys.stdout.buffer.write(z.read(z.namelist()[0]))" | cmp -s - o17/1/original/00001'
is 'and its facts' "$(wc -c <o17/1/original/00001)" "$(jq -r 'select(.type=="object").bytes' o17/1/manifest)"
for j in 1 2 5; do "$unpack" -j $j -o "oj$j" three.zip >/dev/null; done
ok 'the number of workers changes nothing' sh -c 'cat oj1/*/manifest >1; cat oj2/*/manifest >2; cat oj5/*/manifest >5; cmp -s 1 2 && cmp -s 1 5'

# --- in a spool --------------------------------------------------------------------
"$MRI_BIN/mri-spool" init --organisation Test sp >/dev/null 2>&1
export MRI_SPOOL="$TMPDIR/sp"
fetch() { "$MRI_BIN/mri-fetch" --basis treatment --reference T-1 "$@" 2>/dev/null; }
i=$(fetch a.zip)
status 'an import' 0 "$unpack" "$i"
is 'its item' "$i/study/1" "$(cat out)"
ok 'the package is gone' test -z "$(ls "$i/package")"
ok 'sealed: no name in clear' sh -c '! grep -rqa "Test^Patient" "$1"' x "$i"
is 'object' age-encryption.org/v1 "$(head -1 "$i/study/1/original/00001")"
status 'again' 0 "$unpack" --json "$i"
is 'says so' 'true ok 12' "$(jq -r 'select(.type=="receipt") | "\(.again) \(.status) \(.instances)"' out)"
is 'history has one line for each' 2 "$(grep -c '"stage":"unpack"' "$i/history")"
status 'fsck finds nothing' 0 "$MRI_BIN/mri-spool" fsck --deep
"$MRI_BIN/mri-show" --cat "$i/study/1/original/00001" >o 2>/dev/null || :
ok 'the object comes back' cmp -s o "$f"
# one that waits (for the audit log, here) while another comes to its end does not begin anew
mv "$i/unpack" saved && sha256sum <saved >before
flock -o sp/audit/log sh -c '"$1" --json "$2" >out2 2>err2 & p=$!
	until ls -l /proc/$p/fd | grep -q audit/log; do :; done
	mv saved "$2/unpack"; echo $p >pid' x "$unpack" "$i"
while kill -0 "$(cat pid)" 2>/dev/null; do :; done
ok 'a second run beside the first keeps what it wrote' sh -c 'sha256sum <"$1/unpack" | cmp -s - before' x "$i"
is 'and says the same again' 'true ok 12' "$(jq -r 'select(.type=="receipt") | "\(.again) \(.status) \(.instances)"' out2)"
status 'an item is no import: 64' 64 "$unpack" "$i/study/1"

i=$(fetch disc.zip)
status 'a guess beside the images' 0 "$unpack" "$i"
ok 'the package stays' test -e "$i/package/001"
status 'again' 0 "$unpack" "$i"
ok 'it stays again' test -e "$i/package/001"
i=$(fetch junk.zip)
status 'what content tells' 0 "$unpack" "$i"
ok 'holds no package' test -z "$(ls "$i/package")"

i=$(fetch conflict.zip)
status 'a partial import: 65' 65 "$unpack" "$i"
is 'its item all the same' "$i/study/1" "$(cat out)"
ok 'the package stays' test -e "$i/package/001"
status 'again: 65' 65 "$unpack" --json "$i"
is 'partial again' 'true partial' "$(jq -r 'select(.type=="receipt") | "\(.again) \(.status)"' out)"

head -c 3000 a.zip >half.zip
cp half.zip half2.zip
i=$(fetch half2.zip) || :
status 'a broken package: 65' 65 "$unpack" "$i"
is 'no receipt' '' "$(cat out)"
ok 'no item' test ! -e "$i/study/1"
ok 'the package stays' test -e "$i/package/001"
is 'the state says so' failed "$("$MRI_BIN/mri-show" --json "$i" 2>/dev/null | jq -r 'select(.state).state' | head -1)"
status 'again: 65' 65 "$unpack" "$i"

# a byte that changed on the disk: a sealed package tells by its seal, a plain one by its hash
flip() { chmod u+w "$1/package/001"; printf x | dd of="$1/package/001" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
printf '%%PDF-1.4 a letter' >letter.pdf
i=$(fetch letter.pdf)
flip "$i" "$(($(stat -c %s "$i/package/001") - 20))"
status 'sealed: 65' 65 "$unpack" "$i"
ok 'nothing is taken from it' test ! -e "$i/papers"
"$MRI_BIN/mri-purge" --now "${i##*/}" >/dev/null	# or fsck finds it, below
export MRI_SPOOL="$TMPDIR/plain" MRI_CONFIG="$TMPDIR/plain.conf"
printf '[spool]\norganisation = Test\nencrypt = no\n' >plain.conf
"$MRI_BIN/mri-spool" init >/dev/null 2>&1
i=$(fetch letter.pdf)
flip "$i" 12
status 'plain: 65' 65 "$unpack" "$i"
has 'and says so' 'not what was fetched: the SHA-256 differs' err
unset MRI_CONFIG
export MRI_SPOOL="$TMPDIR/sp"

# whose it is, in a set with code extensions (PS3.5 H.3), and where the set is not known
# object SET NAME: one with that name, and a number in ASCII
object() {
	printf '(0008,0005) CS [%s]\n(0008,0016) UI [1.2.840.10008.5.1.4.1.1.7]\n(0008,0018) UI [1.2.3.4]\n' "$1"
	printf '(0010,0010) PN [%s]\n(0010,0020) LO [12345678]\n(0020,000d) UI [1.2.3]\n(0020,000e) UI [1.2.3.1]\n' "$2"
}
object '\ISO 2022 IR 87' "$(printf 'Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B')" >dump
dump2dcm -q dump kanji.dcm
"$unpack" -o kanji kanji.dcm >/dev/null 2>err
is 'kanji' 'Yamada^Tarou=山田^太郎 12345678' "$(head -1 kanji/1/manifest | jq -r '"\(.patient.name) \(.patient.id)"')"
object 'ISO 2022 IR 999' "$(printf 'M\374ller')" >dump
dump2dcm -q dump unknown.dcm
"$unpack" -o unknown unknown.dcm >/dev/null 2>err
is 'the number all the same' ' 12345678' "$(head -1 unknown/1/manifest | jq -r '"\(.patient.name // "") \(.patient.id)"')"

# killed at any moment, the next run brings it to the end
i=$(fetch three.zip)
for t in 0.005 0.01 0.015 0.02 0.03 0.04 0.06; do
	timeout -s KILL "$t" "$unpack" "$i" >/dev/null 2>&1 || :
done
status 'after kills' 0 "$unpack" "$i"
is 'all items' 4 "$(wc -l <out)"
# one that died after its last word left its folder
mkdir "$i/.staging-1"
echo x >"$i/.staging-1/0"
status 'once more' 0 "$unpack" "$i"
is 'no leftovers' '' "$(find "$i" -name '.*' | grep -v '^\.$' || :)"
status 'fsck finds nothing' 0 "$MRI_BIN/mri-spool" fsck --deep
printf '{"v":1,"type":"receipt","in":"1","path":"%s","status":"ok"}\n{"v":1,"type":"receipt","in":"2","path":"x","status":"perm"}\n' "$i" >receipts
status 'receipts on stdin' 0 sh -c '"$1" <receipts' x "$unpack"
is 'those that failed are passed over' 4 "$(wc -l <out)"
done_testing
