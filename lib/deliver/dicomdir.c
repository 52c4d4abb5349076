/* DICOMDIR (PS3.3 F.3, PS3.10 8.6): records of objects, and the file made of them. */
#include "deliver/folder.h"

#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"

/* of this writer: tells our DICOMDIR from others' */
#define IMPLEMENTATION	"2.25.214812730411569123412905473826150293847"
#define VERSION_NAME	"MRI_TOOLS"
#define DICOMDIR_MAX	((size_t)256 << 20)	/* half a million entries */
#define VALUE_MAX	1024	/* of a key attribute; the longest is PN with three groups of 64 characters */
#define OFFSETS		(8 + 12 + 10 + 12)	/* item header, next record, in use, lower level */
#define ITEMS_MAX	((size_t)64 << 10)	/* bytes of a Concept Name Code Sequence */

struct key { uint32_t tag; char vr[3]; bool always; };

static const struct key patient_keys[] = {
	{ TAG(0x0010, 0x0010), "PN", true }, { TAG(0x0010, 0x0020), "LO", true },
	{ TAG(0x0010, 0x0030), "DA", false }, { TAG(0x0010, 0x0040), "CS", false },
};
static const struct key study_keys[] = {
	{ TAG(0x0008, 0x0020), "DA", true }, { TAG(0x0008, 0x0030), "TM", true },
	{ TAG(0x0008, 0x0050), "SH", true }, { TAG(0x0008, 0x1030), "LO", true },
	{ TAG(0x0020, 0x000d), "UI", true }, { TAG(0x0020, 0x0010), "SH", true },
};
static const struct key series_keys[] = {
	{ TAG(0x0008, 0x0060), "CS", true }, { TAG(0x0008, 0x103e), "LO", false },
	{ TAG(0x0020, 0x000e), "UI", true }, { TAG(0x0020, 0x0011), "IS", true },
};
static const struct key image_keys[] = { { TAG(0x0020, 0x0013), "IS", true } };
static const struct key other_keys[] = {
	{ TAG(0x0008, 0x0023), "DA", false }, { TAG(0x0008, 0x0033), "TM", false },
	{ TAG(0x0020, 0x0013), "IS", true }, { TAG(0x0040, 0xa030), "DT", false },
	{ TAG(0x0040, 0xa043), "SQ", false }, { TAG(0x0040, 0xa491), "CS", false },
	{ TAG(0x0040, 0xa493), "CS", false }, { TAG(0x0042, 0x0010), "ST", false },
	{ TAG(0x0042, 0x0012), "LO", false }, { TAG(0x0070, 0x0080), "CS", false },
	{ TAG(0x0070, 0x0081), "LO", false }, { TAG(0x0070, 0x0082), "DA", false },
	{ TAG(0x0070, 0x0083), "TM", false }, { TAG(0x0070, 0x0084), "PN", false },
	{ TAG(0x3004, 0x000a), "CS", false }, { TAG(0x3006, 0x0002), "SH", false },
	{ TAG(0x3006, 0x0008), "DA", false }, { TAG(0x3006, 0x0009), "TM", false },
	{ TAG(0x300a, 0x0002), "SH", false }, { TAG(0x300a, 0x0006), "DA", false },
	{ TAG(0x300a, 0x0007), "TM", false },
};
static const struct key code_keys[] = {
	{ TAG(0x0008, 0x0100), "SH", false }, { TAG(0x0008, 0x0102), "SH", false },
	{ TAG(0x0008, 0x0103), "SH", false }, { TAG(0x0008, 0x0104), "LO", false },
};

