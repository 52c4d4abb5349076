#include <string.h>
#include "base/text.h"
#include "dicom/dict.h"
#include "dict_table.h"

#define COUNT(a)	(sizeof(a) / sizeof *(a))

/* PS3.5 7.2: the group length of any group, private ones too */
static const struct dict_entry group_length = { 0, "UL", "GenericGroupLength" };

const struct dict_entry *dict_by_tag(uint32_t tag)
{
	size_t lo = 0, hi = COUNT(dict_table);
	uint16_t group = (uint16_t)(tag >> 16), elem = (uint16_t)tag;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (dict_table[mid].tag == tag)
			return &dict_table[mid];
		if (dict_table[mid].tag < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (elem == 0)
		return &group_length;
	if (group & 1)
		return NULL;
	for (size_t i = 0; i < COUNT(dict_ranges); i++)
		if (group >= dict_ranges[i].glo && group <= dict_ranges[i].ghi &&
		    elem >= dict_ranges[i].elo && elem <= dict_ranges[i].ehi)
			return &dict_ranges[i].entry;
	return NULL;
}

const struct dict_entry *dict_by_keyword(const char *keyword)
{
	size_t lo = 0, hi = COUNT(dict_names);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct dict_entry *e = &dict_table[dict_names[mid]];
		int order = strcmp(e->keyword, keyword);

		if (order == 0)
			return e;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *dict_nearest(const char *keyword)
{
	static const char *words[COUNT(dict_names)];	/* filled once, the same for everyone */

	if (!words[0])
		for (size_t i = COUNT(dict_names); i-- > 0;)
			words[i] = dict_table[dict_names[i]].keyword;
	return text_nearest(keyword, words, COUNT(words));
}
