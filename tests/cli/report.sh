#!/bin/sh
# mri-check --report: the page itself, what is written of strangers into it, where it may go, what it leaves as it is.
set -eu
. "$SRC/tests/lib.sh"
cd "$TMPDIR"
HOME=$TMPDIR; MRI_SPOOL=$TMPDIR/spool
export HOME MRI_SPOOL
PATH=$MRI_BIN:$MRI_TOOL:$PATH

# page FILE: what the page is made of, a word a line; complains of what must not be there
page() {
	/usr/bin/python3 - "$1" <<'EOF'
import html.parser, re, sys
void = {'meta', 'br', 'img', 'link', 'input', 'hr'}
class Page(html.parser.HTMLParser):
    stack, out, level = [], [], 0
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag not in void: self.stack.append(tag)
        if tag in ('script', 'iframe', 'object', 'form', 'link', 'a', 'base', 'svg'): self.out.append('forbidden ' + tag)
        for k, v in attrs:
            if k.startswith('on') or k in ('href', 'srcset', 'style', 'action'): self.out.append('forbidden ' + k)
            if k == 'src': self.out.append('src ' + v[:15])
        if tag == 'img': self.out.append('alt' if a.get('alt') else 'no alt')
        if tag == 'html': self.out.append('lang ' + a.get('lang', ''))
        if tag == 'th' and a.get('scope') not in ('row', 'col'): self.out.append('th without scope')
        if tag in ('h1', 'h2', 'h3', 'h4'):
            n = int(tag[1])
            if n > self.level + 1: self.out.append('heading skips to ' + tag)
            self.level = n
        if tag == 'meta' and a.get('http-equiv'): self.out.append('csp ' + a['content'])
    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag: self.out.append('unbalanced ' + tag)
    def handle_data(self, data):
        if self.stack and self.stack[-1] == 'h2': self.out.append('verdict ' + data)
        if self.stack and self.stack[-1] == 'h3': self.out.append('part ' + data)
p = Page()
text = open(sys.argv[1], encoding='utf-8', errors='strict').read()
p.feed(text); p.close()
print('\n'.join(p.out))
if p.stack: print('open', *p.stack)
if re.search(r'https?:|//[a-z]|url\(|@import', text): print('outside')
EOF
}
order() { # FILE REF BIRTH NAME
	printf '{"v":1,"ref":"%s","basis":{"kind":"consent","reference":"form 7"},"patient":{"id":"4711","issuer":"HOSP",' "$2" >"$1"
	printf '"name":"%s","birth_date":"%s","sex":"M"},"studies":[{"modality":"CT","date":"2026-09-01"}],' "$4" "$3" >>"$1"
	printf '"want":{"studies":"all"}}\n' >>"$1"
}
bring() { # NAME ORDER mkstudy-options...
	_n=$1 _o=$2; shift 2
	mkstudy --zip "$_n.zip" "$@"
	mri-fetch --order "$_o" "$_n.zip" >"$_n.import"
	mri-unpack <"$_n.import" >"$_n.items" 2>/dev/null || :
	head -1 "$_n.items" >"$_n.item"
}
mri-spool init --organisation 'Klinik & Partner' "$MRI_SPOOL" >/dev/null 2>&1

# Held: that is what the page is for
hostile='<script>alert(1)</script>&"'"'"'^J'$(printf '\342\200\256')'rg'
order a.json T1 1970-01-02 'Mueller^Jörg'
bring a a.json --charset utf8 --patient-name "$hostile" --birth 1970-02-01 --slices 3 --series 2 --seed 1 --pdf 'letter <b>.pdf' --junk --cut 2
status "a held item: the exit status of the check" 1 mri-check --json --report held.html "$(cat a.item)"
is "and its receipt" perm "$(jq -r 'select(.type=="receipt").status' out)"
is "the page is for its owner alone" 600 "$(stat -c %a held.html)"
page held.html >held.page
has "it is in English, and says so" '^lang en$' held.page
has "nothing may be loaded or run" "^csp default-src 'none'; img-src data:; style-src 'unsafe-inline'$" held.page
has "the verdict stands above all" '^verdict Held: a person must decide$' held.page
is "then the rest" 'part Who,part Rules,part Study,part 2 series, 6 objects,part 1 document,part Claimed and received,part Set aside,part About this item' \
	"$(grep '^part' held.page | paste -sd,)"
