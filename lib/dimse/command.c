#include "dimse/command.h"
#include "base/bytes.h"

#include <string.h>

#define TAG_GROUP_LENGTH	0x00000000u
#define TAG_SOP_CLASS		0x00000002u
#define TAG_FIELD		0x00000100u
#define TAG_MESSAGE		0x00000110u
#define TAG_RESPONDED_TO	0x00000120u
#define TAG_PRIORITY		0x00000700u
#define TAG_DATA_SET_TYPE	0x00000800u
#define TAG_STATUS		0x00000900u
#define TAG_SOP_UID		0x00001000u

#define DATA_SET_FOLLOWS	0x0001
#define UNDEFINED_LENGTH	0xffffffffu
#define TAG_ITEM_DELIMITER	0xfffee00du
#define TAG_SEQUENCE_DELIMITER	0xfffee0ddu
#define TAG_ITEM		0xfffee000u

static int add(struct buf *b, uint32_t tag, const void *value, size_t n, size_t padded, char pad,
    struct err *err)
{
	uint8_t head[8];
	int rc;

	put_le16(head, (uint16_t)(tag >> 16));
	put_le16(head + 2, (uint16_t)tag);
	put_le32(head + 4, (uint32_t)padded);
	rc = buf_add(b, head, sizeof head, err);
	if (rc == RC_OK && n)
		rc = buf_add(b, value, n, err);
	if (rc == RC_OK && padded > n)
		rc = buf_add(b, &pad, 1, err);
	return rc;
}

int dimse_add_text(struct buf *b, uint32_t tag, char pad, const char *text, struct err *err)
{
	size_t n = strlen(text);

	return add(b, tag, text, n, n + (n & 1), pad, err);
}

int dimse_add_u16(struct buf *b, uint32_t tag, uint16_t v, struct err *err)
{
	uint8_t raw[2];

	put_le16(raw, v);
	return add(b, tag, raw, sizeof raw, sizeof raw, 0, err);
}

int dimse_add_item(struct buf *b, uint32_t tag, const void *elements, size_t n, struct err *err)
{
	uint8_t head[16];
	int rc;

	put_le16(head, (uint16_t)(tag >> 16));
	put_le16(head + 2, (uint16_t)tag);
	put_le32(head + 4, (uint32_t)n + 8);
	put_le16(head + 8, (uint16_t)(TAG_ITEM >> 16));
	put_le16(head + 10, (uint16_t)TAG_ITEM);
	put_le32(head + 12, (uint32_t)n);
	rc = buf_add(b, head, sizeof head, err);
	return rc == RC_OK ? buf_add(b, elements, n, err) : rc;
}

int dimse_write_request(struct buf *b, const struct dimse_request *r, struct err *err)
{
	uint8_t length[4] = { 0 };
	int rc;

	buf_clear(b);
	rc = add(b, TAG_GROUP_LENGTH, length, sizeof length, sizeof length, 0, err);
	if (rc == RC_OK)
		rc = dimse_add_text(b, TAG_SOP_CLASS, '\0', r->sop_class, err);
	if (rc == RC_OK)
		rc = dimse_add_u16(b, TAG_FIELD, r->field, err);
	if (rc == RC_OK)
		rc = dimse_add_u16(b, TAG_MESSAGE, r->message, err);
	if (rc == RC_OK && r->field != DIMSE_C_ECHO)
		rc = dimse_add_u16(b, TAG_PRIORITY, 0, err);	/* medium */
	if (rc == RC_OK)
		rc = dimse_add_u16(b, TAG_DATA_SET_TYPE, r->data ? DATA_SET_FOLLOWS : DIMSE_NO_DATA_SET, err);
	if (rc == RC_OK && r->sop_uid)
		rc = dimse_add_text(b, TAG_SOP_UID, '\0', r->sop_uid, err);
	if (rc == RC_OK)	/* (0000,0000) counts what follows it */
		put_le32((uint8_t *)b->data + 8, (uint32_t)(b->len - 12));
	return rc;
}

