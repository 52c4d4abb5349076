#include <stdbool.h>
#include <string.h>
#include "media/sniff.h"
#include "base/bytes.h"
#include "media/dicomdir.h"

#define PDF_WITHIN	1024	/* readers accept the header anywhere in here (ISO 32000-2, annex on old readers) */
#define TEXT_LOOK	4096

static bool at(const uint8_t *p, size_t n, size_t off, const char *what, size_t len)
{
	return n >= off + len && memcmp(p + off, what, len) == 0;
}
#define AT(off, s)	at(p, n, off, s, sizeof(s) - 1)

static bool letters(const uint8_t *p)
{
	static const char vrs[] = "AEASATCSDADSDTFLFDISLOLTPNSHSLSSSTTMUIULUSOBODOFOLOVOWSQSVUCUNURUTUV";

	for (const char *v = vrs; *v; v += 2)
		if (p[0] == (uint8_t)v[0] && p[1] == (uint8_t)v[1])
			return true;
	return false;
}

/* A data set that begins with group 0008, or with a meta group that has no preamble (PS3.5 7.1). */
static bool bare_dicom(const uint8_t *p, size_t n)
{
	if (n < 16)
		return false;
	if (((p[0] == 8 && p[1] == 0) || (p[0] == 2 && p[1] == 0)) && p[3] <= 0x30) {
		uint32_t len = get_le32(p + 4);

		/* implicit form: the first values of group 0008 are short */
		return letters(p + 4) || (p[0] == 8 && len <= 1024);
	}
	return p[0] == 0 && p[1] == 8 && p[2] <= 0x30 && letters(p + 4);
}

/* (0002,0002) in the meta group says Media Storage Directory, PS3.10 8 */
static bool is_dicomdir(const uint8_t *p, size_t n)
{
	static const char uid[] = UID_DICOMDIR;
	size_t pos = 132;

	while (pos + 8 <= n && p[pos] == 2 && p[pos + 1] == 0) {
		size_t head = letters(p + pos + 4) && memcmp(p + pos + 4, "OB", 2) != 0 ? 8 : 12;
		size_t len = 0;

		if (pos + head > n)
			return false;
		len = head == 8 ? get_le16(p + pos + 6) : get_le32(p + pos + 8);
		if (len > n - pos - head)
			return false;
		if (p[pos + 2] == 2 && p[pos + 3] == 0)
			return len >= sizeof uid - 1 && memcmp(p + pos + head, uid, sizeof uid - 1) == 0 &&
			    (len == sizeof uid - 1 || p[pos + head + sizeof uid - 1] == '\0' ||
			    p[pos + head + sizeof uid - 1] == ' ');
		pos += head + len;
	}
	return false;
}

static bool no_case(const uint8_t *p, size_t n, const char *what)
{
	size_t len = strlen(what);

	if (n < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = p[i] >= 'A' && p[i] <= 'Z' ? (uint8_t)(p[i] + 32) : p[i];

		if (c != (uint8_t)what[i])
			return false;
	}
	return true;
}

/* What kind of XML: by its first element and the namespace of it. */
static enum media xml(const uint8_t *p, size_t n)
{
	size_t look = n < TEXT_LOOK ? n : TEXT_LOOK;
	const uint8_t *cda = memmem(p, look, "ClinicalDocument", 16);

	if (cda && cda > p && (cda[-1] == '<' || cda[-1] == ':') && memmem(p, look, "urn:hl7-org:v3", 14))
		return MEDIA_CDA;
	if (memmem(p, look, "\"http://hl7.org/fhir\"", 21) || memmem(p, look, "'http://hl7.org/fhir'", 21))
		return MEDIA_FHIR_XML;
	return MEDIA_XML;
}

static enum media markup(const uint8_t *p, size_t n)
{
	size_t i = 0;

	if (AT(0, "\xef\xbb\xbf"))
		i = 3;
	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
		i++;
	p += i;
	n -= i;
	if (no_case(p, n, "<!doctype html") || no_case(p, n, "<html"))
		return MEDIA_HTML;
	if (no_case(p, n, "<?xml")) {	/* XHTML is a page too */
		for (size_t k = 5; k + 5 < n && k < TEXT_LOOK; k++)
			if (p[k] == '<' && (no_case(p + k, n - k, "<html") || no_case(p + k, n - k, "<!doctype html")))
				return MEDIA_HTML;
		return xml(p, n);
	}
	/* without a declaration (XML 1.0 2.8): an element that names a namespace */
	if (n > 2 && p[0] == '<' && ((p[1] | 32) >= 'a') && ((p[1] | 32) <= 'z') &&
	    memmem(p, n < TEXT_LOOK ? n : TEXT_LOOK, "xmlns", 5))
		return xml(p, n);
	if (n > 1 && (p[0] == '{' || p[0] == '[')) {
		size_t k = 1;

		while (k < n && (p[k] == ' ' || p[k] == '\t' || p[k] == '\r' || p[k] == '\n'))
			k++;
		if (k < n && (p[k] == '"' || p[k] == '}' || (p[0] == '[' && (p[k] == '{' || p[k] == ']' || p[k] == '['))))
			return memmem(p, n, "\"resourceType\"", 14) != NULL ? MEDIA_FHIR : MEDIA_JSON;
	}
	return MEDIA_UNKNOWN;
}

