# Third-party objects in the character sets of PS3.3 C.12.1.1.2: a name that none of them has makes mri-retag convert
# all of it to ISO_IR 192. pydicom reads the original by the sets that it declares; what comes out is compared as UTF-8,
# text by text, nested ones too. What no rule names is the original's, byte by byte where nothing was to convert.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
PATH=$MRI_BIN:$MRI_TOOL:$PATH
export HOME="$TMPDIR" LC_ALL=C.UTF-8
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
: "${CORPUS:?}"
# no set but UTF-8 has Polish and Thai
echo '{"v":1,"patient":{"id":"4711","issuer":"HOSP","name":"Łukasz^กา","birth_date":"1970-01-01","sex":"M"}}' >order.json

# retag NAME OPTION...: in folder NAME
retag() {
	_n=$1; shift
	mkdir -p "$_n/in"
	cp "$CORPUS/dicom/charsets-pydicom/${_n%-*}.dcm" "$_n/in/object.dcm"
	mri-retag --json --order order.json "$@" -o "$_n/out" "$_n/in" >"$_n/receipt" 2>err || sed 's/^/# /' err
	is "$_n: retag" ok "$(jq -r 'select(.type == "receipt").status' "$_n/receipt")"
	ok "$_n: dcmdump" sh -c 'dcmdump -q "$1" >dump' - "$_n/out/1/00001.dcm"
}

cat >want <<'TABLE'
chrArab	قباني^لنزار
chrFren	Buc^Jérôme
chrFrenMulti	Buc^Jérôme Buc^Jérôme\Buc^Jérôme
chrGerm	Äneas^Rüdiger
chrGreek	Διονυσιος
chrH31	Yamada^Tarou=山田^太郎=やまだ^たろう
chrH32	ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう
chrHbrw	שרון^דבורה
chrI2	Hong^Gildong=洪^吉洞=홍^길동
chrJapMulti	たろう やまだ^たろう やまだ^たろう\やまだ^たろう
chrJapMultiExplicitIR6	たろう やまだ^たろう やまだ^たろう\やまだ^たろう
chrKoreanMulti	김희중 김희중\김희중
chrRuss	Люкceмбypг
chrSQEncoding	ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう
chrSQEncoding1	ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう
chrX1	Wang^XiaoDong=王^小東
chrX2	Wang^XiaoDong=王^小东
TABLE
for name in $(cut -f 1 want); do
	case $name in
	# UTF-8 on top holds the new name: what items have stays, but where an operator asks for it
	chrSQEncoding) retag "$name" --set 'SpecificCharacterSet=ISO_IR 192' ;;
	*) retag "$name" ;;
	esac
done
# shellcheck disable=SC2046
ok 'as pydicom reads them, and nothing else changed' sh -c '/usr/bin/python3 "$@" >got' - "$SRC/tests/tool/charsetdiff.py" $(cut -f 1 want)
ok 'the texts' cmp want got
diff want got || :
is 'all that are there' "$(find "$CORPUS/dicom/charsets-pydicom" -name '*.dcm' | wc -l)" "$(wc -l <want)"
retag chrSQEncoding-stays
ok 'a set of an item that nothing asks for stays, byte by byte' /usr/bin/python3 "$SRC/tests/tool/retagdiff.py" \
    chrSQEncoding-stays/in/object.dcm chrSQEncoding-stays/out/1/00001.dcm
done_testing
