/* METADATA.XML of IHE XDM as a claim: what it lists, what is refused. */
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/sha.h>
#include "media/xdm.h"

#define HEAD	"<?xml version=\"1.0\"?>\n<lcm:SubmitObjectsRequest " \
	"xmlns:lcm=\"urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0\"" \
	" xmlns=\"urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0\"><RegistryObjectList>"
#define TAIL	"</RegistryObjectList></lcm:SubmitObjectsRequest>"
#define SLOT(n, v) "<Slot name=\"" n "\"><ValueList><Value> " v " </Value></ValueList></Slot>"
#define SHA	"A9993E364706816ABA3E25717850C26C9CD0D89D"
#define DOC(slots) "<ExtrinsicObject id=\"d\" mimeType=\"application/pdf\">" slots "</ExtrinsicObject>"
#define GOOD	SLOT("URI", "DOC%31.PDF") SLOT("size", "3") SLOT("hash", SHA)

static void take(const char *xml, size_t n, struct listing *l)
{
	struct stream *s = NULL;
	struct err err = { 0 };

	assert_int_equal(stream_mem(&s, xml, n, &err), RC_OK);
	listing_init(l, LISTING_XDM);
	assert_int_equal(xdm_read(l, s, &err), RC_OK);
	stream_close(s);
}