/* Record types by SOP class (PS3.3 F.5); images are what is left. Longer prefixes first. */
static const struct { const char *prefix, *type; } types[] = {
	{ "1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC" }, { "1.2.840.10008.5.1.4.1.1.88.", "SR DOCUMENT" },
	{ "1.2.840.10008.5.1.4.1.1.11.", "PRESENTATION" }, { "1.2.840.10008.5.1.4.1.1.9.", "WAVEFORM" },
	{ "1.2.840.10008.5.1.4.1.1.104.", "ENCAP DOC" }, { "1.2.840.10008.5.1.4.1.1.481.2", "RT DOSE" },
	{ "1.2.840.10008.5.1.4.1.1.481.3", "RT STRUCTURE SET" }, { "1.2.840.10008.5.1.4.1.1.481.5", "RT PLAN" },
	{ "1.2.840.10008.5.1.4.1.1.481.4", "RT TREAT RECORD" }, { "1.2.840.10008.5.1.4.1.1.66.1", "REGISTRATION" },
	{ "1.2.840.10008.5.1.4.1.1.66.3", "REGISTRATION" }, { "1.2.840.10008.5.1.4.1.1.66.2", "FIDUCIAL" },
	{ "1.2.840.10008.5.1.4.1.1.66.5", "SURFACE" }, { "1.2.840.10008.5.1.4.1.1.67", "VALUE MAP" },
};

static int put(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t n, struct err *err)
{
	bool wide = strcmp(vr, "SQ") == 0 || strcmp(vr, "OB") == 0;
	char pad = strcmp(vr, "UI") == 0 || strcmp(vr, "OB") == 0 ? '\0' : ' ';
	size_t even = n + (n & 1);
	uint8_t head[12] = { 0 };
	int rc;

	put_le16(head, tag >> 16);
	put_le16(head + 2, tag & 0xffff);
	memcpy(head + 4, vr, 2);
	if (wide)
		put_le32(head + 8, (uint32_t)even);
	else
		put_le16(head + 6, (unsigned)even);
	rc = buf_add(b, head, wide ? 12 : 8, err);
	if (rc == RC_OK && n)
		rc = buf_add(b, value, n, err);
	if (rc == RC_OK && even > n)
		rc = buf_add(b, &pad, 1, err);
	return rc;
}

static int put_text(struct buf *b, uint32_t tag, const char *vr, const char *text, struct err *err)
{
	return put(b, tag, vr, text, strlen(text), err);
}

static int put_u32(struct buf *b, uint32_t tag, uint32_t v, struct err *err)
{
	uint8_t raw[4];

	put_le32(raw, v);
	return put(b, tag, "UL", raw, sizeof raw, err);
}

static int put_u16(struct buf *b, uint32_t tag, unsigned v, struct err *err)
{
	uint8_t raw[2];

	put_le16(raw, v);
	return put(b, tag, "US", raw, sizeof raw, err);
}

/* ---- records of an object ---- */

struct codes { struct buf item, all; unsigned at; };

static int close_item(struct codes *c, struct err *err)
{
	uint8_t head[8] = { 0xfe, 0xff, 0x00, 0xe0 };
	int rc = RC_OK;

	put_le32(head + 4, (uint32_t)c->item.len);
	if (c->item.len)
		rc = buf_add(&c->all, head, sizeof head, err);
	if (rc == RC_OK && c->item.len)
		rc = buf_add(&c->all, c->item.data, c->item.len, err);
	buf_clear(&c->item);
	return rc;
}

static int code(const struct object *o, unsigned item, const struct element *e, void *arg, struct err *err)
{
	struct codes *c = arg;
	char value[VALUE_MAX];
	size_t n = 0;
	int rc = RC_OK;

	if (item != c->at)
		rc = close_item(c, err);
	c->at = item;
	for (size_t i = 0; rc == RC_OK && i < sizeof code_keys / sizeof *code_keys; i++)
		if (code_keys[i].tag == e->tag && e->length != WALK_UNDEFINED) {
			rc = walk_value(o, e, value, sizeof value, &n, err);
			if (rc == RC_OK)
				rc = put(&c->item, e->tag, code_keys[i].vr, value, n, err);
		}
	return rc;
}

