# kill -9 at mutating system calls of each stage, one after the other: after fsck and a second run the study is
# whole at the receiver, and nothing is half published. CRASH_STEP=N takes every Nth call (default 13; 1: all).
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
step=${CRASH_STEP:-13}
calls=openat,mkdirat,renameat,renameat2,unlinkat,fsync,fdatasync,syncfs,write,ftruncate,flock,sendmsg,linkat

store=$(free_port)
mkdir stored
storescp +B -aet STORE -od stored "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
new_spool '[destination store]' "url = dicom://STORE@127.0.0.1:$store" 'verify = no'
mkstudy --zip ct.zip --slices 3 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F --study-date 20260901
mkstudy --out ct --slices 3 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F --study-date 20260901
pixels ct >want
jq -cn '{v:1,basis:{kind:"consent",reference:"form"},destinations:["store"],
    patient:{id:"4711",issuer:"HOSP",name:"Muster^Eva",birth_date:"1970-01-01",sex:"F"}}' >order.json

stage() {	# stage NAME: runs one step on the import in $import
	case $1 in
	fetch) mri-fetch --order order.json ct.zip ;;
	unpack) mri-unpack "$import" ;;
	check) mri-check "$import" ;;
	retag) mri-retag "$import" ;;
	send) mri-send "$import" ;;
	esac
}
finish() {	# whatever is there is brought to its end
	import=$(ls -d spool/import/* 2>/dev/null | head -n 1)
	[ -n "$import" ] || import=$(stage fetch 2>>log)
	for s in unpack check retag send; do stage "$s" >>receipts 2>>log || return 1; done
}
total=0 bad=0
for victim in fetch unpack check retag send purge; do
	n=1
	while :; do
		rm -rf stored/* spool/link/*
		import=''
		# everything before the victim
		for s in fetch unpack check retag send; do
			[ "$s" != "$victim" ] || break
			if [ "$s" = fetch ]; then import=$(stage fetch 2>>log); else stage "$s" >>receipts 2>>log; fi
		done
		case $victim in
		fetch) set -- mri-fetch --order order.json ct.zip ;;
		purge) set -- mri-purge --now "${import##*/}" ;;
		*) set -- "mri-$victim" "$import" ;;
		esac
		killed=0
		strace -o strace.out -e trace=$calls -e inject=$calls:signal=KILL:when=$n "$@" >>receipts 2>>log || killed=$?
		grep -q 'killed by SIGKILL' strace.out || break
		total=$((total + 1))
		why=
		wait_for 10 not pgrep -f "^mri-$victim " || why="a worker outlives its parent"
		mri-spool fsck >fsck.out 2>>log || why="fsck: $?"
		[ -z "$(ls spool/purge)" ] || why="purge/ is not empty"
		[ -z "$(find spool/import spool/incoming -name '.*')" ] || why="something is half published"
		if [ "$victim" = purge ]; then
			for i in spool/import/*; do [ ! -e "$i" ] || mri-purge --now "${i##*/}" >>receipts 2>>log || why="second purge"; done
		else
			[ "$victim" = send ] || [ -z "$(ls stored)" ] || why="sent too early"
			finish || why="second run: $?"
			pixels stored >have
			cmp -s want have || why="not whole at the receiver"
		fi
		if [ -n "$why" ]; then
			bad=$((bad + 1))
			echo "# $victim, call $n: $why: $(grep -v resumed strace.out | tail -n 2 | head -n 1 | cut -c1-100)"
		fi
		for i in spool/import/*; do [ ! -e "$i" ] || mri-purge --now "${i##*/}" >>receipts 2>>log; done
		n=$((n + step))
	done
	echo "# $victim: killed at calls up to $n"
	for i in spool/import/*; do [ ! -e "$i" ] || mri-purge --now "${i##*/}" >>receipts 2>>log; done
done
ok "killed $total times" test "$total" -ge 20
is 'never lost, never half' 0 "$bad"
done_testing
