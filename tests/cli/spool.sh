# mri-spool: init, fsck, key.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
spool=$MRI_BIN/mri-spool
ID="$HOME/.config/mri/identity"

# init
status 'init without organisation: 64' 64 "$spool" init a
status 'init without a directory: 64' 64 "$spool" --organisation T init
status 'no command: 64' 64 "$spool"
status 'no such command: 64' 64 "$spool" destroy
status '--deep is for fsck: 64' 64 "$spool" --deep init a
status 'init -n: 0' 0 "$spool" -n init --organisation 'Klinikum Beispiel' a
ok 'init -n: makes nothing' test ! -e a -a ! -e "$ID"
status 'init: 0' 0 "$spool" init --organisation 'Klinikum Beispiel' a
is 'init: the path on stdout' "$TMPDIR/a" "$(cat out)"
has 'init: the recipient on stderr' 'recipient age1[0-9a-z]{58}$' err
has 'init: what next' 'export MRI_SPOOL=' err
hasnt 'init: no secret' 'AGE-SECRET-KEY' err
is 'init: modes' '700 600' "$(stat -c %a a "$ID" | tr '\n' ' ' | sed 's/ $//')"
has 'init: organisation' '^organisation=Klinikum Beispiel$' a/VERSION
has 'init: the log begins with it' '"n":1,.*"what":"init"' a/audit/log
status 'init again: 73' 73 "$spool" init --organisation T a
mkdir -m 700 full; echo x >full/x
status 'init in a folder with something: 73' 73 "$spool" init --organisation T full
is 'init in a folder with something: untouched' x "$(ls full)"
rm a/audit/*
status 'init that was interrupted: finished' 0 "$spool" init --organisation T a
ok 'init that was interrupted: a log' test -s a/audit/log
printf '[spool]\norganisation = Aus der Datei\nencrypt = no\n' >plain.conf
status 'init from the configuration, plain: 0' 0 "$spool" -c plain.conf init b
has 'init, plain: said loudly' 'NOT ENCRYPTED' err
has 'init, plain: said in VERSION' '^encrypt=no$' b/VERSION
status 'init: the same identity serves another spool' 0 "$spool" init --organisation T c
is 'init: the same recipient' "$(grep recipient a/VERSION)" "$(grep recipient c/VERSION)"
status '--json: 0' 0 "$spool" --json init --organisation T d
is '--json: a receipt and a summary' 'receipt summary' "$(jq -r .type out | tr '\n' ' ' | sed 's/ $//')"
status 'no spool: 78' 78 "$spool" fsck
status 'not a spool: 66' 66 "$spool" -s full fsck

# key
export MRI_SPOOL="$TMPDIR/a"
id=$("$MRI_TOOL/mkimport" "$MRI_SPOOL" "$ID" 0 retagged 3 1)
status 'key: 0' 0 "$spool" key "$id"
has 'key: an age identity' '^AGE-SECRET-KEY-1[0-9A-Z]{58}$' out
cp out key
for f in order package/001 claim/001 unpack study/1/manifest study/1/original/00001 study/1/check study/1/overlay papers/document/001; do
	ok "age -d opens $f" sh -c "age -d -i key 'a/import/$id/$f' >plain && test -s plain"
done
is 'age -d: the document' '%PDF-1.4 PAYLOADWORD' "$(cat plain)"
has 'key: audited' "\"what\":\"key\",\"object\":\"$id\"" a/audit/log
hasnt 'key: not in the log' 'AGE-SECRET' a/audit/log
status 'key --json: 0' 0 "$spool" --json key "$id"
is 'key --json' "$id $(cat key)" "$(jq -r 'select(.type == "key") | "\(.id) \(.key)"' out)"
status 'key without an id: 64' 64 "$spool" key
status 'key of nothing: 66' 66 "$spool" key 20260101T000000Z-abcdef
status 'key of a path: 0' 0 "$spool" key "$MRI_SPOOL/import/$id"
got=$(script -qec "'$spool' key '$id' 2>err" /dev/null </dev/null | tr -d '\r')
is 'key on a terminal: given' "$(cat key)" "$got"
has 'key on a terminal: with a warning' 'warning: the key opens all' err
chmod 644 "$ID"
status 'an identity that others may read: 77' 77 "$spool" key "$id"
chmod 600 "$ID"

# nothing in clear
ok 'held: nothing in clear anywhere' sh -c '! grep -rqE "PATIENTWORD|PAYLOADWORD|IDWORD-4711" a'

# fsck
status 'fsck: 0' 0 "$spool" fsck
is 'fsck: silence' '' "$(cat out err)"
status 'fsck --deep: 0' 0 "$spool" fsck --deep
mkdir -p a/import/"$id"/study/.2/original a/import/"$id"/.staging-1 a/purge/20260101T000000Z-abcdef
echo half >a/import/"$id"/study/1/.overlay
echo half >a/keys/20260102T000000Z-abcdef
status 'fsck -n with leftovers: 1' 1 "$spool" fsck -n
is 'fsck -n: five of them' 5 "$(wc -l <out)"
ok 'fsck -n: touches nothing' test -d a/import/"$id"/study/.2 -a -e a/keys/20260102T000000Z-abcdef
status 'fsck with leftovers: 0' 0 "$spool" fsck
is 'fsck: all repaired' 0 "$(grep -vc '(repaired)$' out || :)"
ok 'fsck: they are gone' sh -c "test -z \"\$(find a -name '.[2so]*' -o -name '*-abcdef' -not -path '*/gone/*')\""
status 'fsck again: 0' 0 "$spool" fsck
is 'fsck again: silence' '' "$(cat out)"
status 'fsck --json: 0' 0 "$spool" --json fsck
echo note >a/import/"$id"/NOTE
status 'a file of somebody: 1' 1 "$spool" --json fsck
is 'a file of somebody: named, left' "$id false" "$(jq -r 'select(.type == "fsck") | "\(.id) \(.repaired)"' out)"
rm a/import/"$id"/NOTE
cp -a a/import/"$id"/study/1/original/00002 before
chmod 600 a/import/"$id"/study/1/original/00002
python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(300); b = f.read(1)[0]; f.seek(300); f.write(bytes([b ^ 1]))' \
	a/import/"$id"/study/1/original/00002
status 'one byte changed, fsck: 0' 0 "$spool" fsck
status 'one byte changed, fsck --deep: 1' 1 "$spool" fsck --deep
has 'one byte changed: named' "^$id: study/1" out
mv before a/import/"$id"/study/1/original/00002
cp -a "a/import/$id/study/1/original/00001" swap
cp -a "a/import/$id/study/1/original/00002" "a/import/$id/study/1/original/00001"
status 'two objects exchanged, fsck --deep: 1' 1 "$spool" fsck --deep
has 'two objects exchanged: not the one that the manifest lists' 'object 1 is not the one' out
mv -f swap "a/import/$id/study/1/original/00001"
cp a/audit/log log
sed -i '2s/"tool":"mri-spool"/"tool":"mri-purge"/' a/audit/log
status 'the audit log altered: 1' 1 "$spool" fsck
has 'the audit log altered: said, with the line' '^spool: audit log: .*line 3' out
cp log a/audit/log
status 'fsck at last: 0' 0 "$spool" fsck --deep
done_testing
