# The sandbox of mri-unpack, mri-check and mri-retag: what -V -v says, what their workers do, and what happens on a
# kernel without Landlock, without seccomp, or with Landlock ABI 2: strace answers for such a kernel.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home
PATH=$MRI_BIN:$PATH
"$MRI_TOOL/mkstudy" --out good --slices 1 --rows 16 --cols 16 --patient-name 'Nowak^Ada'
printf '[policy]\nsandbox = auto\n' >auto.conf
printf '[policy]\nsandbox = required\n' >required.conf
printf '{"v":1,"patient":{"id":"L1","name":"Nowak^Ada","birth_date":"1970-01-01"},"basis":{"kind":"consent","reference":"x"}}' >order
# LeakSanitizer cannot work under strace
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
traced='landlock_create_ruleset,landlock_restrict_self,seccomp,openat,socket,socketpair,connect,execve,recvmsg'
NO_LANDLOCK='landlock_create_ruleset:error=ENOSYS'
ABI_2='landlock_create_ruleset:retval=2:when=1'
NO_SECCOMP='seccomp:error=EINVAL'
# on MASK COMMAND...: as a kernel that answers so; the calls in strace.out
on() {
	_mask=$1; shift
	strace -f -qq -o strace.out -e trace="$traced" ${_mask:+-e inject="$_mask"} "$@"
}
# the program's own command line in "$@", with config $1
unpack() { _c=$1; shift; rm -rf o; "$@" mri-unpack -c "$_c" -o o good; }
check() { _c=$1; shift; "$@" mri-check -c "$_c" --order order o/1; }
retag() { _c=$1; shift; rm -rf r; "$@" mri-retag -c "$_c" --order order -o r o/1; }
none() { "$@"; }

for p in unpack check retag; do
	"mri-$p" -V -v >out
	has "mri-$p -V -v: both in force" '^sandbox: seccomp, landlock abi [1-9]' out
	on "$NO_LANDLOCK" "mri-$p" -V -v >out
	has "mri-$p -V -v: no Landlock" '^sandbox: seccomp, no landlock' out
	on "$ABI_2" "mri-$p" -V -v >out
	has "mri-$p -V -v: ABI 2" '^sandbox: seccomp, landlock abi 2' out

	status "$p: required, and there" 0 $p required.conf on ''
	# Each process that takes work has both walls up before, and afterwards opens and connects nothing.
	/usr/bin/python3 - <<'P' >walls
import re
calls = {}
for line in open('strace.out', errors='replace'):
    m = re.match(r'(\d+) +(?:<\.\.\. )?(\w+)(.*)', line)
    if m:
        calls.setdefault(m.group(1), []).append((m.group(2), m.group(3)))
workers = 0
for pid, v in calls.items():
    locked = [i for i, (name, rest) in enumerate(v) if name == 'seccomp' and 'MODE_FILTER' in rest and ' = 0' in rest]
    if not locked:
        continue
    workers += 1
    before, after = v[:locked[-1]], v[locked[-1] + 1:]
    if not any(n == 'landlock_restrict_self' and ' = 0' in r for n, r in before):
        print('no Landlock')
    if any(n == 'recvmsg' for n, r in before):
        print('work before the lock')
    # tried it may be (the C library looks for a time zone), but nothing comes of it
    for n, r in after:
        if n in ('openat', 'socket', 'socketpair', 'connect', 'execve') and not re.search(r'= -1 (EPERM|EACCES)', r):
            print(n + r)
print('%s workers' % ('some' if workers else 'no'))
P
	is "$p: the walls of its workers" 'some workers' "$(sort -u walls)"
	status "$p: required, Landlock ABI 2: enough" 0 $p required.conf on "$ABI_2"
	status "$p: required, no Landlock: 77" 77 $p required.conf on "$NO_LANDLOCK"
	has "$p: and says so" 'no sandbox: this kernel gives no Landlock' err
	status "$p: required, no seccomp: 77" 77 $p required.conf on "$NO_SECCOMP"
	has "$p: and says so" 'no sandbox: this kernel gives no seccomp' err
	status "$p: auto, no Landlock: works" 0 $p auto.conf on "$NO_LANDLOCK"
	status "$p: auto, neither: works" 0 $p auto.conf on "landlock_create_ruleset,seccomp:error=ENOSYS"
	[ "$p" != unpack ] || status 'unpack once more, for the next' 0 unpack auto.conf none
done
done_testing
