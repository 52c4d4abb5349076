#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "media/mention.h"
#include "media/sniff.h"

static enum media of(const char *s, size_t n)
{
	return sniff(s, n);
}
#define OF(s)	of(s, sizeof(s) - 1)

/* a file of n bytes with `what` at off */
static enum media at(size_t n, size_t off, const char *what, size_t len)
{
	char *b = calloc(1, n);
	enum media m;

	memcpy(b + off, what, len);
	m = sniff(b, n);
	free(b);
	return m;
}
#define AT(n, off, s)	at(n, off, s, sizeof(s) - 1)

static void mentions(void **state)
{
	char out[MENTION_MAX], many[8192] = "";

	(void)state;
	mention_uids("<id root=\"1.2.840.113619.2.5\"/> urn:oid:1.2.3.4.5, 1.2.840.113619.2.5.", 70, out);
	assert_string_equal(out, "1.2.840.113619.2.5 1.2.3.4.5");
	mention_uids("v1.2.3.4.5 1.2.3.4 01.2.3.4.5 1.2.3..4.5 1.2.3.4.5x", 52, out);
	assert_string_equal(out, "");
	mention_uids("1.2.3.4.55 1.2.3.4.5", 20, out);
	assert_string_equal(out, "1.2.3.4.55 1.2.3.4.5");
	mention_uids("2.25.17 1.2.17", 14, out);
	assert_string_equal(out, "2.25.17");
	mention_uids("1.2.3.4.5", 8, out);	/* "1.2.3.4." */
	assert_string_equal(out, "");
	for (int i = 0; i < 500; i++)
		snprintf(many + strlen(many), 24, "1.2.3.4.%d ", i + 1000);
	mention_uids(many, strlen(many), out);
	assert_true(strlen(out) < MENTION_MAX && strlen(out) > MENTION_MAX - 20);
	mention_uids("", 0, out);
	assert_string_equal(out, "");
}

