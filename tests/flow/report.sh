#!/bin/sh
# The report of mri-check in Chromium: its widths, colours, paper, and that it asks for nothing.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
HOME=$TMPDIR; MRI_SPOOL=$TMPDIR/spool
export HOME MRI_SPOOL
PATH=$MRI_BIN:$MRI_TOOL:$PATH

mri-spool init --organisation Test "$MRI_SPOOL" >/dev/null 2>&1
long=$(printf '%060d' 0 | tr 0 W)
printf '{"v":1,"ref":"T1","basis":{"kind":"consent","reference":"form 7"},"patient":{"id":"4711","name":"%s^J",' "$long" >o.json
printf '"birth_date":"1970-01-02"},"studies":[{"modality":"CT"}],"want":{"studies":"all"}}\n' >>o.json
mkstudy --zip a.zip --patient-name "${long}X^J" --birth 1970-02-01 --series 6 --slices 2 --stranger 1 --pdf "$long.pdf" --junk
mri-fetch --order o.json a.zip | mri-unpack 2>/dev/null | head -1 >item
status "an item that is held" 1 mri-check --accept complete --reason "$long" --report held.html "$(cat item)"

# What would be found in a page that does all of it wrong
cat >wrong.html <<'EOF'
<!DOCTYPE html><html lang="en"><body style="width:2000px"><p style="color:#ccc">pale</p><script>1</script>
<img src="http://elsewhere.example/x.png" alt="x"></body></html>
EOF
/usr/bin/python3 "$SRC/tests/tool/pagelook.py" . held.html wrong.html >looked
for look in 1280-light 390-light 390-dark; do
	has "$look: nothing stands out of the window" "^held overflow-$look 0\$" looked
	has "$look: text is readable on its ground" "^held contrast-$look ([5-9]|4\\.[5-9]|1[0-9]|2[01])" looked
	has "$look: no script" "^held scripts-$look 0\$" looked
	has "$look: every picture is shown" "^held pictures-$look 6/6\$" looked
done
is "asked for the file and its pictures" 'held requests data file' "$(grep '^held requests' looked)"
is "which is not true of every page" 'wrong requests file http' "$(grep '^wrong requests' looked)"
hasnt "nor the rest" '^wrong (overflow|scripts)-[a-z0-9-]* 0$|^wrong contrast-[a-z0-9-]* ([5-9]|1[0-9])' looked
pdfinfo held.pdf >info
has "printed on A4" '^Page size: .*\(A4\)$' info
pdftotext -layout held.pdf text
for part in Held Who Rules Study '6 series' '1 document' 'Set aside' 'About this item' 'not for diagnosis'; do
	has "printed: $part" "$part" text
done
done_testing
