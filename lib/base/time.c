#include "base/time.h"

#include <string.h>

time_t time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

uint64_t time_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

char *time_iso(time_t t, char out[TIME_TEXT_MAX])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

char *time_compact(time_t t, char out[TIME_TEXT_MAX])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, TIME_TEXT_MAX, "%Y%m%dT%H%M%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

char *time_dicom_dt(time_t t, char out[TIME_TEXT_MAX])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, TIME_TEXT_MAX, "%Y%m%d%H%M%S+0000", &tm) == 0)
		out[0] = '\0';
	return out;
}

static bool digits(const char *s, size_t n, int *out)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (s[i] - '0');
	}
	*out = v;
	return true;
}

/* Fields that mktime would silently carry over ("February 30") are refused. */
static bool seconds_of(int y, int mo, int d, int h, int mi, int s, time_t *t)
{
	struct tm tm = { .tm_year = y - 1900, .tm_mon = mo - 1, .tm_mday = d, .tm_hour = h, .tm_min = mi, .tm_sec = s };
	struct tm back;

	if (y < 1850 || h > 23 || mi > 59 || s > 59)
		return false;
	*t = timegm(&tm);
	return gmtime_r(t, &back) && back.tm_year == y - 1900 && back.tm_mon == mo - 1 && back.tm_mday == d;
}

bool time_parse_iso(const char *s, time_t *t)
{
	int y, mo, d, h, mi, se;

	return strlen(s) == 20 && digits(s, 4, &y) && s[4] == '-' && digits(s + 5, 2, &mo) && s[7] == '-' &&
	    digits(s + 8, 2, &d) && s[10] == 'T' && digits(s + 11, 2, &h) && s[13] == ':' &&
	    digits(s + 14, 2, &mi) && s[16] == ':' && digits(s + 17, 2, &se) && s[19] == 'Z' &&
	    seconds_of(y, mo, d, h, mi, se, t);
}

bool time_parse_compact(const char *s, time_t *t)
{
	int y, mo, d, h, mi, se;

	return strlen(s) >= 16 && digits(s, 4, &y) && digits(s + 4, 2, &mo) && digits(s + 6, 2, &d) &&
	    s[8] == 'T' && digits(s + 9, 2, &h) && digits(s + 11, 2, &mi) && digits(s + 13, 2, &se) &&
	    s[15] == 'Z' && seconds_of(y, mo, d, h, mi, se, t);
}

bool time_parse_duration(const char *s, int64_t *seconds)
{
	enum { TEN_YEARS = 3653 * 24 * 3600 };
	int64_t v = 0, unit = 1;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if ((v = v * 10 + (*s - '0')) > TEN_YEARS)
			return false;
	switch (*s) {
	case 'd': unit = 24 * 3600; s++; break;
	case 'h': unit = 3600; s++; break;
	case 'm': unit = 60; s++; break;
	case 's': s++; break;
	case '\0': break;
	default: return false;
	}
	if (*s || v > TEN_YEARS / unit)
		return false;
	*seconds = v * unit;
	return true;
}

bool time_parse_date(const char *s, char out[9])
{
	size_t n = strlen(s);
	int y, mo, d;
	time_t t;

	if (n == 10 && s[4] == '-' && s[7] == '-') {
		if (!digits(s, 4, &y) || !digits(s + 5, 2, &mo) || !digits(s + 8, 2, &d))
			return false;
	} else if (n != 8 || !digits(s, 4, &y) || !digits(s + 4, 2, &mo) || !digits(s + 6, 2, &d)) {
		return false;
	}
	if (!seconds_of(y, mo, d, 0, 0, 0, &t))
		return false;
	memcpy(out, s, 4);
	memcpy(out + 4, n == 10 ? s + 5 : s + 4, 2);
	memcpy(out + 6, n == 10 ? s + 8 : s + 6, 2);
	out[8] = '\0';
	return true;
}
