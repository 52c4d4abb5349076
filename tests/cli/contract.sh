# What mri-cli(7) says of every program: help, version, usage errors, the manual's SYNOPSIS and options.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
programs='mri-fetch mri-unpack mri-check mri-retag mri-send mri-purge mri-show mri-spool mri-portal'

for p in $programs; do
	x=$MRI_BIN/$p
	status "$p -h: 0" 0 "$x" -h
	is "$p -h: nothing on stderr" '' "$(cat err)"
	cp out help
	status "$p --help: 0" 0 "$x" --help
	ok "$p --help: the same" cmp -s help out
	status "$p -V: 0" 0 "$x" -V
	has "$p -V: name and version" "^$p \\(mri-tools\\) [0-9]" out
	status "$p -V -v: 0" 0 "$x" -V -v
	has "$p -V -v: sandbox" '^sandbox: .' out
	has "$p -V -v: libraries" 'libc\.so' out
	status "$p: unknown option: 64" 64 "$x" --no-such-option
	is "$p: unknown option: nothing on stdout" '' "$(cat out)"
	has "$p: unknown option: named" "^$p: there is no option --no-such-option" err
	status "$p: misspelt option: 64" 64 "$x" --jsn
	has "$p: misspelt option: the right one" 'did you mean --json' err
	status "$p: value missing: 64" 64 "$x" --jobs
	has "$p: value missing: says so" 'jobs needs a value' err
	status "$p: jobs no number: 64" 64 "$x" -j many
	status "$p: config absent: 78" 78 "$x" -c /nonexistent/mri.conf x
	printf '[spool]\nretentoin = 1h\n' >bad.conf
	status "$p: config with a mistake: 78" 78 "$x" -c bad.conf x
	has "$p: config with a mistake: file, line, key" 'bad.conf:2: unknown key .retentoin' err
	has "$p: config with a mistake: what was meant" "did you mean 'retention'" err

	# SYNOPSIS is what -h says, and each option of -h stands in the manual, and the other way round
	man="$SRC/man/$p.1"
	usage=$(sed -n 's/^usage: //p; s/^       //p' help | tr -s ' ' | sed 's/ $//' | tr '\n' ' ' | sed 's/ $//')
	synopsis=$(mandoc -Tascii -O width=400 "$man" | sed 's/.\x08//g' |
		awk '/^SYNOPSIS/ { s = 1; next } /^[A-Z]/ { s = 0 } s' | tr '\n' ' ' | tr -s ' ' | sed 's/^ //; s/ $//')
	is "$p: SYNOPSIS equals -h" "$usage" "$synopsis"
	sed -n 's/^  \(-., \|    \)--\([a-z-]*\).*/\2/p' help | sort -u >in-help
	own=$(grep -vxE 'help|version|spool|config|dry-run|null|json|verbose|quiet|jobs|timeout|max-time' in-help || :)
	for o in $own; do
		ok "$p: --$o stands in the manual" sh -c "mandoc -Tascii '$man' | sed 's/.\x08//g' | grep -q -e '--$o'"
	done
	mandoc -Tascii "$man" | sed 's/.\x08//g' | awk '/^OPTIONS/ { s = 1; next } /^[A-Z]/ { s = 0 } s' |
		grep -oE '^ {5}(-[a-zA-Z0-9], )?--[a-z-]+' | sed 's/.*--//' | sort -u >in-man
	for o in $(grep -vxFf in-help in-man || :); do
		ok "$p: --$o of the manual is an option" false
	done
done

for p in mri-unpack mri-check mri-retag mri-send; do
	status "$p: empty stdin: 0" 0 "$MRI_BIN/$p"
	is "$p: empty stdin: silence" '' "$(cat out err)"
done

# JSON in a stream: failed records are passed over, others are answered by number
printf '%s\n' '{"v":1,"type":"receipt","tool":"x","in":"1","path":"/nonexistent","status":"perm"}' '{"v":1,"type":"summary"}' >in.json
ok 'failed receipts are passed over' sh -c '"$MRI_BIN/mri-check" --json <in.json >out'
is 'summary counts what was passed over' '1 0' "$(jq -r 'select(.type=="summary") | "\(.passed) \(.inputs)"' out)"
printf 'not json {\n{"type":\n' >in.bad
got=0
"$MRI_BIN/mri-check" --json <in.bad >out 2>err || got=$?
ok 'broken JSON on stdin is an error' test "$got" -ne 0
has 'broken JSON on stdin: says which record' 'stdin, record 2' err
done_testing
