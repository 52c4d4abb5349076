#include "base/xml.h"

#include <stddef.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>

static void
no_message(void *arg, const char *fmt, ...)
{
	(void)arg; (void)fmt;
}

void
xml_quiet(void)
{
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, no_message);
}
