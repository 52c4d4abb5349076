# mri-fetch without a network: options, files, folders, what it says of links.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
cat >mri.conf <<EOF
[spool]
organisation = Test
identity = $TMPDIR/identity
EOF
export MRI_CONFIG="$TMPDIR/mri.conf"
"$MRI_BIN/mri-spool" init "$TMPDIR/spool" >/dev/null 2>&1
basis='--basis consent --reference form'

# Options are checked before anything is touched
status "nothing to do" 64 "$fetch"
status "--item 0x" 64 "$fetch" --item x a
status "--item with --study" 64 "$fetch" --item 1 --study 1.2 a
status "--study that is no UID" 64 "$fetch" --study abc a
status "a factor as a value" 64 "$fetch" --factor PASSWORD=hunter2 a
hasnt "does not show it" hunter2 err
status "a factor from a file that is absent" 66 "$fetch" --factor PASSWORD=@absent a
status "an order that is absent" 66 "$fetch" --order absent
printf '{"patinet":{}}' >bad.json
status "an order with an unknown key" 65 "$fetch" --order bad.json x
has "names it" 'patinet' err
printf '' >empty.json
status "an empty order" 65 "$fetch" --order empty.json x
printf '{"ref":"A"}' >nolink.json
status "an order without a link, and none given" 64 "$fetch" --order nolink.json
printf '{"link":"https://h/x"}' >link.json
status "an order with a link, and another one" 64 "$fetch" --order link.json https://h/y
printf '{"basis":{"kind":"consent","reference":"a"}}' >basis.json
status "--basis against the order's" 64 "$fetch" --order basis.json --basis treatment x
status "no legal basis" 77 "$fetch" -o out x
status "a basis of no kind" 78 "$fetch" -o out --basis curiosity --reference x x
status "a basis without reference" 77 "$fetch" -o out --basis consent x
status "no spool and no -o" 78 "$fetch" $basis x

# Kinds of links that are not served: nothing of them is shown
for l in 'shlink:/eyJSECRET' 'https://viewer.example/#shlink:/eyJSECRET' 'weasis://?SECRET' 'radiant://?v=SECRET' \
    'mailto:SECRET@example.org' 'ftp://SECRET.example'; do
	status "unsupported: ${l%%:*}" 76 sh -c 'printf "%s\n" "$1" | "$2" --json -o out --basis consent --reference x -' - "$l" "$fetch"
	hasnt "not shown: ${l%%:*}" SECRET out
	hasnt "not said: ${l%%:*}" SECRET err
	is "state: ${l%%:*}" unsupported "$(jq -r 'select(.type=="receipt").state' out)"
done
status "http" 77 sh -c 'echo "http://portal.example/SECRET" | "$1" -o out --basis consent --reference x -' - "$fetch"
has "says why" 'without TLS' err
hasnt "not said" SECRET err
status "a name with a password" 76 sh -c 'echo "https://u:SECRET@portal.example/" | "$1" -o out --basis consent --reference x -' - "$fetch"
hasnt "not said" SECRET err

# As arguments too, and links of orders are counted as inputs
for l in 'shlink:/eyJSECRET' 'mailto:SECRET@example.org'; do
	status "as argument: ${l%%:*}" 76 "$fetch" --json -o out $basis "$l"
	hasnt "as argument: not shown: ${l%%:*}" SECRET out
	hasnt "as argument: not said: ${l%%:*}" SECRET err
	has "as argument: warned of: ${l%%:*}" 'a link on the command line' err
done
status "what stands before a link does not make it a path" 76 "$fetch" --json -o out $basis 'the link of your examination of yesterday: https://portal.example/SECRET'
hasnt "not shown" SECRET out
hasnt "not said" SECRET err
printf '%s\n' '{"link":"shlink:/x"}' '{"link":"mailto:a@b"}' >two.json
status "two orders" 76 "$fetch" --json -o out --order two.json $basis
is "two orders: two inputs, each with its number" '1 2 2' \
	"$(jq -r 'if .type == "receipt" then .in else .inputs end' out | tr '\n' ' ' | sed 's/ $//')"