static int put_codes(struct buf *b, const struct object *o, const struct element *seq, struct err *err)
{
	struct codes c = { BUF_INIT(ITEMS_MAX), BUF_INIT(ITEMS_MAX), 0 };
	int rc = walk_items(o, seq, code, &c, err);

	if (rc == RC_OK)
		rc = close_item(&c, err);
	if (rc == RC_OK)
		rc = put(b, seq->tag, "SQ", c.all.data, c.all.len, err);
	buf_free(&c.item);
	buf_free(&c.all);
	return rc;
}

static int put_keys(struct buf *b, const struct object *o, const struct key *keys, size_t nkeys,
    struct err *err)
{
	char value[VALUE_MAX];
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < nkeys; i++) {
		const struct element *e = walk_find(o, keys[i].tag);
		size_t n = 0;

		if (!e && !keys[i].always)
			continue;
		if (strcmp(keys[i].vr, "SQ") == 0) {
			rc = put_codes(b, o, e, err);
			continue;
		}
		if (e && e->length != WALK_UNDEFINED)
			rc = walk_value(o, e, value, sizeof value, &n, err);
		if (rc == RC_OK)
			rc = put(b, keys[i].tag, keys[i].vr, value, n, err);
	}
	return rc;
}

static int begin(struct buf *b, const struct object *o, const char *type, struct err *err)
{
	buf_clear(b);
	(void)o;
	return put_text(b, TAG(0x0004, 0x1430), "CS", type, err);
}

static int charset(struct buf *b, const struct object *o, struct err *err)
{
	static const struct key key = { TAG(0x0008, 0x0005), "CS", false };

	return put_keys(b, o, &key, 1, err);
}

#define KEYS(k) (k), sizeof (k) / sizeof *(k)

int fileset_records_make(const struct object *o, struct buf level[FILESET_LEVELS], struct err *err)
{
	static const struct { const char *type; const struct key *keys; size_t n; } upper[] = {
		{ "PATIENT", KEYS(patient_keys) }, { "STUDY", KEYS(study_keys) }, { "SERIES", KEYS(series_keys) },
	};
	struct buf *b = &level[FILESET_OBJECT];
	const char *type = "IMAGE";
	char cls[65], uid[65];
	int rc = walk_text(o, TAG(0x0008, 0x0016), cls, sizeof cls, NULL, err);

	if (rc == RC_OK)
		rc = walk_text(o, TAG(0x0008, 0x0018), uid, sizeof uid, NULL, err);
	for (size_t i = 0; rc == RC_OK && i < sizeof upper / sizeof *upper; i++) {
		rc = begin(&level[i], o, upper[i].type, err);
		if (rc == RC_OK)
			rc = charset(&level[i], o, err);
		if (rc == RC_OK)
			rc = put_keys(&level[i], o, upper[i].keys, upper[i].n, err);
	}
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_starts(cls, types[i].prefix)) {
			type = types[i].type;
			break;
		}
	rc = begin(b, o, type, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0004, 0x1510), "UI", cls, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0004, 0x1511), "UI", uid, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0004, 0x1512), "UI", o->transfer_syntax, err);
	if (rc == RC_OK)
		rc = charset(b, o, err);
	if (rc == RC_OK && strcmp(type, "IMAGE") == 0)
		rc = put_keys(b, o, KEYS(image_keys), err);
	else if (rc == RC_OK)
		rc = put_keys(b, o, KEYS(other_keys), err);
	return rc;
}

/* ---- reading a DICOMDIR of ours ---- */

struct each {
	struct buf level[FILESET_LEVELS];
	struct buf record;
	char path[FILESET_PATH_MAX], type[17];
	unsigned item;
	bool any;
	fileset_entry_fn *cb;
	void *arg;
};

