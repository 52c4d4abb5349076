# A full disk: 75, a clear message, nothing half; purge of a due import still works on it.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
[ "$(id -u)" -eq 0 ] || { echo 'needs root, for a small tmpfs'; exit 1; }
cd "$TMPDIR"
mkdir disk
mount -t tmpfs -o size=12m tmpfs disk
trap '_stop_all; umount -l "$TMPDIR/disk"' EXIT
TMPDIR=$TMPDIR/disk new_spool 2>/dev/null || :
MRI_SPOOL=$TMPDIR/disk/spool MRI_CONFIG=$TMPDIR/disk/mri.conf
export MRI_SPOOL MRI_CONFIG
mkstudy --zip big.zip --slices 40 --rows 512 --cols 512 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F --study-date 20260901
mkstudy --zip small.zip --slices 6 --rows 512 --cols 512 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F --study-date 20260901
jq -cn '{v:1,basis:{kind:"consent",reference:"form"},
    patient:{id:"4711",issuer:"HOSP",name:"Muster^Eva",birth_date:"1970-01-01",sex:"F"}}' >order.json
ok 'the package is larger than the disk' test "$(stat -c %s big.zip)" -gt 10000000
cp big.zip disk/ballast 2>/dev/null || head -c 6000000 big.zip >disk/ballast
head -c 6000000 big.zip >disk/ballast

status 'fetch on a full disk: 75' 75 mri-fetch --order order.json big.zip
has 'fetch on a full disk: says so' 'No space left' err
has 'fetch on a full disk: advice' 'make room' err
is 'fetch on a full disk: no package' '' "$(find "$MRI_SPOOL" -path '*package/*' -type f)"
rm -f disk/ballast
import=$(mri-fetch --order order.json small.zip 2>>log)
ok 'there is an import' test -d "$import"
free=$(df --output=avail -k disk | tail -n 1)
head -c $(((free - 600) * 1024)) /dev/zero >disk/ballast
status 'unpack on a full disk: 75' 75 mri-unpack "$import"
has 'unpack on a full disk: says so' 'No space left' err
is 'unpack on a full disk: nothing published' '' "$(find "$import" -mindepth 1 -name study -o -name unpack)"
ok 'fsck removes what is left' mri-spool fsck
is 'nothing is half there' '' "$(find "$import" -name '.*')"
rm disk/ballast
status 'with room again: unpack' 0 mri-unpack "$import"
cat "$import/study/1/manifest" >/dev/null

# nothing left at all: purge of a due import writes from its reserve
dd if=/dev/zero of=disk/ballast bs=4k 2>/dev/null || :
dd if=/dev/zero of=disk/ballast2 bs=1 2>/dev/null || :
ok 'the disk is full' not sh -c 'echo x >disk/more'
id=${import##*/}
if [ -e /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 ]; then :; fi
status 'purge on a full disk' 0 mri-purge --now "$id"
is 'purge on a full disk: it is gone' '' "$(ls "$MRI_SPOOL/import")"
is 'purge on a full disk: its key is gone' '' "$(ls "$MRI_SPOOL/keys" | grep -v '^mac$')"
ok 'purge on a full disk: audit and tombstone' grep -q '"what":"purge"' "$MRI_SPOOL/audit/log"
ok 'purge on a full disk: tombstone' test -e "$MRI_SPOOL/gone/$id"
done_testing
