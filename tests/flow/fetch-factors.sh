# Answers to a portal's questions: files, descriptors, commands, one-time passwords, a line that comes later.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
portal_pid= _pids=
trap 'for p in $portal_pid $_pids; do kill "$p" 2>/dev/null || :; done' EXIT
mkdir portal
"$MRI_TOOL/portal" --make-cert portal
/usr/bin/python3 -c "
import zipfile
with zipfile.ZipFile('portal/a.zip', 'w') as z: z.writestr('IMG1', b'x' * 900)"
cat >mri.conf <<EOF2
[spool]
organisation = Test
identity = $TMPDIR/identity
[net]
allow = 127.0.0.0/8 ::1
EOF2
export MRI_CONFIG="$TMPDIR/mri.conf" MRI_SPOOL="$TMPDIR/spool" LC_ALL=C
"$MRI_BIN/mri-spool" init "$MRI_SPOOL" >/dev/null 2>&1
port=$(free_port)
# portal_start TOKEN ANSWER [QUIRKS]
portal_start() {
	[ -z "$portal_pid" ] || { kill "$portal_pid" 2>/dev/null || :; wait "$portal_pid" 2>/dev/null || :; }
	cat >portal/portal.json <<EOF2
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"$1",
 "questions":[{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","answer":"19700101",
  "texts":[{"text":"Geburtsdatum","language":"de"},{"text":"Date of birth","language":"en"}]},
  {"id":"2","type":"PASSWORD","format":"STRING","answer":"$2",
  "texts":[{"text":"Kennwort aus der SMS","language":"de"},{"text":"Password of Erika","language":"en"}]}],
 "patient":{"name":"Mustermann,Max","birth_date":"1970-01-01"},"quirks":[${3:-}],
 "items":[{"id":"1","file":"a.zip","study_uid":"1.2.3","date":"2026-09-01","modalities":"CT","files":1}]}
EOF2
	: >portal/requests.log
	"$MRI_TOOL/portal" portal/portal.json >port.txt 2>portal.err &
	portal_pid=$!
	wait_for 10 grep -q port port.txt
	jq -cn --arg l "https://localhost:$port/portal?token=$1" '{link:$l,basis:{kind:"consent",reference:"form"}}' >order.json
}
requests() { grep -cE "$1" portal/requests.log || :; }
birth=PAT_BIRTH_DATE=@birth
echo 01.01.1970 >birth
run() { "$fetch" --cacert portal/ca.pem --json --order order.json "$@"; }
receipt() { jq -r "select(.type==\"receipt\").$1" out; }

# Descriptors and commands
portal_start tok-fd canary-fd
printf 'canary-fd\nmore\n' >pw
status "a factor from a descriptor, the date as Germans write it" 0 sh -c 'exec 7<pw; exec "$@"' - "$fetch" --cacert portal/ca.pem --json \
    --order order.json --factor "$birth" --factor PASSWORD=fd:7
portal_start tok-nofd x
status "a descriptor that is not open" 64 run --factor PASSWORD=fd:77
is "asks nobody" 0 "$(requests .)"
portal_start tok-cmd canary-cmd
echo 'canary-cmd' >pw
cat >store <<'EOF2'
#!/bin/sh
env >"$1"; cat "$2"
EOF2
chmod 700 store
export MRI_CANARY=canary-environ
status "a factor from a command" 0 run --factor "$birth" --factor "PASSWORD=cmd:$TMPDIR/store $TMPDIR/env.txt $TMPDIR/pw"
has "which has a path" '^PATH=' env.txt
hasnt "and not our environment" 'MRI_|canary' env.txt
portal_start tok-cmd2 x
status "no shell reads it" 77 run --factor "PASSWORD=cmd:/bin/false;touch made"
ok "so nothing is made" test ! -e made
status "a command that fails" 77 run --factor PASSWORD=cmd:false
hasnt "the command is not shown" 'cmd:' err
status "a command that prints nothing" 77 run --factor PASSWORD=cmd:true
is "asks nobody" 0 "$(requests .)"

