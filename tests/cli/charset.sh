#!/bin/sh
# mri-retag and the character sets of DICOM: names that pydicom wrote in each of them survive a conversion to ISO_IR 192,
# compared in UTF-8; escapes that are hostile, and bytes of another set, are refused by name with the tag and advice.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
PATH=$MRI_BIN:$MRI_TOOL:$PATH
export HOME="$TMPDIR" LC_ALL=C.UTF-8
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
# no set but UTF-8 has Polish and Thai
echo '{"v":1,"patient":{"id":"4711","issuer":"HOSP","name":"Łukasz^กา","birth_date":"1970-01-01","sex":"M"}}' >order.json
mkstudy --out base --slices 1 --patient-name 'Plain^Name'
cat >names <<'EOF'
ISO_IR 100	Müller^Jörg
ISO_IR 101	Łódź^Ćwik
ISO_IR 144	Люксембург
ISO_IR 127	قباني^لنزار
ISO_IR 126	Διονυσιος
ISO_IR 138	שרון^דבורה
ISO_IR 166	กาน
ISO_IR 192	Ωμέγα^山田
GB18030	Wang^XiaoDong=王^小东
GBK	王^囍
\ISO 2022 IR 87	Yamada^Tarou=山田^太郎=やまだ^たろう
ISO 2022 IR 13\ISO 2022 IR 87	ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう
\ISO 2022 IR 87\ISO 2022 IR 159	Yamada=山丂^太郎
\ISO 2022 IR 149	Hong^Gildong=洪^吉洞=홍^길동
\ISO 2022 IR 58	Zhang^XiaoDong=张^小东
ISO 2022 IR 100\ISO 2022 IR 144\ISO 2022 IR 126	Müller^Люксембург^Διονυσιος
EOF
cat >write.py <<'EOF'
import glob, os, sys, warnings
import pydicom
warnings.simplefilter('ignore')
# pydicom 2.3 writes GB 2312 without its escape sequence
pydicom.charset.custom_encoders['iso_ir_58'] = lambda v, errors='strict': b'\x1b$)A' + v.encode('gb2312', errors=errors)
base = next(f for f in glob.glob('base/**/*', recursive=True) if os.path.isfile(f) and not f.endswith('DICOMDIR'))
def put(path, n, declared, edit):
    d = pydicom.dcmread(base)
    d.InstitutionName = d.ReferringPhysicianName = 'Plain'	# were in Latin-1
    d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = '%s.%d' % (d.StudyInstanceUID, n)
    d.SpecificCharacterSet = declared.split('\\') if '\\' in declared else declared
    edit(d)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    d.save_as(path)
for n, line in enumerate(open('names', encoding='utf-8')):
    declared, name = line.rstrip('\n').split('\t')
    def edit(d):
        d.PatientName = name
        d.OtherPatientNames = [name, 'Plain', name]
        d.StudyDescription = name.split('=')[-1][:10]
        item = pydicom.Dataset()
        item.PatientComments = name + ' ' + name
        d.RequestAttributesSequence = []
        d.ReferencedPatientSequence = [item]
    put('all/%02d' % n, n, declared, edit)
# bytes that pydicom would not write: the name of the same length, put in its place
for n, (folder, declared, raw) in enumerate([('unknown', '\\ISO 2022 IR 87', b'Yamada=\x1b$A!!'), ('cut', '\\ISO 2022 IR 87', b'Yamad=\x1b$'),
        ('absent', '\\ISO 2022 IR 87', b'Hong=\x1b$)C\xfb\xf3'), ('half', '\\ISO 2022 IR 149', b'Hong=\x1b$)C\xfb'),
        ('utf8', 'GB18030', 'Wang=王小东'.encode()), ('korean', '\\ISO 2022 IR 149', b'Hong=\xfb\xf3^\xd1\xce\xd4\xd7')]):
    filler = 'X' * (len(raw) + len(raw) % 2)
    put('%s/1' % folder, 100 + n, declared, lambda d: setattr(d, 'PatientName', filler))
    whole = open('%s/1' % folder, 'rb').read()
    assert whole.count(filler.encode()) == 1
    open('%s/1' % folder, 'wb').write(whole.replace(filler.encode(), raw.ljust(len(filler))))
put('none/1', 200, 'LATIN1', lambda d: None)
EOF
/usr/bin/python3 write.py
status 'retag: 0' 0 mri-retag --order order.json -o made all
cat >read.py <<'EOF'
import sys, warnings
import pydicom
warnings.simplefilter('ignore')
def raw(d, tag):
    e = d.get_item(tag)
    return (e.value or b'').decode('utf-8').rstrip(' \0')
for n, line in enumerate(open('names', encoding='utf-8')):
    declared, name = line.rstrip('\n').split('\t')
    d = pydicom.dcmread('made/1/%05d.dcm' % (n + 1))
    said = [str(d.SpecificCharacterSet)]
    texts = [raw(d.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0], 'PatientName'), raw(d, 'StudyDescription')]
    texts += raw(d, 'OtherPatientNames').split('\\')
    texts += raw(d.ReferencedPatientSequence[0], 'PatientComments').split(' ')
    want = [name, name.split('=')[-1][:10], name, 'Plain', name, name, name]
    print('%s %s %s' % (said[0], declared, 'same' if texts == want and raw(d, 'PatientName') == 'Łukasz^กา' else texts))
EOF
/usr/bin/python3 read.py >got
cut -f 1 names | sed 's/^/ISO_IR 192 /; s/$/ same/' >want
ok 'names, descriptions and nested texts of every set are the same in UTF-8' cmp want got
diff want got || :

# refused FOLDER WHY: by name, the tag and what to do; nothing written
refused() {
	status "$1: 65" 65 mri-retag --order order.json -o "out-$1" "$1"
	has "$1: the reason" "$2" err
	has "$1: the advice" 'SpecificCharacterSet=' err
	hasnt "$1: no byte of the name" 'Yamad|Hong|Wang|'"$(printf '\033')" err
	is "$1: nothing written" '' "$(find "out-$1" -type f 2>/dev/null)"
}
refused unknown '\(0010,0010\): byte 7 .*that DICOM does not have'
refused cut '\(0010,0010\): byte 6 .*cut off'
refused absent '\(0010,0010\): byte 5 .*not declared'
refused half '\(0010,0010\): byte 9 .*half a character'
refused utf8 "\(0010,0010\): byte 5 .*'GB18030': it is UTF-8"
refused korean '\(0010,0010\): byte 5 .*no set is designated'
refused none "'LATIN1' is none of DICOM"

# what an operator knows: Korean without escapes; UTF-8 that was declared as something else
status 'said to be what it is: 0' 0 mri-retag --order order.json --set 'SpecificCharacterSet=ISO 2022 IR 149' -o out-ko korean
status 'UTF-8 after all: 0' 0 mri-retag --order order.json --set 'SpecificCharacterSet=ISO_IR 192' -o out-u utf8
ok 'the names' /usr/bin/python3 - <<'EOF'
import pydicom
for folder, name in ('ko', 'Hong=洪^吉洞'), ('u', 'Wang=王小东'):
    d = pydicom.dcmread('out-%s/1/00001.dcm' % folder)
    assert d.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0].PatientName == name
EOF
status 'a set that DICOM does not have: 78' 78 mri-retag --order order.json --set 'SpecificCharacterSet=UTF-8' -o out-x all
has 'those that it has are named' 'GB18030' err
done_testing
