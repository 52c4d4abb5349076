# Third-party DICOM files: the walk finds the elements that pydicom finds, and says of the others where they break.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
: "${CORPUS:?}"
cat >compare.py <<'P'
import logging, sys, warnings
import pydicom
warnings.simplefilter('ignore')
logging.disable(logging.CRITICAL)
for line in open(sys.argv[1], errors='surrogateescape'):
    how, path, rest = line.rstrip('\n').split('\t', 2)
    if how == 'FAIL':
        print('refused', path, rest)
        continue
    try:
        other = {'%08x' % int(t) for t in pydicom.dcmread(path, force=True).keys()}
    except Exception as e:
        print('unread', path, type(e).__name__)
        continue
    print('same' if other == set(rest.split(',')) else 'DIFFERS', path)
P
find "$CORPUS/dicom" "$CORPUS/series" -type f | LC_ALL=C sort >all
"$MRI_TOOL/walkinfo" -t <all >walked
/usr/bin/python3 compare.py walked 2>/dev/null | sed "s|$CORPUS/||" >result
grep -E '^(DIFFERS|unread)' result | sed 's/^/# /' || :
is "all $(wc -l <all) files are answered" "$(wc -l <all)" "$(wc -l <result)"
# There pydicom takes letters of a value for those after a preamble.
is "the same elements in $(grep -c ^same result) files" 'DIFFERS dicom/dcm4che/no_preamble_dicm_in_data' \
    "$(grep -E '^(DIFFERS|unread)' result)"
ok 'in more than five hundred' test "$(grep -c ^same result)" -gt 500
# broken FILE WHERE: what breaks, and where
broken() { has "$1" "^refused dicom/$1 broken DICOM at offset $2\$" result; }
broken dcm4che/3gb-bulk-data-truncated '1908, level 1, \(7fe0,0010\): it has 3221225472 bytes, 98080 are left'
broken fileset-pydicom/DICOMDIR-nooffset \
    '10860, level 1, \(fffe,e000\) in \(0004,1220\): it has 248 bytes, 224 are left'
broken pydicom-data/emri_small_jpeg_2k_lossless_too_short.dcm \
    '40316, level 1, in \(7fe0,0010\): ends inside a sequence or item'
broken pydicom/MR_truncated.dcm '1488, level 1, \(7fe0,0010\): it has 8192 bytes, 8130 are left'
broken pydicom/rtplan_truncated.dcm '1410, level 1, \(300a,00b0\): it has 976 bytes, 711 are left'
is 'the others are no DICOM' '' "$(grep ^refused result | grep -vE 'broken DICOM|/(FileInfo|README)\.txt |\.(dump|gz|xml) ' |
    grep -vF 'pydicom/no_meta.dcm')"
done_testing