# A link among the arguments is gone from the process list
mkfifo hold
"$fetch" -o out $basis -- - https://portal.example/SECRET <hold >/dev/null 2>&1 &
pid=$!
exec 9>hold
gone() { ! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q SECRET && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q mri-fetch; }
ok "argv is wiped" wait_for 5 gone
no_child() { for c in $(cat "/proc/$pid/task/$pid/children"); do ! tr '\0' ' ' <"/proc/$c/cmdline" | grep -q SECRET || return 1; done; }
ok "in its child too" no_child
kill -TERM "$pid"
exec 9>&-
wait "$pid" || :

# Files and folders
"$MRI_TOOL/mkstudy" --zip ct.zip --slices 3 >/dev/null
status "a file" 0 "$fetch" --json -o files $basis --order nolink.json ct.zip
is "is named absolutely" "$TMPDIR/files/001.zip" "$(jq -r 'select(.type=="receipt").path' out)"
is "with the order's ref" A "$(jq -r 'select(.type=="receipt").ref' out)"
ok "is the same" cmp ct.zip files/001.zip
is "is nobody else's" 600 "$(stat -c %a files/001.zip)"
status "again: another number" 0 "$fetch" -o files $basis ct.zip
is "is 002" "$TMPDIR/files/002.zip" "$(cat out)"
status "a file that is absent" 66 "$fetch" -o files $basis absent.zip
: >nothing
status "an empty file" 65 "$fetch" -o files $basis nothing
is "leaves nothing" 2 "$(ls -A files | wc -l)"
mkdir -p cd/DICOM/sub
unzip -q ct.zip -d cd/DICOM
printf 'x' >cd/DICOM/sub/README
printf 'y' >"cd/back\\slash"
printf 'z' >"$(printf 'cd/latin\344')"
ln -s /etc/passwd cd/link
status "a folder" 0 "$fetch" -o files $basis cd
has "says what it passed over" '1 links or special files' err
is "is a ZIP" 0 "$(unzip -tqq files/003.zip >/dev/null 2>&1; echo $?)"
is "of all its files" "$(find cd -type f | wc -l)" "$(unzip -Z1 files/003.zip | wc -l)"
mkdir back && unzip -q files/003.zip -d back
ok "unchanged" diff -r cd/DICOM back/DICOM
hasnt "without what links lead to" root files/003.zip
cp files/003.zip first.zip
"$fetch" -o files $basis cd >/dev/null 2>&1
ok "the same folder gives the same package" cmp first.zip files/004.zip
mkdir none
status "an empty folder" 66 "$fetch" -o files $basis none
status "-n" 0 "$fetch" -n -o new $basis ct.zip
ok "makes nothing" test ! -e new
status "--list of a path" 64 "$fetch" --list -o new $basis ct.zip

# Into a spool
export MRI_SPOOL="$TMPDIR/spool"
status "a file into the spool" 0 "$fetch" --json $basis ct.zip
import=$(jq -r 'select(.type=="receipt").path' out)
"$MRI_BIN/mri-spool" key "${import##*/}" >key 2>/dev/null
ok "is sealed" sh -c 'age -d -i key "$1/package/001" | cmp - ct.zip' - "$import"
is "its claim" "local $(sha256sum <ct.zip | cut -d' ' -f1)" "$(age -d -i key "$import/claim/001" | jq -r '"\(.source) \(.sha256)"')"
is "its history" ok "$(jq -r 'select(.stage=="fetch").outcome' "$import/history")"
is "the audit log has its id" "${import##*/}" "$(jq -r 'select(.tool=="mri-fetch" and .event=="end").numbers.import' spool/audit/log)"
status "a file that is empty" 65 "$fetch" $basis nothing
is "leaves nothing in incoming" 0 "$(ls spool/incoming | wc -l)"
is "nor a key" 1 "$(ls spool/keys | grep -vc mac)"
status "a link that is not there" 66 "$fetch" $basis absent.zip
printf '{"link":"%s","basis":{"kind":"consent","reference":"a"}}\n{"link":"absent","basis":{"kind":"consent","reference":"a"}}\n' ct.zip >two.json
status "two orders, one path absent" 66 "$fetch" --json --order two.json
is "both are answered" '1 ok 2 perm' "$(jq -r 'select(.type=="receipt") | "\(.in) \(.status)"' out | tr '\n' ' ' | sed 's/ $//')"
done_testing
