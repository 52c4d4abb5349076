# Third-party pixel data: every frame decoded, or the reason why not, as it was looked at before; one CT in all transfer
# syntaxes gives the same pixels where nothing was lost; mri-check --deep survives all of it.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
export HOME="$TMPDIR/home" LC_ALL=C
unset MRI_SPOOL MRI_CONFIG 2>/dev/null || :
mkdir home
: "${CORPUS:?}"

# A file a line, by tabs: path, frames decoded, SHA-256 over their sums (16 digits), what is said of the others.
find "$CORPUS/dicom" -type f | sort >list
tr '\n' '\0' <list | xargs -0 "$MRI_TOOL/framesum" >sums 2>err || :
/usr/bin/python3 - "$CORPUS" >table <<'P'
import hashlib, sys
files = {}
for line in open('sums', errors='replace'):
    line = line.rstrip('\n')
    if line.startswith(sys.argv[1]):
        path = line[len(sys.argv[1]) + 1:]
        files[path] = ([], {})
    else:
        word = line.split()
        if word[1] in ('not', 'none:', 'damaged:'):
            reasons = files[path][1]
            said = line.split(' ', 1)[1]
            reasons[said] = reasons.get(said, 0) + 1
        else:
            files[path][0].append(line)
for path, (sums, reasons) in files.items():
    said = '; '.join(r if n == 1 else '%d times %s' % (n, r) for r, n in reasons.items())
    digest = hashlib.sha256('\n'.join(sums).encode()).hexdigest()[:16] if sums else '-'
    print(path, len(sums), digest, said, sep='\t')
P
is "every file has its line" "$(wc -l <list)" "$(wc -l <table)"
diff "$SRC/tests/corpus/frames.tsv" table >differ || :
sed 's/^/# /' differ
is "each of them as it was" 0 "$(grep -c '^[<>]' differ || :)"

# The same slice: what was not lost is the same to the bit, and it is what DCMTK's own programs make of it
ct="$CORPUS/dicom/cornerstone3d/CTImage.dcm"
"$MRI_TOOL/framesum" -p "$ct"_LittleEndianImplicit*.dcm >want
is "512 x 512 of 16 bits" 524288 "$(wc -c <want)"
for ts in BigEndianExplicit DeflatedExplicit JPEGLSLossless JPEGProcess14SV1 JPEGProcess14Transfer LittleEndianExplicit RLELossless; do
	"$MRI_TOOL/framesum" -p "$ct"_"$ts"*.dcm >got
	ok "$ts: the same pixels" cmp -s want got
done
for ts in JPEGLSLossy JPEGProcess10_12 JPEGProcess1Transfer JPEGProcess2_4 JPEGProcess6_8; do
	case $ts in JPEGLS*) dcmdjpls "$ct"_"$ts"*.dcm d.dcm ;; *) dcmdjpeg "$ct"_"$ts"*.dcm d.dcm ;; esac
	"$MRI_TOOL/framesum" -p "$ct"_"$ts"*.dcm >got
	"$MRI_TOOL/framesum" -p d.dcm >theirs
	ok "$ts: as DCMTK decodes it" cmp -s theirs got
done

for d in "$CORPUS"/dicom/*/ "$CORPUS"/series/*/; do
	name=${d%/}; name=${name##*/} got=0
	"$MRI_BIN/mri-check" -n --deep "$d" >out 2>err || got=$?
	ok "$name: judged, no reader died" [ "$got" -lt 128 ]
	hasnt "$name: and none ran out of memory" 'the parser (died|was killed|ran out|used up|ended)' out
	case $d in */series/*) has "$name: its frames decode" '^  readable +pass .* [1-9][0-9]* frames decoded' out ;; esac
done
done_testing
