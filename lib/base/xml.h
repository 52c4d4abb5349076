/* What every reader of XML and HTML by libxml2 does first. */
#ifndef MRI_BASE_XML_H
#define MRI_BASE_XML_H

/* libxml2 writes to stderr what nobody listens to, with bytes of the document: names, tokens. After this call, not in
 * this thread. Also loads what it loads late: call it before a jail is locked. As often as one likes. */
void xml_quiet(void);

#endif
