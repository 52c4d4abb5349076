# mri-check --worklist: a RIS (wlmscpfs) completes the order; two candidates, none, contradictions, silence.
set -eu
. "$SRC/tests/lib.sh"
. "$SRC/tests/servers.sh"
cd "$TMPDIR"

# entry FILE ACCESSION ID NAME BIRTH SEX PROCEDURE STEP [MODALITY]
entry() {
	cat >"$1.dump" <<-END
	(0008,0005) CS [ISO_IR 192]
	(0008,0050) SH [$2]
	(0008,0051) SQ
	(fffe,e000) -
	(0040,0031) UT [RIS-NS]
	(fffe,e00d) -
	(fffe,e0dd) -
	(0010,0010) PN [$4]
	(0010,0020) LO [$3]
	(0010,0021) LO [HOSP]
	(0010,0030) DA [$5]
	(0010,0040) CS [$6]
	(0020,000d) UI [1.2.276.0.7230010.3.2.$7]
	(0032,1060) LO [CT Thorax – Übernahme]
	(0038,0010) LO [FALL-9]
	(0040,0100) SQ
	(fffe,e000) -
	(0008,0060) CS [${9:-CT}]
	(0040,0001) AE [ANY]
	(0040,0002) DA [20260902]
	(0040,0003) TM [080000]
	(0040,0007) LO [Schritt]
	(0040,0009) SH [$8]
	(fffe,e00d) -
	(fffe,e0dd) -
	(0040,1001) SH [RP$7]
	END
	dump2dcm -q "$1.dump" "ris/RIS/$1.wl"
}
# order FILE MEMBERS...: what an order has beside its basis
order() { printf '{"v":1,"ref":"T","basis":{"kind":"consent","reference":"r"},%s}\n' "$2" >"$1"; }
# bring NAME mkstudy-options...: an import whose order has a basis and nothing else
bring() {
	_n=$1; shift
	mkstudy --zip "$_n.zip" --patient-name 'Müller^Jörg' --birth 1970-02-01 --sex M "$@"
	mri-fetch --order basis.json "$_n.zip" 2>/dev/null | tee "$_n.import" | mri-unpack 2>/dev/null >"$_n.items"
	head -n 1 "$_n.items" >"$_n.item"
}
kept() { mri-show --raw order "$(cat "$1.item")" 2>/dev/null; }
reason() { jq -r 'select(.type=="receipt").findings[]|select(.rule=="one_order")|"\(.verdict) \(.severity) \(.reason)"' out; }

mkdir -p ris/RIS
: >ris/RIS/lockfile
entry one A100 4711 'Müller^Jörg' 19700201 M 1 S1
entry two A200 4712 'Schulz^Anna' 19520311 F 2 S2
entry three A201 4712 'Schulz^Anna' 19520311 F 3 S3
entry twin A300 4713 'Weber^Eva' 19610101 F 4 S4
entry twin2 A300 4713 'Weber^Eva' 19610101 F 4 S5
port=$(free_port)
wlmscpfs -csk -dfp ris "$port" >ris.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$port"
new_spool '[worklist]' "url = dicom://RIS@127.0.0.1:$port" >/dev/null
printf '{"v":1,"basis":{"kind":"consent","reference":"r"}}\n' >basis.json
bring a --slices 2
item=$(cat a.item)
ask() { mri-check --worklist --json --order "$1" "$item"; }

# One entry completes what the order lacks: by accession, patient id, or name and birth date
order acc.json '"studies":[{"accession":"A100"}]'
status 'the worklist completes an order with an accession' 0 ask acc.json
is 'one candidate' '{"candidates":1,"fitting":1}' "$(jq -c 'select(.type=="receipt").worklist' out)"
kept a >kept.json
is 'the patient is the local one' '["4711","HOSP","Müller^Jörg","1970-02-01","M"]' \
    "$(jq -c '.patient|[.id,.issuer,.name,.birth_date,.sex]' kept.json)"
is 'the entry too' '["A100","RP1","S1","CT Thorax – Übernahme","FALL-9"]' "$(jq -c '.studies[0]|
	[.accession,.requested_procedure_id,.scheduled_step_id,.description,.admission_id]' kept.json)"
hasnt 'no name, id or date in what it says' 'ller|4711|1970|A100' err
status 'once more' 0 mri-check --worklist --json "$item"
is 'changes nothing' true "$(jq 'select(.type=="receipt").again' out)"
status 'without --worklist' 0 mri-check --json "$item"
is 'the order stays completed' true "$(jq 'select(.type=="receipt").again' out)"
status 'retag takes it' 0 mri-retag --plan "$item"
has 'with the accession' 'A100' out
before=$(cat "$item/order" "$item/check" | sha256sum)
order id.json '"patient":{"id":"4711","name":"MUELLER^JOERG"}'
status 'by patient id, with a preview' 0 mri-check -n --worklist --order id.json "$item"
has 'which shows the candidate' 'worklist 1 of 1, taken: accession A100, procedure RP1, step S1, CT' out
hasnt 'but not the patient' 'ller|4711|1970' out
status 'the preview as JSON' 0 mri-check -n --json --worklist --order id.json "$item"
is 'is a document' '["A100",true]' "$(jq -c 'select(.type=="candidate")|[.accession,.taken]' out)"
is 'and writes nothing' "$before" "$(cat "$item/order" "$item/check" | sha256sum)"
status 'then for good' 0 ask id.json
is 'the study is scheduled now, the name as the order has it' '["A100","MUELLER^JOERG","HOSP"]' \
    "$(kept a | jq -c '[.studies[0].accession,.patient.name,.patient.issuer]')"
