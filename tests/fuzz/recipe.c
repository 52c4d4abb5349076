/* Fuzz target: a recipe's file, its patterns and its templates. main() replays files. */
#include <stdlib.h>
#include <string.h>
#include "source/recipe.h"
#include "source/recipe_regex.h"
#include "source/recipe_text.h"
#include "replay.h"

static void
templates(const char *text)
{
	static const enum recipe_place places[] = { PLACE_PLAIN, PLACE_URL, PLACE_JSON, PLACE_HEADER };
	struct recipe_vars vars = { 0 };
	struct err err = { 0 };
	struct buf out = BUF_INIT((size_t)1 << 20);
	size_t i = 0, k = 0;

	if (vars_set(&vars, "code", "a b\"\\{x}%&\xc3\xbc", false, &err) != RC_OK ||
	    vars_set(&vars, "birthdate", "1970-01-01", false, &err) != RC_OK ||
	    vars_set(&vars, "link", "https://p.example:8443/x?y#z", false, &err) != RC_OK)
		abort();
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		buf_clear(&out);
		if (recipe_expand(text, &vars, places[i], &out, &err) != RC_OK)
			continue;
		for (k = 0; places[i] == PLACE_HEADER && strpbrk(text, "\r\n") == NULL && k < out.len; k++)
			if (out.data[k] == '\r' || out.data[k] == '\n')
				__builtin_trap();
	}
	buf_free(&out);
	vars_free(&vars);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct recipe_findings *fs = calloc(1, sizeof(*fs));
	struct recipe *r = NULL;
	struct recipe_regex *re = NULL;
	struct err err = { 0 };
	char *text = malloc(n + 1);
	int rc = RC_OK;

	if (text == NULL || fs == NULL)
		abort();
	memcpy(text, data, n);
	text[n] = '\0';
	rc = recipe_parse("fuzz.xml", text, n, &r, fs, &err);
	if (rc == RC_OK ? r == NULL || r->id == NULL || r->run == NULL || fs->n > 0 : r != NULL || err.text[0] == '\0')
		__builtin_trap();
	recipe_free(r);
	if (n < 2048) {
		templates(text);
		if (recipe_regex_open(text, &re, &(struct err){ 0 }) == RC_OK)
			recipe_regex_free(re);
	}
	free(fs);
	free(text);
	return 0;
}
