# Links from a letter: mri-fetch --qr, zbarimg in a pipe, and what a scanner types.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
fetch=$MRI_BIN/mri-fetch
portal_pid=
trap '[ -z "$portal_pid" ] || kill "$portal_pid" 2>/dev/null || :' EXIT
page() { /usr/bin/python3 "$SRC/tests/tool/qrpage.py" "$@"; }
printf '[spool]\norganisation = Test\n[net]\nallow = 127.0.0.0/8 ::1\n' >mri.conf
export MRI_CONFIG="$TMPDIR/mri.conf"

mkdir portal
"$MRI_TOOL/portal" --make-cert portal
printf '%%PDF-1.4\nletter\n%%%%EOF\n' >portal/r.pdf
port=$(free_port)
cat >portal/portal.json <<END
{"port":$port,"cert":"portal.pem","log":"requests.log","token":"tok-3f9a","base":"/api","questions":[],"items":[],
 "quirks":[],"patient":{"name":"a","birth_date":"1970-01-01","sex":"M"},"files":{"/share/r":"r.pdf"}}
END
"$MRI_TOOL/portal" portal/portal.json >port.txt 2>portal.err &
portal_pid=$!
wait_for 10 grep -q port port.txt
link=https://localhost:$port/share/r
run() { "$fetch" --cacert portal/ca.pem --basis consent --reference 'form 1' "$@"; }
plan() { run --json -n -o out "$@"; }
links() { jq -r 'select(.type=="plan").from' out | tr '\n' ' '; }
bytes() { printf "$1"; }

# Pictures
page letter.png "$link"
page --grey photo.pgm "$link"
cjpeg -quality 40 -outfile photo.jpg photo.pgm
cjpeg -progressive -outfile progressive.jpg photo.pgm
page letter.pdf "$link"
for f in letter.png photo.jpg progressive.jpg letter.pdf; do
	status "a code in $f" 0 run -o "from-$f" --qr "$f"
	ok "gives what is behind the link: $f" cmp -s portal/r.pdf "from-$f/001.pdf"
done
page two.png "$link" 'https://b.example/x' 'no link at all' 'https://b.example/x'
status "several codes in one picture" 0 plan --qr two.png
is "all that are links, each once" "b.example localhost " "$(jq -r 'select(.type=="plan").from' out | sort | tr '\n' ' ')"
page pages.pdf 'only words' 'https://b.example/x' 'QR-Code:https://c.example/y'
status "several pages" 0 plan --qr pages.pdf
is "are looked at" "b.example c.example " "$(links)"
payload=$(printf '{"url":"https://shl.example/m","key":"rxTgYlOaKJPFtcEd0qcceN8wEU4p94SqAwIWQe6uX7Q","flag":"L"}' | base64 -w0 | tr '+/' '-_' | tr -d =)
page shl.png "https://viewer.example/#shlink:/$payload"
status "a SMART Health Link as code" 0 plan --qr shl.png
is "leads to its server" "shl.example " "$(links)"

# Pictures without a link
page words.png 'only words'
status "a code that is no link" 65 plan --qr words.png
has "is told" 'hold no link' err
page empty.png
status "no code" 65 plan --qr empty.png
has "says what to try" '300 dpi' err
cp "$SRC/README" text.png
status "no picture" 65 plan --qr text.png
has "says what it is" 'no picture that is read: text' err
status "no such file" 66 plan --qr missing.png
head -c 700 letter.png >cut.png
status "a PNG that ends early" 65 plan --qr cut.png
head -c 300 photo.jpg >cut.jpg
status "a JPEG that ends early" 65 plan --qr cut.jpg
head -c 400 letter.pdf >cut.pdf
status "a PDF that ends early" 65 plan --qr cut.pdf
/usr/bin/python3 - <<'END'
import struct, zlib
def chunk(k, d): return struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d))
head = b'\x89PNG\r\n\x1a\n'
open('huge.png', 'wb').write(head + chunk(b'IHDR', struct.pack('>IIBBBBB', 60000, 60000, 8, 0, 0, 0, 0)) + chunk(b'IEND', b''))
open('bomb.png', 'wb').write(head + chunk(b'IHDR', struct.pack('>IIBBBBB', 20000, 20000, 1, 0, 0, 0, 0)) +
    chunk(b'IDAT', zlib.compress(bytes(2501) * 20000, 9)) + chunk(b'IEND', b''))
p = open('photo.jpg', 'rb').read()
i = p.index(b'\xff\xc0')
open('huge.jpg', 'wb').write(p[:i + 5] + b'\xff\xff\xff\xff' + p[i + 9:])
open('page.pdf', 'wb').write(open('letter.pdf', 'rb').read().replace(b'[0 0 595 842]', b'[0 0 9e8 9e8]'))
END
status "a page of any size" 0 plan --qr page.pdf
for f in huge.png bomb.png huge.jpg; do
	status "more than a letter has: $f" 65 plan --qr "$f"
	hasnt "does not kill: $f" 'signal|died' err
done
status "--qr beside a link" 64 plan --qr letter.png "$link"
hasnt "no link in messages" 'share/r|tok-3f9a' err

# In a pipe
zbarimg --nodbus --raw -q letter.png >code 2>/dev/null
is "zbarimg reads it" "$link" "$(cat code)"
run -o piped - <code >out 2>err || :
ok "and gives it on" cmp -s portal/r.pdf piped/001.pdf
zbarimg --nodbus -q letter.png 2>/dev/null | plan - >out 2>err || :
is "with its prefix too" "localhost " "$(links)"

# Typed by a scanner
typed() { bytes "$1" >typed; plan - <typed >out 2>err || echo "status $?"; }
typed 'https://a.example/1\r\nhttps://b.example/2\r\n\r\n'
is "several lines, CR LF" "a.example b.example " "$(links)"
typed 'https://a.example/1\rhttps://b.example/2\r'
is "ended by CR only" "a.example b.example " "$(links)"
typed ']Q1https://a.example/1\n  URL:https://b.example/2\nWEB: HTTPS://C.example/3\n'
is "with what scanners put before it" "a.example b.example c.example " "$(links)"
for wrong in 'https\303\226--portal.example-p_token\302\264abc' 'https\303\266--portal.example' 'https>&&portal.example&p' \
    'httpsM!!portql.exqmple' 'http\303\226--portal.example' 'HTTPS\303\226--PORTAL.EXAMPLE' 'shlink\303\226-ezJ1cmw'; do
	is "a keyboard of another layout: $(bytes "$wrong")" "status 65" "$(typed "$wrong\n")"
	has "is told, with what to do" 'another layout' err
	has "with what to do" 'set the scanner' err
	hasnt "and not repeated" 'portal|ezJ1cmw' err
done
for f in https-report.zip httpd--x https--x http.txt; do
	status "a path is no mistyped link: $f" 0 plan "$f"
	is "but a path: $f" "$f " "$(links)"
done
done_testing
