# mri-unpack and what media bring: encrypted archives, other containers, names, archives inside, folders that cannot be read.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG CREDENTIALS_DIRECTORY 2>/dev/null || :
mkdir home
unpack=$MRI_BIN/mri-unpack
"$MRI_TOOL/mkstudy" --out d --slices 3 >/dev/null
all() { find "$1" -type f -exec sha256sum {} + | cut -d' ' -f1 | sort | sha256sum; }
want=$(all d)
counts() { jq -r 'select(.type=="summary").counts | "\(.files) \(.objects) \(.documents) \(.set_aside)"' out; }

# --- encrypted archives --------------------------------------------------------------
umask 077
echo geheim >right && echo Geheim >wrong && : >none
umask 022
(cd d && zip -qrD -P geheim ../crypto.zip . && 7z a -bd -tzip -mem=AES256 -pgeheim ../aes.zip . >/dev/null)
cp crypto.zip mixed.zip && echo hello >note.txt && zip -q mixed.zip note.txt
for z in crypto aes; do
	status "$z: without a password: 77" 77 "$unpack" -o "no-$z" "$z.zip"
	has "$z: says so" 'members encrypted, and no password was given' err
	has "$z: and what to do" ': --password-file F opens it' err
	status "$z: the wrong one: 77" 77 "$unpack" --password-file wrong -o "wrong-$z" "$z.zip"
	has "$z: says so" 'the password does not open it' err
	is "$z: one message" 2 "$(wc -l <err)"
	is "$z: nothing is taken" '' "$(ls "wrong-$z" | grep -vE '^(lock|unpack)$' || :)"
	status "$z: the right one" 0 "$unpack" --password-file right -o "o-$z" "$z.zip"
	is "$z: the bytes" "$want" "$(all "o-$z/1/original")"
done
status 'an empty password file: what is not encrypted' 65 "$unpack" --json --password-file none -o om mixed.zip
is 'is taken' '4 0 1 3' "$(counts)"
has 'the rest is named' 'encrypted \(ZipCrypto\)' err
chmod 644 right
status 'a password that others may read: 77' 77 "$unpack" --password-file right -o ox aes.zip
has 'advice' 'chmod 600' err
chmod 600 right
status 'a password file that is not there: 66' 66 "$unpack" --password-file nothing -o ox aes.zip
"$MRI_BIN/mri-spool" init --organisation Test sp >/dev/null 2>&1
export MRI_SPOOL="$TMPDIR/sp"
i=$("$MRI_BIN/mri-fetch" --basis treatment --reference T-1 aes.zip 2>/dev/null)
status 'in a spool, without: 77' 77 "$unpack" "$i"
status 'in a spool, the wrong one: 77' 77 "$unpack" --password-file wrong "$i"
ok 'nothing is decided yet' test ! -e "$i/unpack"
status 'in a spool, the right one' 0 "$unpack" --password-file right "$i"
is 'its item' "$i/study/1" "$(cat out)"
ok 'the spool has no password' sh -c '! grep -rqa geheim sp'
unset MRI_SPOOL
# --- tar and ISO 9660 ----------------------------------------------------------------
ln -s /etc/passwd d/link
bsdtar --format ustar -cf plain.tar -C d .
bsdtar --format pax -czf gz.tar -C d .
bsdtar --format iso9660 -cf image -C d .
rm d/link
for z in plain.tar gz.tar image; do
	status "$z: the link is set aside" 65 "$unpack" --json -o "o-$z" "$z"
	has "$z: by name" 'a symbolic link' err
	is "$z: the bytes" "$want" "$(all "o-$z/1/original")"
	is "$z: nothing but numbers" '' "$(find "o-$z" -type f | grep -vE '/(lock|manifest|unpack|original/[0-9]+)$' || :)"