static void documents(void **state)
{
	static const char xml[] = HEAD
	    DOC(GOOD "<Slot name=\"sourcePatientInfo\"><ValueList><Value>PID-3|7^^^&amp;1.2&amp;ISO</Value>"
	        "<Value>PID-5|Doe^Ann</Value><Value>PID-7|19700101</Value></ValueList></Slot>"
	        SLOT("referenceIdList", "1.2.3.4^^^^urn:ihe:iti:xds:2013:studyInstanceUID"))
	    DOC("<Slot name=\"URI\"><ValueList><Value>1|../../SUB/</Value><Value>2|B.XML</Value></ValueList></Slot>"
	        SLOT("size", "12") SLOT("hash", SHA)
	        "<ExternalIdentifier "
	        "identificationScheme=\"urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427\" value=\"7^^^&amp;9\"/>")
	    DOC(GOOD SLOT("sourcePatientId", "8^^^&amp;1.2&amp;ISO") SLOT("referenceIdList", "1.2.3.4^^^^urn:other"))
	    TAIL;
	struct listing l;

	(void)state;
	assert_true(xdm_is(xml, sizeof xml - 1));
	take(xml, sizeof xml - 1, &l);
	assert_null(l.broken);
	assert_int_equal(l.nfiles, 3);
	assert_string_equal(l.files[0].path, "DOC1.PDF");
	assert_int_equal(l.files[0].bytes, 3);
	assert_string_equal(l.files[0].sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_string_equal(l.files[0].media, "application/pdf");
	assert_string_equal(l.files[1].path, "../../SUB/B.XML");
	/* the same id is the same patient, with a name or without */
	assert_int_equal(l.npatients, 2);
	assert_string_equal(l.patients[0].name, "Doe^Ann");
	assert_string_equal(l.patients[0].birth, "19700101");
	assert_int_equal(l.files[1].patient, 0);
	assert_string_equal(l.patients[1].id, "8");
	assert_int_equal(l.nstudies, 1);
	assert_string_equal(l.studies[0].uid, "1.2.3.4");
	assert_int_equal(l.files[0].study, 0);
	assert_int_equal(l.files[2].study, -1);
	listing_free(&l);
}

#define INFO(v)	"<Slot name=\"sourcePatientInfo\"><ValueList>" v "</ValueList></Slot>"
#define V(v)	"<Value>" v "</Value>"
#define OWNER(v) "<ExternalIdentifier identificationScheme=\"urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427\" value=\"" \
	v "\"/><ExternalIdentifier identificationScheme=\"urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab\" value=\"1.2.9\"/>"
#define STUDY(v) SLOT("referenceIdList", v "^^^^urn:ihe:iti:xds:2013:studyInstanceUID")
#define DIGITS	"1234567890123456789012345678901234567890123456789012345678901234"

static void append(char *to, const char *what)
{
	memcpy(to + strlen(to), what, strlen(what) + 1);
}

/* Whose a document is: the first of what is said of a patient, and its own id before that of where it comes from. */
static void owners(void **state)
{
	static const char xml[] = HEAD
	    DOC(GOOD INFO(V("PID-3|7^^^A") V("PID-3|8") V("PID-5|Doe^Ann") V("PID-5|Roe^Bob") V("PID-7|19700101")
	        V("PID-7|19990101")))
	    DOC(GOOD SLOT("sourcePatientId", "99^^^A") OWNER("7^^^B"))
	    DOC(GOOD INFO(V("PID-5|Roe^Bob") V("PID-7|1970")) OWNER("7^^^B"))	/* another name: another patient */
	    DOC(GOOD OWNER("5^^^B"))
	    DOC(GOOD INFO(V("PID-5|Poe^Eve")) OWNER("5^^^B"))	/* the name came later */
	    DOC(GOOD INFO(V("PID-5|Coe^Cy") V("PID-7|19700101")))
	    DOC(GOOD INFO(V("PID-5|Coe^Cy") V("PID-7|19710101")))	/* no id, and another birth */
	    DOC(GOOD) TAIL;
	static const int of[] = { 0, 0, 1, 2, 2, 3, 4, -1 };
	struct listing l;

	(void)state;
	take(xml, sizeof xml - 1, &l);
	assert_null(l.broken);
	assert_int_equal(l.nfiles, 8);
	assert_int_equal(l.npatients, 5);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(l.files[i].patient, of[i]);
	assert_string_equal(l.patients[0].id, "7");
	assert_string_equal(l.patients[0].name, "Doe^Ann");
	assert_string_equal(l.patients[0].birth, "19700101");
	assert_string_equal(l.patients[1].name, "Roe^Bob");
	assert_string_equal(l.patients[1].birth, "");	/* a year is no date */
	listing_free(&l);
}

/* What is at the edge of being readable. */
static void edges(void **state)
{
	static const char xml[] = HEAD
	    DOC(SLOT("URI", "A%00B%4") SLOT("size", "5000000000") SLOT("hash", SHA) STUDY("1.2." DIGITS))
	    DOC(GOOD STUDY("1.2.x")) DOC(GOOD STUDY("1.2.3")) TAIL;
	static const char head[] = "<SubmitObjectsRequest";
	char late[4096], nested[1024];
	struct listing l;

	(void)state;
	take(xml, sizeof xml - 1, &l);
	assert_null(l.broken);
	assert_string_equal(l.files[0].path, "A%00B%4");	/* what stands for no letter stays as it is */
	assert_true(l.files[0].bytes == 5000000000);
	assert_int_equal(l.nstudies, 1);	/* neither a UID that is too long nor a part of it */
	assert_string_equal(l.studies[0].uid, "1.2.3");
	listing_free(&l);
	for (size_t deep = XDM_DEPTH_MAX - 1; deep <= XDM_DEPTH_MAX; deep++) {
		memcpy(nested, "<SubmitObjectsRequest>", 23);
		for (size_t i = 0; i < deep; i++)
			append(nested, "<a>");
		for (size_t i = 0; i < deep; i++)
			append(nested, "</a>");
		append(nested, "</SubmitObjectsRequest>");
		take(nested, strlen(nested), &l);
		if (deep < XDM_DEPTH_MAX)
			assert_null(l.broken);
		else
			assert_string_equal(l.broken, "elements that are nested more than 32 deep");
		listing_free(&l);
	}
	assert_true(xdm_is(head, sizeof head - 1));
	assert_false(xdm_is(head + 1, sizeof head - 2));
	memset(late, ' ', sizeof late);
	memcpy(late + 2048 - 21, head, 21);
	assert_true(xdm_is(late, sizeof late));
	memset(late, ' ', sizeof late);
	memcpy(late + 2048 - 20, head, 21);
	assert_false(xdm_is(late, sizeof late));
}

static void refused(void **state)
{
	static const struct { const char *xml, *why; size_t files; } v[] = {
		{ "<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"file:///etc/passwd\"><SubmitObjectsRequest/>", "DOCTYPE", 0 },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><SubmitObjectsRequest>&x;</SubmitObjectsRequest>", "DOCTYPE", 0 },
		{ HEAD DOC(GOOD), "no well-formed XML", 0 },
		{ "", "no well-formed XML", 0 },
		{ "<a/>", "no submission set", 0 },
		{ "<SubmitObjectsRequest>&undeclared;</SubmitObjectsRequest>", "no well-formed XML", 0 },
		{ HEAD DOC(SLOT("size", "3") SLOT("hash", SHA)) DOC(GOOD) TAIL, "without a URI", 1 },
		{ HEAD DOC("<Slot name=\"URI\"><ValueList><Value>a</Value><Value>b</Value></ValueList></Slot>") TAIL,
		    "a URI that cannot be read", 1 },
		{ HEAD DOC(SLOT("URI", "A") SLOT("size", "-3") SLOT("hash", SHA)) TAIL, "a size that is no number", 1 },
		{ HEAD DOC(SLOT("URI", "A") SLOT("size", "3") SLOT("hash", "abc")) TAIL, "a hash that is no SHA-1", 1 },
		{ HEAD DOC(SLOT("URI", "A") SLOT("size", "3")) TAIL, "without size or hash", 1 },
		{ HEAD DOC(SLOT("URI", "A") SLOT("hash", SHA)) TAIL, "without size or hash", 1 },
		{ HEAD DOC(SLOT("URI", "A") SLOT("size", "9223372036854775808") SLOT("hash", SHA)) TAIL, "no number", 1 },
	};
	struct listing l;
	char *deep = calloc(1, 4000), *big = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		take(v[i].xml, strlen(v[i].xml), &l);
		assert_non_null(l.broken);
		if (!strstr(l.broken, v[i].why))
			fail_msg("%zu: %s", i, l.broken);
		assert_int_equal(l.nfiles, v[i].files);
		listing_free(&l);
	}
	memcpy(deep, "<SubmitObjectsRequest>", 23);
	for (int i = 0; i < 60; i++)
		memcpy(deep + strlen(deep), "<a>", 4);
	for (int i = 0; i < 60; i++)
		memcpy(deep + strlen(deep), "</a>", 5);
	memcpy(deep + strlen(deep), "</SubmitObjectsRequest>", 24);
	take(deep, strlen(deep), &l);
	assert_non_null(strstr(l.broken, "nested more than"));
	listing_free(&l);
	big = calloc(1, XDM_BYTES_MAX + 1);
	take(big, XDM_BYTES_MAX, &l);
	assert_non_null(strstr(l.broken, "no well-formed XML"));
	listing_free(&l);
	take(big, XDM_BYTES_MAX + 1, &l);
	assert_non_null(strstr(l.broken, "larger than 4 MB"));
	listing_free(&l);
	/* a URI in parts that are together too long: there is a document, and no place for it */
	big[0] = '\0';
	append(big, HEAD "<ExtrinsicObject><Slot name=\"URI\"><ValueList><Value>1|");
	memset(big + strlen(big), 'x', 1000);
	append(big, "</Value><Value>2|");
	memset(big + strlen(big), 'y', 1000);
	append(big, "</Value></ValueList></Slot></ExtrinsicObject>" TAIL);
	take(big, strlen(big), &l);
	assert_string_equal(l.broken, "a document with a URI that cannot be read");
	assert_int_equal(l.nfiles, 1);
	assert_string_equal(l.files[0].path, "");
	listing_free(&l);
	free(big);
	free(deep);
	assert_false(xdm_is("a SubmitObjectsRequest", 22));
	assert_false(xdm_is("", 0));
}

/* What is submitted to a repository says no places: no medium's index, but whose the documents are. */
static void submission(void **state)
{
	static const char xml[] = HEAD DOC(SLOT("sourcePatientId", "7^^^&amp;1.2&amp;ISO")) TAIL;
	struct listing l;

	(void)state;
	take(xml, sizeof xml - 1, &l);
	assert_null(l.broken);
	assert_int_equal(l.nfiles, 0);
	assert_int_equal(l.npatients, 1);
	listing_free(&l);
}

/* Bytes that are none of the encoding it declares: the parser's word on them goes to nobody's terminal. */
static void silent(void **state)
{
	static const char xml[] = "<?xml version=\"1.0\" encoding=\"EUC-JP\"?>\n<a>\xff\xfe\x80" "abc</a>";
	struct listing l;
	FILE *said = tmpfile();
	int before = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(said);
	assert_true(before >= 0);
	assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
	take(xml, sizeof xml - 1, &l);
	fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	assert_int_equal(lseek(fileno(said), 0, SEEK_END), 0);
	fclose(said);
	assert_non_null(l.broken);
	listing_free(&l);
}

/* Size and hash against what is there. */
static void compared(void **state)
{
	static const char xml[] = HEAD DOC(SLOT("URI", "A.PDF") SLOT("size", "3") SLOT("hash", SHA))
	    DOC(SLOT("URI", "B.PDF") SLOT("size", "4") SLOT("hash", SHA))
	    DOC(SLOT("URI", "C.PDF") SLOT("size", "3") SLOT("hash", SHA))
	    DOC(SLOT("URI", "../../D.PDF") SLOT("size", "3") SLOT("hash", SHA))
	    DOC(SLOT("URI", "../../../E.PDF") SLOT("size", "3") SLOT("hash", SHA)) TAIL;
	static const uint8_t more[65537];	/* a step, and a byte */
	uint8_t digest[20];
	char whole[SHA1_HEX];
	static const char other[] = "a9993e364706816aba3e25717850c26c9cd0d89e";
	char sha1[SHA1_HEX];
	struct stream *s = NULL;
	struct err err = { 0 };
	struct listing_found v[] = {
		{ .path = "IHE_XDM/SUB/a.pdf", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = sha1 },
		{ .path = "IHE_XDM/SUB/B.PDF", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = sha1 },
		{ .path = "IHE_XDM/SUB/C.PDF", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = other },
		{ .path = "D.PDF", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = sha1 },
		{ .path = "E.PDF", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = sha1 },
		{ .path = "IHE_XDM/SUB/F.PDF", .kind = FOUND_DOCUMENT, .bytes = 3, .sha1 = "" },
	};
	struct listing l;
	json_t *j = NULL, *c = NULL;

	(void)state;
	assert_int_equal(stream_mem(&s, "abc", 3, &err), RC_OK);
	assert_int_equal(xdm_sha1(s, sha1, &err), RC_OK);
	stream_close(s);
	assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");	/* FIPS 180-2 A.1 */
	assert_int_equal(stream_mem(&s, more, sizeof more, &err), RC_OK);
	assert_int_equal(xdm_sha1(s, whole, &err), RC_OK);
	stream_close(s);
	assert_non_null(SHA1(more, sizeof more, digest));
	for (int i = 0; i < 20; i++) {
		char hex[3];

		snprintf(hex, sizeof hex, "%02x", digest[i]);
		assert_memory_equal(whole + 2 * i, hex, 2);
	}
	take(xml, sizeof xml - 1, &l);
	assert_int_equal(listing_compare(&l, "IHE_XDM/SUB", v, 6, &err), RC_OK);
	assert_int_equal(l.files[0].state, LISTED_HERE);
	assert_int_equal(l.files[1].state, LISTED_SIZE);
	assert_int_equal(l.files[2].state, LISTED_HASH);
	assert_int_equal(l.files[3].state, LISTED_HERE);
	assert_int_equal(l.files[4].state, LISTED_ABSENT);	/* it leads out of the medium */
	assert_int_equal(l.unlisted, 1);
	j = listing_record(&l, 1, 2, &err);
	c = json_object_get(j, "no_study");
	assert_int_equal(json_integer_value(json_object_get(c, "size")), 1);
	assert_int_equal(json_integer_value(json_object_get(c, "hash")), 1);
	assert_int_equal(json_integer_value(json_object_get(c, "absent")), 1);
	json_decref(j);
	listing_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents), cmocka_unit_test(owners), cmocka_unit_test(edges),
		cmocka_unit_test(refused), cmocka_unit_test(submission),
		cmocka_unit_test(silent), cmocka_unit_test(compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
