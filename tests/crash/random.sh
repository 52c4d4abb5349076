# kill -9 at any moment of the way, then fsck and the same again: the study is whole in Orthanc, each
# instance once, same UIDs and bytes; nothing is left in incoming/, purge/ or half published.
# CRASH_RUNS=N kills N times (default 8).
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"
runs=${CRASH_RUNS:-8}

start_orthanc
new_spool '[destination pacs]' "url = dicom://ORTHANC@127.0.0.1:$ORTHANC_DICOM" \
    '[destination his]' "url = folder:$TMPDIR/his"
mkstudy --zip ct.zip --slices 40 --rows 256 --cols 256 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F \
    --study-date 20260901 --pdf report.pdf
mkstudy --out ct --slices 40 --rows 256 --cols 256 --patient-name 'Muster^Eva' --birth 1970-01-01 --sex F \
    --study-date 20260901
cat >order.json <<'END'
{"v":1,"basis":{"kind":"consent","reference":"form"},
 "patient":{"id":"4711","issuer":"HOSP","name":"Muster^Eva","birth_date":"1970-01-01","sex":"F"},
 "studies":[{"date":"2026-09-01","modality":"CT","accession":"A100"}],"destinations":["pacs","his"]}
END
pixels ct >want

cat >way <<'END'
mri-fetch --order order.json ct.zip >fetched 2>>log
mri-unpack $(cat fetched) 2>>log | mri-check 2>>log | mri-retag 2>>log | mri-send 2>>log >sent
END
# A second run goes on with the import that the first one left, or begins anew where it left none.
cat >again <<'END'
id=$(ls spool/import | tail -n 1)
if [ -n "$id" ]; then echo "$id" >fetched; else mri-fetch --order order.json ct.zip >fetched 2>>log; fi
mri-unpack $(cat fetched) 2>>log | mri-check 2>>log | mri-retag 2>>log | mri-send 2>>log >sent
END

seed=${CRASH_SEED:-$$}
i=0
while [ "$i" -lt "$runs" ]; do
	i=$((i + 1))
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	delay=$((seed / 65536 % 900 + 5))
	orthanc_clear
	setsid sh way &
	pid=$!
	# the moment itself is the test: a random number of milliseconds from the start
	python3 -c 'import select, sys; select.select([], [], [], int(sys.argv[1]) / 1000)' "$delay"
	kill -9 -- "-$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
	wait_for 10 not pgrep -f "$MRI_BIN/mri-" || :
	ok "$i: killed after $delay ms: fsck" sh -c 'mri-spool fsck >fsck.out 2>fsck.err || { cat fsck.out fsck.err >&2; exit 1; }'
	is "$i: nothing is left in incoming/" '' "$(ls spool/incoming)"
	is "$i: nothing is left in purge/" '' "$(ls spool/purge)"
	is "$i: nothing is half published" '' "$(find spool/import -name '.*')"
	ok "$i: the second run" sh again
	is "$i: one study is sent" 1 "$(wc -l <sent)"
	rm -rf got
	orthanc_files got
	pixels got >have
	ok "$i: whole, same UIDs and bytes" cmp -s want have
	is "$i: the report is in the folder" 1 "$(find his -name '*.PDF' | wc -l)"
	rm -rf his
	is "$i: reconciled" 4711 "$(dcmdump -q -s +P 0010,0020 "$(ls got/* | head -n 1)" | sed -n 's/.*\[\(.*\)\].*/\1/p')"
	for id in spool/import/*; do mri-purge --now "${id##*/}" >/dev/null 2>>log; done
done
done_testing