static bool is_text(const uint8_t *p, size_t n)
{
	size_t look = n < TEXT_LOOK ? n : TEXT_LOOK;

	for (size_t i = 0; i < look; i++)
		if (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' && p[i] != '\f' && p[i] != 0x1b)
			return false;
	return true;
}

/* PE and DOS (two letters that may begin a text too), ELF, Mach-O, Java classes */
static bool program(const uint8_t *p, size_t n)
{
	return (AT(0, "MZ") && !is_text(p, n)) || AT(0, "\x7f""ELF") || AT(0, "\xcf\xfa\xed\xfe") ||
	    AT(0, "\xce\xfa\xed\xfe") || AT(0, "\xca\xfe\xba\xbe");
}

enum media sniff(const void *head, size_t n)
{
	const uint8_t *p = head;
	enum media m = MEDIA_UNKNOWN;

	if (n == 0)
		return MEDIA_EMPTY;
	if (AT(128, "DICM"))
		return is_dicomdir(p, n) ? MEDIA_DICOMDIR : MEDIA_DICOM;
	if (AT(0, "PK\3\4") || AT(0, "PK\5\6") || AT(0, "PK\7\10"))
		return MEDIA_ZIP;
	if (AT(0, "\xff\xd8\xff"))
		return MEDIA_JPEG;
	if (AT(0, "\x89PNG\r\n\x1a\n"))
		return MEDIA_PNG;
	if (AT(0, "\x1f\x8b\x08"))
		return MEDIA_GZIP;
	if (AT(0, "7z\xbc\xaf\x27\x1c"))
		return MEDIA_7Z;
	if (AT(0, "Rar!\x1a\x07"))
		return MEDIA_RAR;
	if (program(p, n))
		return MEDIA_EXE;
	if (AT(257, "ustar"))
		return MEDIA_TAR;
	if (AT(32769, "CD001"))
		return MEDIA_ISO;
	if (bare_dicom(p, n))
		return MEDIA_DICOM;
	for (size_t i = 0; i < PDF_WITHIN && i + 5 <= n; i++)
		if (AT(i, "%PDF-"))
			return MEDIA_PDF;
	/* HL7 v2: the segment, its separator, and four encoding characters (2.5.1 chapter 2.14.9) */
	if (AT(0, "MSH|") || AT(0, "\vMSH|") || AT(0, "FHS|") || AT(0, "BHS|"))
		return MEDIA_HL7;
	m = markup(p, n);
	if (m != MEDIA_UNKNOWN)
		return m;
	return is_text(p, n) ? MEDIA_TEXT : MEDIA_UNKNOWN;
}

int sniff_stream(struct stream *s, enum media *m, struct err *err)
{
	uint8_t head[SNIFF_BYTES];
	size_t n = 0;
	int rc = stream_read(s, 0, head, sizeof head, &n, err);

	*m = MEDIA_UNKNOWN;
	if (rc == RC_OK)
		*m = sniff(head, n);
	return rc;
}

static const struct { const char *name, *type, *suffix; } table[] = {
	[MEDIA_UNKNOWN] = { "unknown format", "application/octet-stream", "" },
	[MEDIA_DICOM] = { "DICOM", "application/dicom", ".dcm" },
	[MEDIA_DICOMDIR] = { "DICOMDIR", "application/dicom", "" },
	[MEDIA_ZIP] = { "ZIP archive", "application/zip", ".zip" },
	[MEDIA_PDF] = { "PDF", "application/pdf", ".pdf" },
	[MEDIA_JPEG] = { "JPEG image", "image/jpeg", ".jpg" },
	[MEDIA_PNG] = { "PNG image", "image/png", ".png" },
	[MEDIA_XML] = { "XML", "application/xml", ".xml" },
	[MEDIA_HTML] = { "HTML page", "text/html", ".html" },
	[MEDIA_JSON] = { "JSON", "application/json", ".json" },
	[MEDIA_FHIR] = { "FHIR document", "application/fhir+json", ".json" },
	[MEDIA_TEXT] = { "text", "text/plain", ".txt" },
	[MEDIA_GZIP] = { "gzip file", "application/gzip", ".gz" },
	[MEDIA_TAR] = { "tar archive", "application/x-tar", ".tar" },
	[MEDIA_7Z] = { "7z archive", "application/x-7z-compressed", ".7z" },
	[MEDIA_RAR] = { "RAR archive", "application/vnd.rar", ".rar" },
	[MEDIA_ISO] = { "ISO image", "application/x-iso9660-image", ".iso" },
	[MEDIA_EXE] = { "program", "application/x-executable", "" },
	[MEDIA_CDA] = { "CDA document", "application/cda+xml", ".xml" },
	[MEDIA_FHIR_XML] = { "FHIR document", "application/fhir+xml", ".xml" },
	[MEDIA_HL7] = { "HL7 v2 message", "x-application/hl7-v2+er7", ".hl7" },
	[MEDIA_WORKLIST] = { "DICOM worklist entry", "application/x-dicom-worklist", ".wl" },
	[MEDIA_EMPTY] = { "empty file", "application/octet-stream", "" },
};

const char *media_name(enum media m)
{
	return table[m].name;
}

const char *media_type(enum media m)
{
	return table[m].type;
}

const char *media_suffix(enum media m)
{
	return table[m].suffix;
}
