#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"
#include "source/instances.h"

static size_t
slot_of(const struct instances *t, const char *uid)
{
	uint64_t h = UINT64_C(14695981039346656037);	/* FNV-1a; a list that collides is slow, and capped */
	const char *p = NULL;
	size_t i = 0;

	for (p = uid; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (i = (size_t)h % t->nslots; t->slots[i] != 0 && strcmp(t->v[t->slots[i] - 1].uid, uid) != 0;)
		i = (i + 1) % t->nslots;
	return i;
}

struct instance *
instances_find(const struct instances *t, const char *uid)
{
	size_t i = t->nslots > 0 ? slot_of(t, uid) : 0;

	return t->nslots > 0 && t->slots[i] != 0 ? &t->v[t->slots[i] - 1] : NULL;
}

static int
grow(struct instances *t, struct err *err)
{
	size_t cap = t->cap > 0 ? 2 * t->cap : 64, i = 0;
	struct instance *v = realloc(t->v, cap * sizeof(*v));
	size_t *slots = calloc(2 * cap, sizeof(*slots));

	if (v != NULL)
		t->v = v;
	if (v == NULL || slots == NULL) {
		free(slots);
		return err_sys(err, ENOMEM, "cannot hold the list of a study");
	}
	free(t->slots);
	t->slots = slots;
	t->nslots = 2 * cap;
	t->cap = cap;
	for (i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->v[i].uid)] = i + 1;
	return RC_OK;
}

int
instances_add(struct instances *t, const char *uid, struct instance **out, bool *is_new, struct err *err)
{
	struct instance *one = instances_find(t, uid);
	int rc = RC_OK;

	if (is_new != NULL)
		*is_new = one == NULL;
	*out = one;
	if (one != NULL)
		return RC_OK;
	if (t->n == INSTANCES_MAX)
		return err_set(err, ERR_PROTOCOL, "a study of more than %d objects", INSTANCES_MAX);
	if (t->n == t->cap && (rc = grow(t, err)) != RC_OK)
		return rc;
	one = &t->v[t->n];
	memset(one, 0, sizeof(*one));
	text_copy(one->uid, sizeof(one->uid), uid);
	t->slots[slot_of(t, one->uid)] = ++t->n;
	*out = one;
	return RC_OK;
}

void
instances_list(struct instances *t, struct instance *one)
{
	if (!one->listed)
		t->listed++;
	one->listed = true;
}

void
instances_got(struct instances *t, struct instance *one)
{
	if (one->got)
		return;
	one->got = true;
	t->got++;
	t->listed_got += one->listed;
}

void
instances_forget(struct instances *t)
{
	size_t i = 0;

	for (i = 0; i < t->n; i++)
		t->v[i].got = t->v[i].gone = false;
	t->got = t->listed_got = 0;
}

void
instances_free(struct instances *t)
{
	size_t i = 0;

	for (i = 0; i < t->n; i++) {
		if (t->v[i].url != NULL)
			hash_wipe(t->v[i].url, strlen(t->v[i].url));
		free(t->v[i].url);
	}
	free(t->v);
	free(t->slots);
	memset(t, 0, sizeof(*t));
}

static bool
long_form(const unsigned char *vr)	/* PS3.5 7.1.2: two reserved bytes, then four of length */
{
	static const char forms[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
	size_t i = 0;

	for (i = 0; i + 1 < sizeof(forms); i += 2)
		if (memcmp(vr, forms + i, 2) == 0)
			return true;
	return false;
}

bool
instance_uid(const void *head, size_t n, char uid[INSTANCE_UID])
{
	const unsigned char *p = head;
	size_t at = 132, len = 0;

	uid[0] = '\0';
	if (n < at || memcmp(p + 128, "DICM", 4) != 0)
		return false;
	while (n - at >= 12 && p[at] == 2 && p[at + 1] == 0) {
		bool wanted = p[at + 2] == 3 && p[at + 3] == 0;

		if (long_form(p + at + 4)) {
			len = get_le32(p + at + 8);
			at += 12;
		} else {
			len = get_le16(p + at + 6);
			at += 8;
		}
		if (len > n - at)
			return false;
		if (wanted) {
			while (len > 0 && (p[at + len - 1] == '\0' || p[at + len - 1] == ' '))
				len--;
			return len < INSTANCE_UID && memchr(p + at, '\0', len) == NULL &&
			    text_copyn(uid, INSTANCE_UID, (const char *)p + at, len) && text_is_uid(uid);
		}
		at += len;
	}
	return false;
}
