# age: the C2SP test kit (every X25519 vector), and Debian's age in both directions.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
tool=$MRI_TOOL/agetool

# With age(1), at the sizes where chunks begin and end.
recipient=$("$tool" keygen new/dir/identity)
is "an identity file is closed to others" 600 "$(stat -c %a new/dir/identity)"
is "age-keygen reads it" "$recipient" "$(age-keygen -y new/dir/identity)"
age-keygen -o theirs 2>/dev/null
for n in 0 1 65535 65536 65537 131072 1000000; do
	head -c "$n" /dev/urandom >plain
	"$tool" encrypt "$recipient" plain >ours.age
	age -d -i new/dir/identity ours.age >back
	ok "age opens ours, $n bytes" cmp -s plain back
	age -r "$(age-keygen -y theirs)" -o theirs.age plain
	"$tool" decrypt theirs theirs.age >back
	ok "we open age's, $n bytes" cmp -s plain back
	rm -f back
done
age -r "$(age-keygen -y theirs)" -r "$recipient" -o two.age plain
"$tool" decrypt new/dir/identity two.age >back
ok "one of two recipients" cmp -s plain back
printf 'secret\n' | age -a -r "$recipient" >armor.age
status "armor is not what we write, nor read" 65 "$tool" decrypt new/dir/identity armor.age
chmod 640 theirs
status "an identity file that others can read is refused" 77 "$tool" decrypt theirs theirs.age

# The kit: a text header, an empty line, the file (deflated where the header says so).
# Outside our part: armor, passphrases, post-quantum recipients.
if [ -z "$CORPUS" ]; then
	echo "# no CORPUS: the C2SP vectors were not run"
	done_testing
	exit
fi
mkdir vectors
python3 - "$CORPUS/age" vectors <<'EOF'
import os, sys, zlib
src, dst = sys.argv[1:]
for name in sorted(os.listdir(src)):
    head, _, body = open(os.path.join(src, name), 'rb').read().partition(b'\n\n')
    keys = {}
    for line in head.decode().split('\n'):
        key, _, value = line.partition(': ')
        keys.setdefault(key, []).append(value)
    identity = keys.get('identity', [])
    if 'armored' in keys or 'passphrase' in keys or any('-PQ-' in i for i in identity):
        continue
    if 'compressed' in keys:
        body = zlib.decompress(body)
    if not identity:    # "empty" needs none
        identity = ['AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0']
    base = os.path.join(dst, name)
    open(base + '.age', 'wb').write(body)
    with open(os.open(base + '.id', os.O_WRONLY | os.O_CREAT, 0o600), 'w') as f:
        f.write(identity[0] + '\n')
    open(base + '.expect', 'w').write(keys['expect'][0])
    open(base + '.sum', 'w').write(keys.get('payload', [''])[0])
EOF
n=0
for v in vectors/*.age; do
	v=${v%.age} name=$(basename "${v%.age}") n=$((n + 1))
	case $(cat "$v.expect") in
	success)
		status "$name opens" 0 "$tool" decrypt "$v.id" "$v.age"
		is "$name: its payload" "$(cat "$v.sum")" "$(sha256sum <out | cut -d' ' -f1)" ;;
	"no match")
		status "$name is for another" 77 "$tool" decrypt "$v.id" "$v.age"
		has "$name: says so" '^header: sealed to another key' err ;;
	"header failure")
		status "$name: header refused" 65 "$tool" decrypt "$v.id" "$v.age"
		has "$name: in the header" '^header: ' err ;;
	"HMAC failure")
		status "$name: MAC refused" 65 "$tool" decrypt "$v.id" "$v.age"
		has "$name: in the header" '^header: .*altered' err ;;
	"payload failure")
		status "$name: payload refused" 65 "$tool" decrypt "$v.id" "$v.age"
		has "$name: in the payload" '^payload: ' err ;;
	*)
		ok "$name: an expectation that is known" false ;;
	esac
done
ok "the kit was there ($n vectors)" test "$n" -ge 44
done_testing
