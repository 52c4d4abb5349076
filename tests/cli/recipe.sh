# The language of recipes: jing judges the form.
# tests/recipes/good is right; bad is broken in one way that jing sees too; meaning has the right form and no sense.
# The first line of what is broken says where it has to be found, and words of the message.
set -eu
. "$SRC/tests/lib.sh"
cd "$SRC"
installed=$TMPDIR/root/usr/share/mri-tools/recipes
# jing, without the wrapper that wants a screen
judge() { java -XX:TieredStopAtLevel=1 -jar /usr/share/java/jing.jar share/recipe.rng "$@" 2>/dev/null || :; }

make -s install-data DESTDIR="$TMPDIR/root" PREFIX=/usr >/dev/null
is 'installed: the recipes and the schema' 'dlx.xml example-form.xml example-json.xml recipe.rng' \
    "$(ls "$installed" | tr '\n' ' ' | sed 's/ $//')"
right="tests/recipes/good/*.xml tests/recipes/meaning/*.xml $installed/*.xml"
# jing stops at the first file that is no XML: those have names of their own, and expat as their judge.
formed=$(ls tests/recipes/bad/*.xml | grep -v /xml-)
# shellcheck disable=SC2086
judge $right >"$TMPDIR/jing-right"
is 'jing takes all that has the right form' '' "$(cat "$TMPDIR/jing-right")"
# shellcheck disable=SC2086
judge $formed >"$TMPDIR/jing-bad"
for f in $formed; do
	ok "jing refuses $(basename "$f" .xml)" grep -qF "$f:" "$TMPDIR/jing-bad"
done
for f in tests/recipes/bad/xml-*.xml; do
	ok "expat refuses $(basename "$f" .xml)" not /usr/bin/python3 -c 'import sys, xml.parsers.expat as e
try: e.ParserCreate().Parse(open(sys.argv[1], "rb").read(), True)
except e.ExpatError: sys.exit(1)' "$f"
done
ok 'sixty recipes and more, half of them broken' sh -c 'cd tests/recipes; g=$(ls good | wc -l); b=$(ls bad | wc -l)
	test $g -ge 30 && test $b -ge 30'
done_testing
