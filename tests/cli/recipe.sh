# The language of recipes: schema, table and manual say the same. jing judges the form, mri-portal form and meaning.
# tests/recipes/good is right; bad is broken in one way that jing sees too; meaning has the right form and no sense.
# The first line of what is broken says where it has to be found, and words of the message.
set -eu
. "$SRC/tests/lib.sh"
cd "$SRC"
portal=$MRI_BIN/mri-portal
installed=$TMPDIR/root/usr/share/mri-tools/recipes

make -s install-data DESTDIR="$TMPDIR/root" PREFIX=/usr >/dev/null
is 'installed: the recipes and the schema' 'dlx.xml example-form.xml example-json.xml recipe.rng' \
    "$(ls "$installed" | tr '\n' ' ' | sed 's/ $//')"
ok 'installed: the manual' test -s "$TMPDIR/root/usr/share/man/man5/mri-recipe.5"
# The tutorial ends in a whole recipe: it is one of those that have to be right.
mandoc -Tascii -Owidth=120 man/mri-recipe.5 | sed 's/.\x08//g' |
    awk '/<recipe .* id="klinik-example"/ { on = 1 } on { print } /<\/recipe>/ { on = 0 }' >"$TMPDIR/tutorial.xml"

# What is right
good="$(ls tests/recipes/good/*.xml) $(ls "$installed"/*.xml) $TMPDIR/tutorial.xml"
# shellcheck disable=SC2086
status 'what is right: 0' 0 "$portal" check $good
is 'a line each' "$(printf '%s\n' $good | wc -l)" "$(wc -l <"$TMPDIR/out")"
is 'and no message' '' "$(cat "$TMPDIR/err")"
has 'the tutorial ends in a working recipe' "^$TMPDIR/tutorial.xml	klinik-example\$" "$TMPDIR/out"
ok 'sixty recipes and more, half of them broken' sh -c 'cd tests/recipes; test $(ls good | wc -l) -ge 30 -a $(ls bad | wc -l) -ge 30'

# What is broken: one of each kind by itself, then all
status 'wrong form: 78' 78 "$portal" check tests/recipes/bad/attribute-misspelt.xml
has 'file and line' '^mri-portal: tests/recipes/bad/attribute-misspelt.xml:35: ' "$TMPDIR/err"
has 'element and attribute' '<poll>.*evry' "$TMPDIR/err"
has 'the nearest spelling, and what is allowed' 'did you mean "every".* backoff' "$TMPDIR/err"
is 'nothing on stdout' '' "$(cat "$TMPDIR/out")"
status 'wrong meaning: 78' 78 "$portal" check tests/recipes/meaning/xpath-broken.xml
status 'no XML: 78' 78 "$portal" check tests/recipes/bad/xml-cut.xml
status 'one of three: 78' 78 "$portal" check tests/recipes/good/minimal.xml tests/recipes/bad/xml-cut.xml \
    tests/recipes/good/nested.xml
is 'the others are checked' 2 "$(wc -l <"$TMPDIR/out")"
status 'no such file: 66' 66 "$portal" check "$TMPDIR/none.xml"
status 'no file: 64' 64 "$portal" check

# What a link will ask, by a recipe that takes it: without a request
mkdir -p "$TMPDIR/home/.config/mri/recipes"
cp "$installed/example-form.xml" "$TMPDIR/home/.config/mri/recipes/"
probe() { echo "$1" | HOME=$TMPDIR/home "$portal" probe ${2:+--recipe "$2"} - >"$TMPDIR/out" 2>"$TMPDIR/err"; }
ok 'probe: a link that a recipe takes' probe 'https://images.example.org/?code=ABCDEFGH1234'
is 'probe: kind, host, recipe, and what is not in the link' "recipe images.example.org 1 question
recipe $TMPDIR/home/.config/mri/recipes/example-form.xml
asks birthdate Date of birth" "$(tr '\t' ' ' <"$TMPDIR/out")"
ok 'probe: by name' probe https://images.example.org/ example-form
is 'probe: asks for the code' 2 "$(grep -c '^asks' "$TMPDIR/out")"
ok 'probe: a recipe that does not take the link' not probe https://else.example.org/ "$installed/example-form.xml"
has 'probe: is told' 'does not take this link' "$TMPDIR/err"

# Every thirtieth of all the ways to change something in those that are right
mkdir "$TMPDIR/mutant"
/usr/bin/python3 tests/recipes/mutate.py "$TMPDIR/mutant" "${MUTANTS:-29}" tests/recipes/good/*.xml
# jing stops at the first file that is no XML: those have names of their own, and expat as their judge.
formed="$good $(ls tests/recipes/bad/*.xml tests/recipes/meaning/*.xml "$TMPDIR"/mutant/*.xml | grep -v /xml-)"
all="$formed $(ls tests/recipes/bad/xml-*.xml)"
# shellcheck disable=SC2086
java -XX:TieredStopAtLevel=1 -jar /usr/share/java/jing.jar share/recipe.rng $formed >"$TMPDIR/jing" 2>/dev/null || :
# shellcheck disable=SC2086
status 'all, good and bad: 78' 78 "$portal" --json check $all
# shellcheck disable=SC2086
/usr/bin/python3 tests/recipes/verdicts.py "$TMPDIR/jing" "$TMPDIR/out" "$TMPDIR/err" $all >"$TMPDIR/verdicts" 2>&1 || :
is 'jing and the table agree, and each fault is named to the line' \
    "$(printf '%s\n' $all | wc -l) files, $(ls tests/recipes/bad tests/recipes/meaning | grep -c xml) broken, 0 disagreements" \
    "$(tail -n 25 "$TMPDIR/verdicts")"
words=$(/usr/bin/python3 tests/recipes/words.py share/recipe.rng lib/source/recipe_shape.c)
is 'no attribute and no word that only one of them knows' '109 and 109 attributes' "$words"
ok 'the mutants are of both kinds' sh -c 'test $(grep -c /mutant/ "$1") -ge 100 -a $(grep -c "mutant.*\"ok\": *true" "$2") -ge 50' \
    - "$TMPDIR/jing" "$TMPDIR/out"
for f in tests/recipes/bad/xml-*.xml; do
	ok "expat refuses $(basename "$f" .xml)" not /usr/bin/python3 -c 'import sys, xml.parsers.expat as e
try: e.ParserCreate().Parse(open(sys.argv[1], "rb").read(), True)
except e.ExpatError: sys.exit(1)' "$f"
done
done_testing
