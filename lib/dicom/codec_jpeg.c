/*
 * The start of frame of a JPEG stream, found the way the decoder finds it
 * (ISO 10918-1 B.1.1, B.2.2; JPEG-LS, 14495-1 C.1): its size decides what the
 * decoder writes, so it is held against the object before the decoder runs.
 */
#include "dicom/codec_impl.h"

#define SOI	0xd8
#define EOI	0xd9
#define SOS	0xda
#define TEM	0x01
#define SOF_LS	0xf7

/* SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC), and that of JPEG-LS. */
static bool
is_sof(unsigned m)
{
	return m == SOF_LS || (m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc);
}

static bool
is_bare(unsigned m)	/* no length follows */
{
	return m >= 0xd0 && m <= SOI;
}

int
codec_sof(const uint8_t *p, size_t n, struct codec_sof *out, struct err *err)
{
	size_t i = 2;

	if (n < 4 || p[0] != 0xff || p[1] != SOI)
		return err_set(err, ERR_DATA, "the compressed frame does not begin like JPEG");
	while (i + 4 <= n) {
		unsigned m = 0, length = 0;

		while (i < n && p[i] != 0xff) /* stray bytes between segments are stepped over, as decoders do */
			i++;
		while (i < n && p[i] == 0xff)
			i++;
		if (i >= n)
			break;
		m = p[i++];
		if (m == TEM) /* of arithmetic coding; DCMTK 3.6.7 stands still at it for ever */
			return err_set(err, ERR_REFUSED, "a JPEG frame with the marker TEM is not decoded here");
		if (m == 0 || is_bare(m))
			continue;
		if (m == SOS || m == EOI || i + 2 > n)
			break;
		length = (unsigned)p[i] << 8 | p[i + 1];
		if (length < 2 || length > n - i)
			break;
		if (is_sof(m)) {
			if (length < 8)
				break;
			out->precision = p[i + 2];
			out->rows = (uint32_t)p[i + 3] << 8 | p[i + 4];
			out->columns = (uint32_t)p[i + 5] << 8 | p[i + 6];
			out->samples = p[i + 7];
			return RC_OK;
		}
		i += length;
	}
	return err_set(err, ERR_DATA, "the compressed frame is JPEG without a start of frame");
}
