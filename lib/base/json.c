#include "base/json.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

/* jansson recurses to its own depth (2048); ours is counted first, on the bytes. */
static bool too_deep(const char *s, size_t n)
{
	size_t depth = 0;
	bool string = false;

	for (size_t i = 0; i < n; i++) {
		if (string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				string = false;
		} else if (s[i] == '"') {
			string = true;
		} else if (s[i] == '[' || s[i] == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((s[i] == ']' || s[i] == '}') && depth) {
			depth--;
		}
	}
	return false;
}

int json_parse(const char *text, size_t len, json_t **out, struct err *err)
{
	json_error_t why;

	*out = NULL;
	if (len > JSON_BYTES_MAX)
		return err_set(err, ERR_DATA, "JSON of more than %zu bytes", JSON_BYTES_MAX);
	if (too_deep(text, len))
		return err_set(err, ERR_DATA, "JSON nested deeper than %d", JSON_DEPTH_MAX);
	*out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!*out) {
		if (json_error_code(&why) == json_error_out_of_memory)
			return err_set(err, ERR_TEMP, "no memory");
		/* why.text quotes the input; line and column do not */
		return err_set(err, ERR_DATA, "not JSON: %s at line %d, column %d",
		    json_error_code(&why) == json_error_duplicate_key ? "a key stands twice" : "syntax error",
		    why.line, why.column);
	}
	return RC_OK;
}

static int add(const char *s, size_t n, void *buf)
{
	struct err ignored;

	return buf_add(buf, s, n, &ignored) ? -1 : 0;
}

int json_write(const json_t *j, struct buf *to, struct err *err)
{
	if (json_dump_callback(j, add, to, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		return err_set(err, ERR_TEMP, "cannot write JSON: no memory");
	return RC_OK;
}

json_t *json_make(struct err *err, const char *fmt, ...)
{
	json_error_t why;
	va_list ap;

	va_start(ap, fmt);
	json_t *j = json_vpack_ex(&why, 0, fmt, ap);
	va_end(ap);
	if (!j) {
		if (json_error_code(&why) == json_error_invalid_utf8)
			err_set(err, ERR_DATA, "text that is not UTF-8 cannot be written as JSON");
		else
			err_set(err, ERR_TEMP, "cannot make JSON: no memory");
	}
	return j;
}

static json_t *member(const json_t *j, const char *key)
{
	json_t *v = json_object_get(j, key);

	return json_is_null(v) ? NULL : v;
}

int json_get_str(const json_t *j, const char *where, const char *key, const char **out, struct err *err)
{
	json_t *v = member(j, key);

	*out = NULL;
	if (!v)
		return RC_OK;
	if (!json_is_string(v))
		return err_set(err, ERR_DATA, "%s: \"%s\" must be a string", where, key);
	if (strlen(json_string_value(v)) != json_string_length(v))
		return err_set(err, ERR_DATA, "%s: \"%s\" holds a NUL character", where, key);
	*out = json_string_value(v);
	return RC_OK;
}

int json_get_int(const json_t *j, const char *where, const char *key, long long dflt, long long *out, struct err *err)
{
	json_t *v = member(j, key);

	*out = dflt;
	if (!v)
		return RC_OK;
	if (!json_is_integer(v))
		return err_set(err, ERR_DATA, "%s: \"%s\" must be a whole number", where, key);
	*out = json_integer_value(v);
	return RC_OK;
}

int json_get_bool(const json_t *j, const char *where, const char *key, bool dflt, bool *out, struct err *err)
{
	json_t *v = member(j, key);

	*out = dflt;
	if (!v)
		return RC_OK;
	if (!json_is_boolean(v))
		return err_set(err, ERR_DATA, "%s: \"%s\" must be true or false", where, key);
	*out = json_is_true(v);
	return RC_OK;
}

int json_get_obj(const json_t *j, const char *where, const char *key, json_t **out, struct err *err)
{
	*out = member(j, key);
	if (*out && !json_is_object(*out))
		return err_set(err, ERR_DATA, "%s: \"%s\" must be an object", where, key);
	return RC_OK;
}

int json_get_arr(const json_t *j, const char *where, const char *key, json_t **out, struct err *err)
{
	*out = member(j, key);
	if (*out && !json_is_array(*out))
		return err_set(err, ERR_DATA, "%s: \"%s\" must be an array", where, key);
	return RC_OK;
}

int json_known_keys(const json_t *j, const char *where, const char *const *keys, size_t n, struct err *err)
{
	const char *key;
	json_t *v;

	if (!json_is_object(j))
		return err_set(err, ERR_DATA, "%s must be a JSON object", where);
	json_object_foreach((json_t *)(uintptr_t)j, key, v) {
		bool known = false;
		for (size_t i = 0; i < n && !known; i++)
			known = strcmp(key, keys[i]) == 0;
		if (!known) {
			char shown[64];
			const char *near = text_nearest(key, keys, n);
			int rc = err_set(err, ERR_DATA, "%s: unknown key \"%s\"", where,
			    text_escape(shown, sizeof(shown), key, strlen(key)));
			if (near)
				err_advise(err, "did you mean \"%s\"?", near);
			return rc;
		}
	}
	return RC_OK;
}

const char *json_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

int json_join(const json_t *array, char between, size_t max, char **out, struct err *err)
{
	struct buf b = BUF_INIT(max);
	const json_t *one = NULL;
	size_t i = 0;
	int rc = RC_OK;

	*out = NULL;
	json_array_foreach((json_t *)array, i, one)
		if (json_is_string(one) && ((b.len > 0 && (rc = buf_add(&b, &between, 1, err)) != RC_OK) ||
		    (rc = buf_puts(&b, json_string_value(one), err)) != RC_OK))
			break;
	if (rc == RC_OK && b.len > 0 && !(*out = text_dup(b.data, err)))
		rc = err_rc(err->kind);
	buf_free(&b);
	return rc;
}