done
head -c 5000 gz.tar >cut.tar
status 'cut off: 65' 65 "$unpack" -o o-cut cut.tar
has 'says so' 'cut off' err
is 'nothing is taken' '' "$(ls o-cut | grep -vE '^(lock|unpack)$' || :)"
"$MRI_TOOL/mkstudy" --out large --slices 1 --rows 512 --cols 512 --frames 66 >/dev/null
tar -C large -cf large.tar .
status 'a member larger than memory is meant for' 0 "$unpack" -o o-large large.tar
is 'its bytes' "$(all large)" "$(all o-large/1/original)"
export MRI_SPOOL="$TMPDIR/sp"
i=$("$MRI_BIN/mri-fetch" --basis treatment --reference T-1 gz.tar 2>/dev/null)
status 'in a spool' 65 "$unpack" "$i"
is 'its item' "$i/study/1" "$(cat out)"
unset MRI_SPOOL

# --- names ------------------------------------------------------------------------------
mkdir n && echo hello >n/x
# named TEXT WANT ARCHIVE [OPTION ...]: the one name in the record
named() {
	text=$1 name=$2 from=$3; shift 3
	rm -rf o-n
	status "$text" 0 "$unpack" "$@" -o o-n "$from"
	is "$text: the name" "$name" "$(jq -r '.files[].name' o-n/unpack)"
}
for p in 'cp437 Müller' 'cp850 Høst' 'cp866 Иванов' 'cp932 表ソ'; do
	(LC_ALL=C.UTF-8 && mv n/* "n/${p#* }" &&
		bsdtar --format zip --options "hdrcharset=${p% *}" -C n -cf "${p% *}.zip" "${p#* }")
	named "names in ${p% *}" "${p#* }" "${p% *}.zip" --names "${p% *}"
done
named 'cp437 is the default' Müller cp437.zip
(LC_ALL=C.UTF-8 && cd n && zip -q ../n.zip ./*)
named 'UTF-8 says so itself' 表ソ n.zip --names cp866
mv n/* n/x && tar -C n --transform "s/x/$(printf '\210\242')/" -cf n.tar x
named 'tar: bytes' '\x88\xa2' n.tar
named 'tar: by code page' Ив n.tar --names CP866
status 'no such code page: 64' 64 "$unpack" --names cp1252 -o ox n.zip
has 'those that are' 'cp437, cp850, cp866, cp932, utf-8' err

# --- a file through gzip ----------------------------------------------------------------
mkdir gz && n=0
for f in $(find d -name 'IM*' | sort); do
	n=$((n + 1)) && gzip -nc "$f" >gz/IM$n.gz
done
printf '%%PDF-1.4 a report\n' >report.pdf && gzip -k report.pdf && mv report.pdf.gz gz
status 'files through gzip, in a folder' 0 "$unpack" --json -o o-gz gz
is 'their bytes' "$want" "$(all o-gz/1/original)"
is 'the document among them' "$(sha256sum <report.pdf)" "$(sha256sum <o-gz/1/document/001)"
is 'each in an archive of its own, by the name that it says' 'IM1.gz IM2.gz IM3.gz report.pdf.gz!/report.pdf' \
	"$(jq -r '.files[] | select(.fate | IN("object", "document")).name' o-gz/unpack | sort | tr '\n' ' ' | sed 's/ $//')"
status 'one by itself' 0 "$unpack" -o o-gz1 gz/IM1.gz
ok 'its bytes' cmp -s o-gz1/1/original/00001 "$(find d -name 'IM*' | sort | head -n 1)"
cp gz/IM1.gz gz/bad.gz && echo trash >>gz/bad.gz
status 'other bytes behind one: 65' 65 "$unpack" -o o-gz2 gz/bad.gz
has 'says so' 'gzip file refused: other bytes follow its end' err
(cd gz && zip -q ../gz.zip IM2.gz bad.gz)
status 'in an archive: 65' 65 "$unpack" -o o-gz3 gz.zip
has 'the bad one' 'an archive inside \(gzip file\): gzip file refused: other bytes follow' err
is 'the good one' 1 "$(ls o-gz3/1/original | wc -l)"
export MRI_SPOOL="$TMPDIR/sp"
i=$("$MRI_BIN/mri-fetch" --basis treatment --reference T-1 gz/IM1.gz 2>/dev/null)
status 'in a spool' 0 "$unpack" "$i"
is 'its item' "$i/study/1" "$(cat out)"
unset MRI_SPOOL

# --- archives inside -------------------------------------------------------------------
mkdir in0 in1 in2 && cp plain.tar in0/b.tar && (cd in0 && zip -q ../in1/a.zip b.tar) && cp in1/a.zip note.txt in2
bsdtar --format iso9660 -cf in1.iso -C in1 .
tar -czf in2.tar.gz -C in2 .
for z in in1.iso in2.tar.gz; do
	status "$z: an archive in an archive in it" 65 "$unpack" --json -o "o-$z" "$z"
	is "$z: the bytes" "$want" "$(all "o-$z/1/original")"
	is "$z: names of all" 3 "$(jq -r '.files[].name' "o-$z/unpack" | grep -c 'a\.zip!/b\.tar!/.*DICOM/.*IM')"
	is "$z: what is not taken is the link" 'a symbolic link' \
		"$(jq -r '.files[] | select(.data).reason' "o-$z/unpack")"
done
(cd in1 && zip -q ../in3.zip a.zip) && zip -q in4.zip in3.zip
status 'one deeper' 65 "$unpack" -o o-in4 in4.zip
has 'is not opened' 'an archive \(tar archive\) inside 2 others: it is not opened' err
head -c 400 in1/a.zip >half.zip && zip -q bad.zip half.zip note.txt
status 'one that is broken' 65 "$unpack" -o o-bad bad.zip
has 'says why' 'an archive inside \(ZIP archive\): ZIP archive refused: no end record' err
mkdir disc && cp in1/a.zip disc
status 'on a disc' 65 "$unpack" --json -o o-disc disc
is 'its bytes' "$want" "$(all o-disc/1/original)"
zip -q locked.zip aes.zip note.txt
status 'an encrypted one: 77' 77 "$unpack" -o o-l1 locked.zip
status 'with the password' 0 "$unpack" --password-file right -o o-l2 locked.zip
is 'its bytes' "$want" "$(all o-l2/1/original)"
status 'a dry run reads it too' 0 "$unpack" -n --password-file right locked.zip
has 'and says what it would be' '3 objects, 1 document' out
export MRI_SPOOL="$TMPDIR/sp"
i=$("$MRI_BIN/mri-fetch" --basis treatment --reference T-1 in2.tar.gz 2>/dev/null)
status 'in a spool' 65 "$unpack" "$i"
is 'no leftovers' '' "$(find "$i" -name '.staging*' -o -name '.spill*')"
ok 'nothing in clear' sh -c '! grep -rqa "Test^Patient" "$1"' x "$i"
unset MRI_SPOOL

# --- a disc ----------------------------------------------------------------------------
mkdir -p cd/VIEWER && cp -r d/DICOM cd && printf '[autorun]\nopen=VIEWER/v.exe\n' >cd/AUTORUN.INF
printf 'MZ\220\0' >cd/VIEWER/v.exe && printf '\177ELF' >cd/VIEWER/v && printf '<html>' >cd/VIEWER/help.html
status 'programs and autorun are no data' 0 "$unpack" --json -o o-cd cd
is 'they are listed' '7 3 0 4' "$(counts)"
ok 'and nowhere else' sh -c '! grep -rqa -e autorun -e ELF -e MZ o-cd/1/original o-cd/1/document'
bad=$(find cd -name 'IM*2')
ASAN_OPTIONS=detect_leaks=0	# what looks for leaks is a tracer itself
export ASAN_OPTIONS
for when in 1 2; do
	status "a scratch, read $when: 65" 65 strace -f -qq -o strace.out -P "$bad" -e trace=pread64 \
		-e inject="pread64:error=EIO:when=$when" "$unpack" --json -j 1 -o "o-bad$when" cd
	is "read $when: that file is set aside, the others are there" '7 2 0 5' "$(counts)"
	has "read $when: with the reason" 'Input/output error' err
done
status 'a folder that cannot be listed: 65' 65 strace -qq -o strace.out -P "$(dirname "$bad")" -e trace=getdents64 \
	-e inject=getdents64:error=EIO:when=1 "$unpack" --json -o o-list cd
has 'stands for what is in it' 'a folder that cannot be listed' err
done_testing