static int end_record(struct each *x, struct err *err)
{
	static const char *const upper[] = { "PATIENT", "STUDY", "SERIES" };
	size_t l = 0;
	int rc = RC_OK;

	if (!x->any)
		return RC_OK;
	while (l < FILESET_OBJECT && strcmp(x->type, upper[l]) != 0)
		l++;
	buf_clear(&x->level[l]);
	rc = buf_add(&x->level[l], x->record.data, x->record.len, err);
	if (rc == RC_OK && l == FILESET_OBJECT)
		rc = x->cb(x->level, x->path, x->arg, err);
	buf_clear(&x->record);
	x->path[0] = x->type[0] = '\0';
	return rc;
}

static int record_element(const struct object *o, unsigned item, const struct element *e, void *arg,
    struct err *err)
{
	struct each *x = arg;
	size_t n = (size_t)(e->end - e->off), got = 0;
	char value[VALUE_MAX];
	int rc = RC_OK;

	if (x->any && item != x->item)
		rc = end_record(x, err);
	x->any = true;
	x->item = item;
	if (rc != RC_OK || e->tag == TAG(0x0004, 0x1400) || e->tag == TAG(0x0004, 0x1410) ||
	    e->tag == TAG(0x0004, 0x1420))
		return rc;
	if (e->tag == TAG(0x0004, 0x1430) || e->tag == TAG(0x0004, 0x1500)) {
		rc = walk_value(o, e, value, sizeof value - 1, &got, err);
		if (rc != RC_OK)
			return rc;
		value[got] = '\0';
		text_trim(value);
		if (e->tag == TAG(0x0004, 0x1500)) {
			for (char *p = value; *p; p++)
				if (*p == '\\')
					*p = '/';
			return text_copy(x->path, sizeof x->path, value) ? RC_OK
			    : err_set(err, ERR_DATA, "DICOMDIR has a file id that is too long");
		}
		text_copy(x->type, sizeof x->type, value);
	}
	if (n > ITEMS_MAX)
		return err_set(err, ERR_DATA, "DICOMDIR has a record that is too long");
	rc = buf_grow(&x->record, n, err);
	if (rc == RC_OK)
		rc = stream_read_full(o->data, e->off, x->record.data + x->record.len, n, err);
	if (rc == RC_OK)
		x->record.len += n;
	return rc;
}

int fileset_index_each(const struct object *o, fileset_entry_fn *cb, void *arg, struct err *err)
{
	struct each x = { .cb = cb, .arg = arg, .record = BUF_INIT(ITEMS_MAX * 2) };
	const struct element *seq = walk_find(o, TAG(0x0004, 0x1220));
	char by[65];
	int rc = walk_text(o, TAG(0x0002, 0x0012), by, sizeof by, NULL, err);

	for (size_t i = 0; i < FILESET_LEVELS; i++)
		x.level[i] = (struct buf)BUF_INIT(ITEMS_MAX * 2);
	if (rc == RC_OK && strcmp(by, IMPLEMENTATION) != 0) {
		rc = err_set(err, ERR_CANTCREAT, "the folder holds a DICOMDIR of another program");
		err_advise(err, "name an empty folder");
	}
	if (rc == RC_OK && seq)
		rc = walk_items(o, seq, record_element, &x, err);
	if (rc == RC_OK)
		rc = end_record(&x, err);
	for (size_t i = 0; i < FILESET_LEVELS; i++)
		buf_free(&x.level[i]);
	buf_free(&x.record);
	return rc;
}

/* ---- the file ---- */

/* Value of a key in a record of ours; they are explicit, short form, and whole. */
static const uint8_t *find(const struct buf *b, uint32_t tag, size_t *n)
{
	const uint8_t *p = (const uint8_t *)b->data;
	size_t pos = 0;

	while (pos + 8 <= b->len) {
		uint32_t t = (uint32_t)get_le16(p + pos) << 16 | get_le16(p + pos + 2);
		bool wide = memcmp(p + pos + 4, "SQ", 2) == 0;
		size_t head = wide ? 12 : 8;
		size_t len = wide && pos + 12 <= b->len ? get_le32(p + pos + 8) : get_le16(p + pos + 6);

		if (pos + head > b->len || len > b->len - pos - head)
			break;
		if (t == tag) {
			*n = len;
			return p + pos + head;
		}
		pos += head + len;
	}
	*n = 0;
	return (const uint8_t *)"";
}