order name.json '"patient":{"name":"Müller^Jörg","birth_date":"1970-02-01"}'
status 'by name and birth date, in UTF-8' 0 ask name.json
is 'the same entry' '["A100","4711"]' "$(kept a | jq -c '[.studies[0].accession,.patient.id]')"
mkstudy --out folder --slices 2 --patient-name 'Müller^Jörg' --birth 1970-02-01 --sex M >/dev/null
status 'a folder without a spool' 0 mri-check --worklist --order id.json folder
has 'is scheduled by it' 'pass, scheduled' out

# None, two, contradictions: nothing is taken
order none.json '"patient":{"id":"4799","name":"Müller^Jörg","birth_date":"1970-02-01"}'
status 'nothing in the worklist is a warning' 0 ask none.json
is 'and unknown' 'unknown warning the worklist has nothing for this order' "$(reason)"
order wild.json '"patient":{"id":"47*","name":"Müller^Jörg","birth_date":"1970-02-01"}'
status 'an id with a wildcard is no question' 0 ask wild.json
is 'the answers are none' 'unknown warning the worklist has nothing for this order' "$(reason)"
order blank.json '"patient":{"name":"Müller^Jörg"}'
status 'a name alone is nothing to ask by' 1 ask blank.json
has 'and that is said' 'to ask the worklist by' out
order other.json '"patient":{"id":"4712"},"studies":[{"modality":"CT"}]'
status 'two candidates are no choice' 1 ask other.json
is 'but a finding' 'finding error 2 entries of the worklist fit this order' "$(reason)"
is 'and none is taken' null "$(kept a | jq -c '.studies[0].accession')"
mri-show --findings --json "$item" >findings
has 'who may see them sees both' 'A200' findings
has 'and the other' 'A201' findings
order twin.json '"studies":[{"accession":"A300"}]'
status 'two steps of one procedure are two' 1 ask twin.json
is 'and a finding' 'finding error 2 entries of the worklist fit this order' "$(reason)"
order wrong.json '"patient":{"name":"Müller^Jörg","birth_date":"1970-01-02"},"studies":[{"accession":"A100"}]'
status 'an accession of somebody else' 1 ask wrong.json
is 'is a contradiction' \
    'finding error the worklist contradicts the order: birth date differs: day and month swapped' "$(reason)"
is 'nothing is taken' null "$(kept a | jq -c '.patient.id')"
order right.json '"patient":{"name":"Müller^Jörg","birth_date":"1970-02-01"},"studies":[{"accession":"A100"}]'
status '--order goes first' 0 ask right.json
is 'then the worklist' '["1970-02-01","4711"]' "$(kept a | jq -c '.patient|[.birth_date,.id]')"

# Two studies and an order that names none: the patient is taken, the entry is not given away
bring g --slices 1 --studies 2 --seed 9
status 'two studies, one entry' 0 mri-check --worklist --json --order id.json "$(cat g.import)"
has 'it is not said which one is meant' 'does not say which study' out
is 'the patient is taken' '[0,"HOSP"]' "$(kept g | jq -c '[(.studies|length),.patient.issuer]')"

# A RIS that is not there, refuses, says nothing
before=$(cat "$item/order" "$item/check" "${item%/study/1}/history" | sha256sum)
at() { sed "s|^url = .*|url = dicom://$1|" mri.conf >at.conf; }
at "RIS@127.0.0.1:$(free_port)"
status 'nobody listens' 75 mri-check -c at.conf --worklist "$item"
has 'and that is said' 'cannot ask the worklist: .*Connection refused' err
silent=$(free_port)
python3 -c 'import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(8)
keep = []
while True: keep.append(s.accept())' "$silent" &
_pids="$_pids $!"
wait_for 10 listens "$silent"
at "RIS@127.0.0.1:$silent"
status 'a silent RIS' 75 mri-check -c at.conf --timeout 1 --worklist "$item"
at "NORIS@127.0.0.1:$port"
status 'a RIS that goes by another title' 78 mri-check -c at.conf --worklist "$item"
store=$(free_port)
storescp -aet RIS "$store" >storescp.log 2>&1 &
_pids="$_pids $!"
wait_for 10 listens "$store"
at "RIS@127.0.0.1:$store"
status 'a peer without a worklist' 69 mri-check -c at.conf --worklist "$item"
has 'and that is said' 'offers no worklist' err
is 'none of them wrote anything' "$before" "$(cat "$item/order" "$item/check" "${item%/study/1}/history" | sha256sum)"
sed '/^\[worklist\]/,$d' mri.conf >without.conf
status 'no RIS in the configuration' 78 mri-check -c without.conf --worklist "$item"
at "folder:$TMPDIR"
status 'a RIS that is none' 78 mri-check -c at.conf --worklist "$item"
done_testing
