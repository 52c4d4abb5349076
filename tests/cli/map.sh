#!/bin/sh
# mri-retag --map: every mistake before the first object, what a map does to real bytes, proved again by mri-send,
# the maps that are installed, maps that mean harm.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
DIFF="/usr/bin/python3 $SRC/tests/tool/retagdiff.py"
cd "$TMPDIR"

new_spool
cat >order.json <<'EOF'
{"v":1,"ref":"T-9","basis":{"kind":"consent","reference":"form 9"},"patient":{"id":"L4711","issuer":"HOSP","name":"Müller^Jörg","birth_date":"1970-01-01","sex":"M"},"studies":[{"accession":"ACC1","requested_procedure_id":"RP1","scheduled_step_id":"S1","description":"CT Thorax"}]}
EOF
mkstudy --zip s.zip --slices 2 --patient-name 'Müller^Jörg' --private --group-lengths --issuer ELSE
I=$(mri-fetch --order order.json s.zip 2>/dev/null | mri-unpack 2>/dev/null | head -1)
mri-check "$I" >/dev/null 2>&1

# --- mistakes: all of them, with line and advice, before anything else
cat >bad.map <<'EOF'
# one mistake a line
StationNam = X
StudyID = 12345678901234567
StudyDate = today
SeriesDescription s/(/x/
SeriesDescription s/a/{patient.nam}/
SOPInstanceUID = 1.2.3
StationName = A
StationName = B
Modality CT
[when Modality = ct]
EOF
status 'a map with mistakes: 78' 78 mri-retag --map bad.map "$I"
is 'nothing was done' '' "$(cat out)"
ok 'nothing was written' test ! -e "$I/overlay"
for line in 2 3 4 5 6 7 9 10 11; do
	has "line $line is named" "^mri-retag: bad.map:$line: " err
done
hasnt 'lines that are right are not' 'bad.map:(1|8): ' err
has 'the nearest keyword' 'nearest one is StationName' err
has 'the nearest template' 'nearest one is patient.name' err
has 'how many' 'bad.map: 9 mistakes$' err
cp bad.map bad2.map
status 'two of them: 78' 78 mri-retag -m bad.map -m bad2.map "$I"
has 'both are told' 'bad2.map:2: ' err
status 'with --undo: 64' 64 mri-retag --undo -m bad.map "$I"
status 'no such map: 78' 78 mri-retag -m none.map "$I"
hasnt 'no patient data in messages' 'ller|L4711|1970' err

# --- maps that mean harm: refused, or done, in no time
mkdir dir.map
printf 'StationName = A\0B\n' >nul.map
head -c 300000 /dev/urandom >noise.map
/usr/bin/python3 - <<'EOF'
open("long.map", "w").write("#" * 5000 + "\n")
open("big.map", "w").write("# comment\n" * 110000)
open("bomb.map", "w").write("StationName s/((((((a{99}){99}){99}){99}){99}){99}/x/\n" + "StationName s/" + "(" * 900 + "/x/\n")
open("deep.map", "w").write("ProcedureCodeSequence[0]." * 150 + "CodeValue = x\n")
open("many.map", "w").write("".join("[when StationName = X%d]\nStationName s/a%d/b/\n" % (i, i) for i in range(600)))
EOF
for bad in dir nul noise long big bomb deep many; do
	status "$bad.map: 78" 78 mri-retag --map $bad.map "$I"
	ok "$bad.map: no flood of messages" test "$(wc -c <err)" -lt 60000
done
has 'more patterns than a plan takes' 'many.map: with it there are more than 512 patterns' err
ok 'still nothing was written' test ! -e "$I/overlay"
cat >slow.map <<'EOF'
StudyDescription s/(.*)(.*)(.*)(.*)(.*)x/y/g
PatientComments s/^(([A-z])+.)+[A-Z]([a-z])+$/y/
EOF
/usr/bin/python3 -c 'print("".join("[when StationName = X%d]\nStationName = S%d\n" % (i, i) for i in range(2000)))' >large.map
status 'a plan that is longer than a message: 0' 0 mri-retag --map large.map "$I"
status 'patterns that others run away with: 0' 0 mri-retag --map slow.map "$I"

# --- a good one
cat >house.map <<'EOF'
InstitutionName = Häuser {Modality} ({order.ref})
StudyDescription s/^CT (.*)$/\1, extern/
AccessionNumber = X{study.accession}
RequestAttributesSequence[0].RequestedProcedureID s/^/LOCAL-/
("ACME IMPORT",0021,01) LO = {PatientID}
[when source = nowhere.example]
StationName = NO
[when Modality = CT and order = scheduled]
StationName ?= EXT-{Modality}
ProcedureCodeSequence[0].CodeValue = C1
ProcedureCodeSequence[0].CodingSchemeDesignator = 99LOCAL
ProcedureCodeSequence[0].CodeMeaning = für {StudyDescription}
EOF
status 'plan: 0' 0 mri-retag --plan -m house.map "$I"
has 'shows rules with their lines' 'InstitutionName .*-> "Häuser .*  map house.map:1$' out
has 'and their conditions' 'StationName .* where empty, where \(0008,0060\) is "CT"  map house.map:9$' out
hasnt 'what does not hold for this source is not in it' 'nowhere|"NO"' out
status 'plan in JSON' 0 mri-retag --plan --json -m house.map "$I"
is 'templates are in it as text' 'Häuser {Modality} (T-9)' \
    "$(jq -r '.plan.rules[]|select(.keyword=="InstitutionName").template' out)"
status 'retag with a map: 0' 0 mri-retag --json -m house.map --set StudyID=S7 "$I"
is 'made anew: it was another plan' false "$(jq -r 'select(.type=="receipt")|.again' out)"
status 'again: 0' 0 mri-retag --json -m house.map --set StudyID=S7 "$I"
is 'a no-op' true "$(jq -r 'select(.type=="receipt")|.again' out)"
mri-spool key "${I%/study/*}" >key 2>/dev/null
for n in 00001 00002; do
	age -d -i key "$I/original/$n" >old.dcm
	mri-show --cat "$I/original/$n" >new.dcm
	ok "object $n: nothing but named elements changed" $DIFF old.dcm new.dcm 00080080 00081030 00081010 00200010 00210010 00210110 00211001
	ok "dcmftest $n" dcmftest new.dcm >/dev/null
	is "dcmdump $n has no complaint" '' "$(dcmdump new.dcm 2>&1 >/dev/null)"
done
cat >look.py <<'EOF'
import sys, pydicom
d = pydicom.dcmread(sys.argv[1])
m = [(o.ReasonForTheAttributeModification, o.ModifiedAttributesSequence[0]) for o in d.OriginalAttributesSequence]
c = d.ProcedureCodeSequence[0]
print("institution", d.InstitutionName)
print("description", d.StudyDescription, "was", m[1][1].StudyDescription)
print("accession", d.AccessionNumber, "was", m[1][1].AccessionNumber)
print("request", d.RequestAttributesSequence[0].RequestedProcedureID)
print("private", d[0x0021, 0x0010].value, d[0x0021, 0x1001].value)
print("station", d.StationName)
print("code", c.CodeValue, c.CodingSchemeDesignator, c.CodeMeaning)
print("study id", d.StudyID)
print("reasons", *[r for r, _ in m])
print("id", "PatientID" in m[0][1], "PatientID" in m[1][1])
EOF
/usr/bin/python3 look.py new.dcm >py
has 'institution, with templates of order and object' '^institution Häuser CT \(T-9\)$' py
has 'description edited, on record' '^description Thorax, extern was CT Thorax$' py
has 'accession: later wins over the order' '^accession XACC1 was FOREIGN1$' py
has 'in the request that the order made' '^request LOCAL-RP1$' py
has 'a private block of its own' '^private ACME IMPORT P1000$' py
has 'set where it was empty' '^station EXT-CT$' py
has 'a code sequence' '^code C1 99LOCAL für CT Thorax$' py
has '--set' '^study id S7$' py
has 'each source by itself: order, map, operator' '^reasons COERCE COERCE CORRECT$' py
has 'the id is on record where the order wrote it' '^id True False$' py
mkdir dest
status 'mri-send computes it once more, and sends' 0 mri-send -d "folder:$TMPDIR/dest" "$I"
is 'both objects' 2 "$(find dest -type f -name '[!D]*' | wc -l)"

# A value that does not fit in this object: refused by attribute and line, nothing is cut off
printf '# first\nStationName = {StudyDescription} {StudyDescription}\n' >wide.map
status 'too long for its VR: 65' 65 mri-retag -m wide.map "$I"
has 'by object, attribute and line' 'object 1: StationName \(wide.map:2\): is longer than the 16 characters of VR SH' err
hasnt 'without the value' 'Thorax|ller|P1000' err
sed 's/"ref":"T-9"/"ref":"T-123456789012345"/' order.json >long.json
mkstudy --out folder --slices 1 --patient-name 'Müller^Jörg'
printf 'AccessionNumber = {order.ref}\n' >ref.map
status 'an order that does not fit: 65' 65 mri-retag --order long.json -o o1 -m ref.map folder
has 'by line' 'AccessionNumber \(ref.map:1\)' err

# --- those that are installed
make -s -C "$SRC" install-data DESTDIR="$TMPDIR/root" PREFIX=/usr >/dev/null
M=$TMPDIR/root/usr/share/mri-tools/maps
is 'installed: three maps' 'names.map procedure-codes.map series-descriptions.map' "$(ls "$M" | tr '\n' ' ' | sed 's/ $//')"
ok 'installed: the manual' test -s "$TMPDIR/root/usr/share/man/man5/mri-map.5"
# What an object has, and what it has with that map: institution, station, department, series description, code.
cat >cases.tsv <<'EOF'
names	InstitutionName=KH Nordstadt;StationName=CT1;InstitutionalDepartmentName=Rad	Klinikum Nordstadt (extern)|EXT-CT1|-|-|
names	InstitutionName=Praxis Dr. MÜLLER;StationName=SOMATOM Force 3	Radiologische Praxis Müller (extern)|EXT-SOMATOM_Forc|-|-|
names	StationName=EXT-CT1	Extern|EXT-CT1|-|-|
names	InstitutionName=Anderswo	Anderswo|-|-|-|
procedure-codes	StudyDescription=CT des Thorax nativ	-|-|-|-|CT-THX 99LOCAL CT Thorax (extern)
procedure-codes	StudyDescription=CT THORAX/ABDOMEN	-|-|-|-|CT-THXABD 99LOCAL CT Thorax und Abdomen (extern)
procedure-codes	StudyDescription=MRT SCHÄDEL	-|-|-|-|MR-KOPF 99LOCAL MRT Schädel (extern)
procedure-codes	StudyDescription=Sonographie	-|-|-|-|
series-descriptions	SeriesDescription=*t1_tse_transversal_fs	-|-|-|t1 tse tra fs|
series-descriptions	SeriesDescription=<MPR Range> Sagittal [ID 7]	-|-|-|MPR Range sag|
series-descriptions	ProtocolName=Thorax 1.0	-|-|-|Thorax 1.0|
series-descriptions		-|-|-|CT|
EOF
cat >cases.py <<'EOF'
import glob, os, subprocess, sys, pydicom
maps, base = sys.argv[1], pydicom.dcmread(glob.glob("folder/**/IM*", recursive=True)[0])
shown = ("InstitutionName", "StationName", "InstitutionalDepartmentName", "SeriesDescription")
rows = [line.rstrip("\n").split("\t") for line in open("cases.tsv")]
for name in ("names", "procedure-codes", "series-descriptions"):
    mine = [r for r in rows if r[0] == name]
    for i, (_, pairs, _) in enumerate(mine):
        for k in shown + ("ProtocolName", "ProcedureCodeSequence"):
            if k in base: delattr(base, k)
        for p in filter(None, pairs.split(";")):
            setattr(base, *p.split("=", 1))
        os.makedirs("%s.in/%02d" % (name, i))
        base.save_as("%s.in/%02d/IM1" % (name, i))
    subprocess.run(["mri-retag", "-q", "--order", "unscheduled.json", "-o", name + ".out", "-m", maps + "/" + name + ".map",
                    "--"] + ["%s.in/%02d" % (name, i) for i in range(len(mine))], check=True, stdout=subprocess.DEVNULL)
    for i, (_, pairs, want) in enumerate(mine):
        d = pydicom.dcmread("%s.out/%d/00001.dcm" % (name, i + 1))
        codes = [" ".join((c.CodeValue, c.CodingSchemeDesignator, c.CodeMeaning)) for c in d.get("ProcedureCodeSequence", [])]
        got = "|".join([str(d.get(k, "-")) for k in shown] + codes + [""] * (not codes))
        print(name, i, "ok" if got == want else "%s: wanted %s, got %s" % (pairs, want, got))
EOF
sed 's/,"studies":.*/}/' order.json >unscheduled.json
/usr/bin/python3 cases.py "$M" >cases.out 2>cases.err || cat cases.err
for m in names procedure-codes series-descriptions; do
	is "$m.map: four objects of other houses" "$(printf "$m %d ok\n" 0 1 2 3)" "$(grep "^$m " cases.out)"
done
done_testing