static int compare(const struct fileset_entry *a, const struct fileset_entry *b, int level)
{
	static const uint32_t key[] = { TAG(0x0010, 0x0020), TAG(0x0020, 0x000d), TAG(0x0020, 0x000e) };
	size_t m = 0, n = 0;
	const uint8_t *x = find(&a->records.level[level], key[level], &m);
	const uint8_t *y = find(&b->records.level[level], key[level], &n);
	int c = memcmp(x, y, m < n ? m : n);

	return c ? c : (m > n) - (m < n);
}

static int order(const void *a, const void *b)
{
	const struct fileset_entry *x = a, *y = b;

	for (int l = 0; l < FILESET_OBJECT; l++) {
		int c = compare(x, y, l);
		if (c)
			return c;
	}
	return strcmp(x->path, y->path);
}

struct node { const struct buf *bytes; const char *path; int level; size_t next, child; uint32_t off; };

static int file_id(const char *path, char out[FILESET_PATH_MAX])
{
	text_copy(out, FILESET_PATH_MAX, path);
	for (char *p = out; *p; p++)
		if (*p == '/')
			*p = '\\';
	return (int)strlen(out);
}

static size_t node_size(const struct node *n)
{
	size_t id = n->path ? strlen(n->path) : 0;

	return OFFSETS + n->bytes->len + (n->path ? 8 + id + (id & 1) : 0);
}

/* Depth first: a record, then all below it. `next` and `child` are numbers of nodes, 0 none (node 0 is no
 * record). */
static size_t tree(struct fileset_entry *v, size_t n, struct node *nodes)
{
	size_t last[FILESET_LEVELS] = { 0 }, at = 0;

	for (size_t i = 0; i < n; i++) {
		int from = 0;

		while (i && from < FILESET_OBJECT && compare(&v[i - 1], &v[i], from) == 0)
			from++;
		for (int l = from; l < FILESET_LEVELS; l++) {
			struct node *node = &nodes[++at];
			*node = (struct node){ &v[i].records.level[l], l == FILESET_OBJECT ? v[i].path : NULL, l, 0, 0, 0 };
			if (last[l])
				nodes[last[l]].next = at;
			else if (l)
				nodes[last[l - 1]].child = at;
			last[l] = at;
			for (int below = l + 1; below < FILESET_LEVELS; below++)
				last[below] = 0;
		}
	}
	return at;
}

static int meta(struct buf *b, struct err *err)
{
	unsigned char raw[16];
	char uid[65], digits[48];
	unsigned __int128 v = 0;
	size_t at = sizeof digits, group;
	int rc = hash_random(raw, sizeof raw, err);

	if (rc != RC_OK)
		return rc;
	memcpy(&v, raw, sizeof v);
	digits[--at] = '\0';
	do {
		digits[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v);
	text_copy(uid, sizeof uid, "2.25.");
	text_copy(uid + 5, sizeof uid - 5, digits + at);	/* a UUID as UID, PS3.5 B.2 */
	rc = buf_grow(b, 132, err);
	if (rc != RC_OK)
		return rc;
	memset(b->data, 0, 128);
	memcpy(b->data + 128, "DICM", 4);
	b->len = 132;
	rc = put_u32(b, TAG(0x0002, 0x0000), 0, err);
	group = b->len;
	if (rc == RC_OK)
		rc = put(b, TAG(0x0002, 0x0001), "OB", "\0\1", 2, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0002, 0x0002), "UI", "1.2.840.10008.1.3.10", err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0002, 0x0003), "UI", uid, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0002, 0x0010), "UI", "1.2.840.10008.1.2.1", err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0002, 0x0012), "UI", IMPLEMENTATION, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0002, 0x0013), "SH", VERSION_NAME, err);
	if (rc == RC_OK)
		put_le32((uint8_t *)b->data + group - 4, (uint32_t)(b->len - group));
	return rc;
}