# One-time passwords; the codes are computed by another implementation
secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
code() { /usr/bin/python3 -c "
import base64, hmac, struct, time
m = hmac.new(base64.b32decode('$secret'), struct.pack('>Q', int(time.time()) // 3600), 'sha256').digest()
o = m[-1] & 15
print('%08d' % ((struct.unpack('>I', m[o:o+4])[0] & 0x7fffffff) % 10**8))"; }
echo "otpauth://totp/Klinik?secret=$secret&algorithm=SHA256&digits=8&period=3600" >otp
portal_start tok-totp "$(code)"
status "a one-time password" 0 run --factor "$birth" --factor PASSWORD=totp:@otp
portal_start tok-totp2 never
status "one that is wrong" 77 run --factor "$birth" --factor PASSWORD=totp:@otp
status "is not sent again, whatever its code is now" 77 run --factor "$birth" --factor PASSWORD=totp:@otp
is "one answer" 1 "$(requests '^POST')"
echo 'not base32 !' >otp
status "a secret that is none" 65 run --factor PASSWORD=totp:@otp
hasnt "is not shown" 'not base32 !' err

# What is missing is named by its type, never by the portal's words
portal_start tok-missing pw
status "a missing factor" 77 run --factor "$birth"
is "by name" factor-needed "$(receipt state)"
has "its type" 'PASSWORD' err
hasnt "not the portal's words" 'Erika' err
echo 30.02.1970 >nodate
status "a date that is none" 77 run --factor PAT_BIRTH_DATE=@nodate --factor PASSWORD=@pw
hasnt "is not shown" '30.02' err
is "nothing was sent" 0 "$(requests '^POST')"

# Attempts that are left
portal_start tok-attempts other '"attempts"'
status "a wrong answer, and the portal counts" 77 run --factor "$birth" --factor PASSWORD=@pw
has "says how many are left" 'attempts left: 4' err

# One that comes later
portal_start tok-later canary-sms
mkfifo sms
n=$(ls "$MRI_SPOOL/incoming" | wc -l)
status "a factor that is not here yet" 75 run --factor "$birth" --factor PASSWORD=later
is "by name" waiting "$(receipt state)"
id=$(receipt import)
ok "its import waits" test -d "$MRI_SPOOL/incoming/$id"
is "nothing was sent" 0 "$(requests '^POST')"
hasnt "the link is not kept" 'tok-later' err
ok "nowhere" not grep -rqF tok-later "$MRI_SPOOL"
status "--resume of another import" 66 run --factor "$birth" --factor PASSWORD=later --resume 20260101T000000000-00000000
"$fetch" --cacert portal/ca.pem --json --order order.json --factor "$birth" --resume "$id" --wait-factor sms >out 2>err &
pid=$!
_pids=$pid
wait_for 20 grep -q waiting err
# what others may read of the processes while they wait
: >seen
for p in $pid $(ps -o pid= --ppid "$pid"); do
	for q in $p $(ps -o pid= --ppid "$p"); do
		cat "/proc/$q/cmdline" "/proc/$q/environ" >>seen 2>/dev/null || :
	done
done
ok "the processes are seen" grep -aq mri-fetch seen
ok "no secret in arguments or environment" not grep -aqE 'tok-later|01\.01\.1970|19700101' seen
printf 'canary-sms\n' >sms
got=0
wait "$pid" || got=$?
_pids=
is "is taken when it comes" 0 "$got"
is "the import is the one that waited" "$id" "$(basename "$(receipt path)")"
is "one answer" 1 "$(requests '^POST')"
portal_start tok-nosms x
status "one that does not come" 75 run --factor "$birth" --wait-factor sms --max-time 1s
is "by name" waiting "$(receipt state)"
status "a birth date is not waited for" 77 run --wait-factor sms --max-time 60s
status "a FIFO that is none" 64 run --factor "$birth" --wait-factor pw

# A link on argv is wiped
portal_start tok-argv canary-sms
"$fetch" --cacert portal/ca.pem --basis consent --reference x --factor "$birth" --wait-factor sms \
    "https://localhost:$port/portal?token=tok-argv" >out 2>err &
pid=$!
_pids=$pid
wait_for 20 grep -q waiting err
cat "/proc/$pid/cmdline" >seen
ok "a link on the command line is wiped" not grep -aq tok-argv seen
printf 'canary-sms\n' >sms
got=0
wait "$pid" || got=$?
_pids=
is "and fetched" 0 "$got"
for s in canary-fd canary-cmd canary-sms "$secret"; do
	ok "nowhere in clear under the spool: $s" not grep -rqF -e "$s" "$MRI_SPOOL"
done
done_testing