static void by_magic(void **state)
{
	(void)state;
	assert_int_equal(sniff("", 0), MEDIA_EMPTY);
	assert_int_equal(OF("PK\3\4............"), MEDIA_ZIP);
	assert_int_equal(OF("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), MEDIA_ZIP);
	assert_int_equal(OF("%PDF-1.7\n"), MEDIA_PDF);
	assert_int_equal(OF("junk before\n%PDF-1.4"), MEDIA_PDF);
	assert_int_equal(AT(4096, 2000, "%PDF-1.4"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\xff\xd8\xff\xe0\0\x10JFIF"), MEDIA_JPEG);
	assert_int_equal(OF("\x89PNG\r\n\x1a\n"), MEDIA_PNG);
	assert_int_equal(OF("\x1f\x8b\x08\0"), MEDIA_GZIP);
	assert_int_equal(OF("7z\xbc\xaf\x27\x1c"), MEDIA_7Z);
	assert_int_equal(OF("Rar!\x1a\x07\0"), MEDIA_RAR);
	assert_int_equal(OF("<?xml version=\"1.0\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>"), MEDIA_CDA);
	assert_int_equal(OF("<cda:ClinicalDocument xmlns:cda=\"urn:hl7-org:v3\"/>"), MEDIA_CDA);
	assert_int_equal(OF("<?xml version=\"1.0\"?><ClinicalDocument/>"), MEDIA_XML);
	assert_int_equal(OF("<Bundle xmlns=\"http://hl7.org/fhir\"/>"), MEDIA_FHIR_XML);
	assert_int_equal(OF("<a xmlns=\"b\"/>"), MEDIA_XML);
	assert_int_equal(OF("<a/>"), MEDIA_TEXT);
	assert_int_equal(OF("MSH|^~\\&|RIS|A|B|C|20260901||ORU^R01|1|P|2.5\r"), MEDIA_HL7);
	assert_int_equal(OF("MSHA"), MEDIA_TEXT);
	assert_int_equal(OF("MZ\x90\0"), MEDIA_EXE);
	assert_int_equal(OF("MZ-Befund: unauffaellig"), MEDIA_TEXT);
	assert_int_equal(OF("\x7f""ELF\2\1\1\0"), MEDIA_EXE);
	assert_int_equal(OF("\xcf\xfa\xed\xfe\7\0\0\1"), MEDIA_EXE);
	assert_int_equal(OF("\xce\xfa\xed\xfe\7\0\0\1"), MEDIA_EXE);
	assert_int_equal(OF("\xca\xfe\xba\xbe\0\0\0\x34"), MEDIA_EXE);
	assert_int_equal(AT(512, 257, "ustar"), MEDIA_TAR);
	assert_int_equal(AT(SNIFF_BYTES, 32769, "CD001"), MEDIA_ISO);
	assert_int_equal(AT(SNIFF_BYTES - 1, 32769, "CD00"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\x01\x02\x03\x04"), MEDIA_UNKNOWN);
}

static void text_kinds(void **state)
{
	(void)state;
	assert_int_equal(OF("<?xml version='1.0'?><a/>"), MEDIA_XML);
	assert_int_equal(OF("\xef\xbb\xbf<?xml version='1.0'?><a/>"), MEDIA_XML);
	assert_int_equal(OF("<?xml version='1.0'?>\n<html xmlns='x'>"), MEDIA_HTML);
	assert_int_equal(OF("\n <!DOCTYPE HTML><title>"), MEDIA_HTML);
	assert_int_equal(OF("<HTML>"), MEDIA_HTML);
	assert_int_equal(OF("{\"a\":1}"), MEDIA_JSON);
	assert_int_equal(OF("[ {}, {} ]"), MEDIA_JSON);
	assert_int_equal(OF("{nothing of the kind"), MEDIA_TEXT);
	assert_int_equal(OF("A letter, in Latin-1: M\xfcller"), MEDIA_TEXT);
	assert_int_equal(OF("text\0with a NUL"), MEDIA_UNKNOWN);
}

static void dicom(void **state)
{
	char f[400] = { 0 };
	static const char meta[] = "DICM\2\0\0\0UL\4\0\0\0\0\0\2\0\2\0UI\x14\0" "1.2.840.10008.1.3.10";

	(void)state;
	assert_int_equal(AT(200, 128, "DICM"), MEDIA_DICOM);
	memcpy(f, "PK\3\4", 4);	/* a preamble may be anything: what DICOM says counts */
	memcpy(f + 128, "DICM", 4);
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOM);
	memcpy(f + 128, meta, sizeof meta - 1);
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOMDIR);
	f[128 + sizeof meta - 2] = '1';
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOM);
	/* bare data sets */
	assert_int_equal(OF("\x08\0\x05\0CS\x0a\0ISO_IR 100"), MEDIA_DICOM);
	assert_int_equal(OF("\x08\0\x05\0\x0a\0\0\0ISO_IR 100"), MEDIA_DICOM);
	assert_int_equal(OF("\0\x08\0\x05" "CS\0\x0aISO_IR 100"), MEDIA_DICOM);
	assert_int_equal(OF("\x08\0\x05\0\xff\xff\xff\x7fISO_IR 100"), MEDIA_UNKNOWN);
}

/* What keeps a bare data set and a DICOMDIR apart from what only looks like one. */
static void dicom_edges(void **state)
{
	char f[400] = "MZ";	/* the preamble of a slide (PS3.10 7.1) may be a program's, or TIFF's */
	static const char ob[] = "DICM\2\0\0\0UL\4\0\0\0\0\0\2\0\1\0OB\0\0\2\0\0\0\0\1\2\0\2\0UI\x14\0" "1.2.840.10008.1.3.10";

	(void)state;
	memcpy(f + 128, ob, sizeof ob - 1);
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOMDIR);	/* the length of OB has four bytes */
	assert_int_equal(sniff(f, 128 + sizeof ob - 1), MEDIA_DICOMDIR);
	for (size_t n = 132; n < 128 + sizeof ob - 1; n++)
		assert_int_equal(sniff(f, n), MEDIA_DICOM);	/* cut off: nothing behind the end is looked at */
	f[128 + sizeof ob - 1] = 2;	/* the next element */
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOMDIR);
	f[128 + sizeof ob - 1 - 22] = '\x16';
	f[128 + sizeof ob - 1] = ' ';
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOMDIR);
	f[128 + sizeof ob - 1] = '\0';
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOMDIR);
	f[128 + sizeof ob - 1] = '.';
	assert_int_equal(sniff(f, sizeof f), MEDIA_DICOM);	/* a UID that goes on is another */
	assert_int_equal(OF("\2\0\0\0UL\4\0\1\1\1\1\2\0\1\0"), MEDIA_DICOM);	/* a meta group without preamble */
	assert_int_equal(OF("\2\0\0\x31UL\4\0\1\1\1\1\2\0\1\0"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\2\0\0\0\4\0\0\0\1\1\1\1\2\0\1\0"), MEDIA_UNKNOWN);	/* which is explicit, always */
	assert_int_equal(OF("\x08\0\x05\0\0\4\0\0ISO_IR 100"), MEDIA_DICOM);
	assert_int_equal(OF("\x08\0\x05\0\1\4\0\0ISO_IR 100"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\0\x08\0\x05" "cs\0\x0aISO_IR 100"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\0\x08\x31\x05" "CS\0\x0aISO_IR 100"), MEDIA_UNKNOWN);
	assert_int_equal(of("\x08\0\x05\0CS\x0a\0ISO_IR 1", 15), MEDIA_UNKNOWN);
}

static void text_edges(void **state)
{
	(void)state;
	assert_int_equal(OF("<?xml version='1.0'?>\n<a>ClinicalDocument urn:hl7-org:v3</a>"), MEDIA_XML);	/* a mention */
	assert_int_equal(OF("<Bundle xmlns='http://hl7.org/fhir'/>"), MEDIA_FHIR_XML);
	assert_int_equal(OF("<?xml version='1.0'?>\n<!-- a page -->\n<!DOCTYPE html PUBLIC \"x\">"), MEDIA_HTML);
	assert_int_equal(OF("{ }"), MEDIA_JSON);
	assert_int_equal(OF("{\"resourceType\":\"Bundle\"}"), MEDIA_FHIR);
	assert_int_equal(OF("a page\fanother"), MEDIA_TEXT);
	assert_int_equal(OF("\x1b[1mbold"), MEDIA_TEXT);
	assert_int_equal(OF("\bback"), MEDIA_UNKNOWN);
	assert_int_equal(OF("\vMSH|^~\\&|RIS"), MEDIA_HL7);
	assert_int_equal(OF("FHS|^~\\&|RIS"), MEDIA_HL7);
	assert_int_equal(OF("BHS|^~\\&|RIS"), MEDIA_HL7);
	assert_int_equal(OF("PK\7\10PK\3\4"), MEDIA_ZIP);	/* the first part of several, in one */
	assert_int_equal(AT(4096, 1023, "%PDF-1.4"), MEDIA_PDF);
	assert_int_equal(AT(4096, 1024, "%PDF-1.4"), MEDIA_UNKNOWN);
}

static void names(void **state)
{
	(void)state;
	for (int m = MEDIA_UNKNOWN; m <= MEDIA_EMPTY; m++) {
		assert_non_null(media_name((enum media)m));
		assert_non_null(strchr(media_type((enum media)m), '/'));
		assert_non_null(media_suffix((enum media)m));
	}
	assert_string_equal(media_type(MEDIA_PDF), "application/pdf");
	assert_string_equal(media_suffix(MEDIA_DICOM), ".dcm");
	assert_string_equal(media_type(MEDIA_WORKLIST), "application/x-dicom-worklist");
}

static void from_stream(void **state)
{
	struct stream *s = NULL;
	struct err err = { 0 };
	enum media m = MEDIA_UNKNOWN;

	(void)state;
	assert_int_equal(stream_mem(&s, "%PDF-1.7", 8, &err), RC_OK);
	assert_int_equal(sniff_stream(s, &m, &err), RC_OK);
	assert_int_equal(m, MEDIA_PDF);
	stream_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mentions),
		cmocka_unit_test(by_magic), cmocka_unit_test(text_kinds), cmocka_unit_test(dicom), cmocka_unit_test(names),
		cmocka_unit_test(dicom_edges), cmocka_unit_test(text_edges),
		cmocka_unit_test(from_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