static int put_node(struct buf *b, const struct node *nodes, const struct node *n, struct err *err)
{
	uint8_t head[8] = { 0xfe, 0xff, 0x00, 0xe0 };
	char id[FILESET_PATH_MAX];
	size_t type = 8 + (size_t)get_le16((const uint8_t *)n->bytes->data + 6);	/* (0004,1430) */
	int rc;

	put_le32(head + 4, (uint32_t)(node_size(n) - 8));
	rc = buf_add(b, head, sizeof head, err);
	if (rc == RC_OK)
		rc = put_u32(b, TAG(0x0004, 0x1400), n->next ? nodes[n->next].off : 0, err);
	if (rc == RC_OK)
		rc = put_u16(b, TAG(0x0004, 0x1410), 0xffff, err);
	if (rc == RC_OK)
		rc = put_u32(b, TAG(0x0004, 0x1420), n->child ? nodes[n->child].off : 0, err);
	if (rc == RC_OK)
		rc = buf_add(b, n->bytes->data, type, err);
	if (rc == RC_OK && n->path)
		rc = put(b, TAG(0x0004, 0x1500), "CS", id, (size_t)file_id(n->path, id), err);
	if (rc == RC_OK)
		rc = buf_add(b, n->bytes->data + type, n->bytes->len - type, err);
	return rc;
}

int fileset_index_build(struct fileset_entry *v, size_t n, struct buf *b, struct err *err)
{
	struct node *nodes = calloc(n * FILESET_LEVELS + 1, sizeof *nodes);
	size_t count = 0, size = 0, root = 0, sequence = 0;
	uint8_t head[12] = { 0x04, 0, 0x20, 0x12, 'S', 'Q' };
	int rc = RC_OK;

	b->max = DICOMDIR_MAX;
	if (!nodes)
		return err_set(err, ERR_TEMP, "no memory for a DICOMDIR");
	for (size_t i = 0; i < n; i++)
		for (size_t l = 0; l < FILESET_LEVELS; l++)
			if (v[i].records.level[l].len < 8) {
				rc = err_set(err, ERR_INTERNAL, "an entry without records");
				goto out;
			}
	if (n)
		qsort(v, n, sizeof *v, order);
	count = tree(v, n, nodes);
	rc = meta(b, err);
	if (rc == RC_OK)
		rc = put_text(b, TAG(0x0004, 0x1130), "CS", "", err);
	if (rc != RC_OK)
		goto out;
	sequence = b->len + 12 + 12 + 10 + sizeof head;
	for (size_t i = 1; i <= count; i++) {
		nodes[i].off = (uint32_t)(sequence + size);
		size += node_size(&nodes[i]);
		if (nodes[i].level == FILESET_PATIENT)
			root = i;
	}
	if (sequence + size > DICOMDIR_MAX) {
		rc = err_set(err, ERR_DATA, "the folder holds too many objects for a DICOMDIR");
		goto out;
	}
	rc = put_u32(b, TAG(0x0004, 0x1200), count ? nodes[1].off : 0, err);
	if (rc == RC_OK)
		rc = put_u32(b, TAG(0x0004, 0x1202), root ? nodes[root].off : 0, err);
	if (rc == RC_OK)
		rc = put_u16(b, TAG(0x0004, 0x1212), 0, err);
	put_le32(head + 8, (uint32_t)size);
	if (rc == RC_OK)
		rc = buf_add(b, head, sizeof head, err);
	for (size_t i = 1; rc == RC_OK && i <= count; i++)
		rc = put_node(b, nodes, &nodes[i], err);
out:
	free(nodes);
	return rc;
}