/* Skips what lies between here and the delimiter of a value of undefined length, nested or not: a query's
 * answer may hold a sequence that was not asked for. Iterative, bounded by the bytes. */
static int skip_undefined(const uint8_t *p, size_t n, size_t *pos, struct err *err)
{
	unsigned depth = 1;

	while (depth) {
		uint32_t tag, len;

		if (n - *pos < 8)
			return err_set(err, ERR_PROTOCOL, "an element of undefined length has no end");
		tag = (uint32_t)get_le16(p + *pos) << 16 | get_le16(p + *pos + 2);
		len = get_le32(p + *pos + 4);
		*pos += 8;
		if (tag == TAG_ITEM_DELIMITER || tag == TAG_SEQUENCE_DELIMITER)
			depth--;
		else if (len == UNDEFINED_LENGTH)
			depth++;
		else if (tag == TAG_ITEM)
			continue;	/* of known length: its elements come next */
		else if (len > n - *pos)
			return err_set(err, ERR_PROTOCOL, "an element is longer than its message");
		else
			*pos += len;
	}
	return RC_OK;
}

int dimse_find(const void *bytes, size_t n, uint32_t want, const uint8_t **value, size_t *len,
    struct err *err)
{
	const uint8_t *p = bytes;
	size_t pos = 0;
	int rc;

	*value = NULL;
	*len = 0;
	while (pos < n) {
		uint32_t tag, length;

		if (n - pos < 8)
			return err_set(err, ERR_PROTOCOL, "a message ends inside an element");
		tag = (uint32_t)get_le16(p + pos) << 16 | get_le16(p + pos + 2);
		length = get_le32(p + pos + 4);
		pos += 8;
		if (length == UNDEFINED_LENGTH) {
			rc = skip_undefined(p, n, &pos, err);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		if (length > n - pos)
			return err_set(err, ERR_PROTOCOL, "an element is longer than its message");
		if (tag == want) {
			*value = p + pos;
			*len = length;
			return RC_OK;
		}
		pos += length;
	}
	return RC_OK;
}

int dimse_find_text(const void *bytes, size_t n, uint32_t tag, char *out, size_t cap, struct err *err)
{
	const uint8_t *value = NULL;
	size_t len = 0;
	int rc = dimse_find(bytes, n, tag, &value, &len, err);

	out[0] = '\0';
	if (rc != RC_OK || !value)
		return rc;
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\0'))
		len--;
	if (len >= cap)
		return err_set(err, ERR_PROTOCOL, "a text of a message is longer than %zu bytes", cap - 1);
	memcpy(out, value, len);
	out[len] = '\0';
	return strlen(out) == len ? RC_OK : err_set(err, ERR_PROTOCOL, "a text of a message holds a NUL");
}

static int find_u16(const void *bytes, size_t n, uint32_t tag, const char *what, uint16_t *v, struct err *err)
{
	const uint8_t *value = NULL;
	size_t len = 0;
	int rc = dimse_find(bytes, n, tag, &value, &len, err);

	if (rc != RC_OK)
		return rc;
	if (!value || len != 2)
		return err_set(err, ERR_PROTOCOL, "a response has no %s", what);
	*v = get_le16(value);
	return RC_OK;
}

int dimse_parse_response(const void *bytes, size_t n, struct dimse_response *r, struct err *err)
{
	uint16_t type = 0;
	int rc = find_u16(bytes, n, TAG_FIELD, "command field", &r->field, err);

	if (rc == RC_OK && !(r->field & DIMSE_RESPONSE))
		return err_set(err, ERR_PROTOCOL, "the peer sent a request (command 0x%04x) where a response is due",
		    r->field);
	if (rc == RC_OK)
		rc = find_u16(bytes, n, TAG_RESPONDED_TO, "message id", &r->message, err);
	if (rc == RC_OK)
		rc = find_u16(bytes, n, TAG_DATA_SET_TYPE, "data set type", &type, err);
	if (rc == RC_OK)
		rc = find_u16(bytes, n, TAG_STATUS, "status", &r->status, err);
	r->data = type != DIMSE_NO_DATA_SET;
	return rc;
}