hasnt "nothing of it runs, asks or is left open" '^(forbidden|outside|unbalanced|open|th without|heading|no alt)' held.page
hasnt "a name makes no markup" '<script|letter <b' held.html
has "it is shown as it is" '&#60;script&#62;' held.html
has "what turns the direction is seen" 'J</*[a-z]*>*\\u\{202e\}' held.html
has "the file that was set aside" 'viewer\.exe' held.html
has "the reason of a rule" 'birth date differs: day and month swapped' held.html
has "what differs is marked" '1970-0<mark>1-02</mark>' held.html
has "on both sides" '1970-0<mark>2-01</mark>' held.html
has "when it is purged" 'To be decided before 20' held.html
has "the organisation" 'Klinik &#38; Partner' held.html
is "a picture of a series, with words" '1 1' "$(grep -c '^src data:image/png' held.page) $(grep -c '^alt$' held.page)"
is "not for diagnosis" 1 "$(grep -c 'Not for diagnosis' held.html)"
has "where there is none, why" 'No picture: .*less pixel data' held.html
has "that it leaves the spool is recorded, before and after" '"what":"report".*"why":"exported to a file"' "$MRI_SPOOL/audit/log"
is "once as intent, once as outcome" 2 "$(grep -c '"what":"report"' "$MRI_SPOOL/audit/log")"
hasnt "without a name" 'script' "$MRI_SPOOL/audit/log"

# Where it may go
status "a file that is there stays" 73 mri-check --report held.html "$(cat a.item)"
status "not into the spool" 73 mri-check --report "$MRI_SPOOL/r.html" "$(cat a.item)"
ok "nothing is left there" not test -e "$MRI_SPOOL/r.html"
status "-n writes nothing" 64 mri-check -n --report n.html "$(cat a.item)"
ok "not that either" not test -e n.html
status "no item, no page" 66 mri-check --report none.html "$MRI_SPOOL/import/20260101T000000Z-abcdef"
ok "nor an empty one" not test -e none.html

# Kept in the item, sealed
status "kept in the item" 1 mri-check --report - "$(cat a.item)"
is "sealed" age-encryption.org/v1 "$(head -c 21 "$(cat a.item)/report")"
mri-show --raw report "$(cat a.item)" >kept.html
page kept.html >kept.page
is "it is the same page" "$(grep '^part' held.page)" "$(grep '^part' kept.page)"
has "and says where it lies" 'kept sealed in its import' kept.html
ok "fsck knows it" mri-spool fsck --deep
status "another check takes it away" 0 mri-check --accept patient --accept readable --reason 'passport <seen>' "$(cat a.item)"
ok "it would have said what holds no more" not test -e "$(cat a.item)/report"
status "what was accepted" 0 mri-check --report accepted.html "$(cat a.item)"
has "by whom and why" 'Accepted by <b>[^<]+</b>, 20[^<]*: passport &#60;seen&#62;' accepted.html
has "is a verdict of its own" '<h2>Passed, with what was accepted</h2>' accepted.html

# Several items, one page; without a spool
order b.json T2 1970-01-01 'Adam^Eva'
bring b b.json --patient-name Adam^Eva --slices 2 --studies 2 --seed 3
cat a.item b.items >all
status "all items of a run in one page" 0 sh -c 'mri-check -q --report all.html <all'
is "a verdict each" 3 "$(page all.html | grep -c '^verdict')"
hasnt "still one document" '^(unbalanced|open|forbidden)' "$(page all.html >all.page; echo all.page)"
mkstudy --out folder --slices 2 --seed 4
status "a folder that is in no spool" 1 mri-check --report folder.html folder
has "has its page" '^part 1 series, 2 objects$' "$(page folder.html >folder.page; echo folder.page)"
status "which nothing could keep" 64 mri-check --report - folder

# A page that no check stands behind
mri-check -q --report - "$(head -1 b.items)" >/dev/null
rm "$(head -1 b.items)/check"
status "a report without a check" 1 mri-spool fsck
has "is named by fsck" "study/1 has a report without a check" out
done_testing
