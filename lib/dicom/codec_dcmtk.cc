/* DCMTK's decoders of JPEG and JPEG-LS, given one frame in a data set of our own. */
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/spi/logevent.h>
#include <dcmtk/oflog/oflog.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "base/text.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"	/* in C a function and a struct may have one name */
#include "dicom/codec_impl.h"
#pragma GCC diagnostic pop

namespace log4cplus = dcmtk::log4cplus;

namespace {

const size_t SAID_MAX = 200;

/* The JPEG library goes on after damage and only warns; its warnings come through DCMTK's log. */
class Listener : public log4cplus::Appender {
public:
	~Listener() override { destructorImpl(); }
	void close() override {}

	static char said[SAID_MAX];	/* the first damage since it was emptied */

protected:
	void append(const log4cplus::spi::InternalLoggingEvent &event) override
	{
		const char *text = event.getMessage().c_str();

		if (!said[0] && damage(text))
			text_copy(said, sizeof said, text);
	}

private:
	static bool damage(const char *text)
	{
		/* bytes between segments: odd, and without harm */
		if (std::strstr(text, "extraneous bytes") != nullptr)
			return false;
		return text_starts(text, "Corrupt JPEG data") || text_starts(text, "Premature end of JPEG") ||
		    text_starts(text, "Inconsistent progression");
	}
};

char Listener::said[SAID_MAX];

bool loaded;

int load(struct err *err)
{
	if (loaded)
		return RC_OK;
	log4cplus::Logger root = log4cplus::Logger::getRoot();
	root.removeAllAppenders();
	root.setLogLevel(log4cplus::WARN_LOG_LEVEL);
	root.addAppender(log4cplus::SharedAppenderPtr(new Listener));
	/* YBR becomes RGB where the object says YBR; nothing is guessed from the stream */
	DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation, EUC_never, EPC_default);
	DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_restore);
	if (!dcmDataDict.isDictionaryLoaded())
		return err_set(err, ERR_CONFIG, "DCMTK's data dictionary cannot be loaded");
	loaded = true;
	return RC_OK;
}

/* What is decoded can have another size than what the object says: a JPEG of 8 bits in 16. */
struct Shape {
	unsigned allocated, stored, high;
	size_t bytes;
};

int shape_of(const struct codec_image &im, unsigned precision, Shape &s, struct err *err)
{
	s.allocated = precision > 8 ? 16 : 8;
	s.stored = im.stored;
	s.high = im.high;
	if (s.high >= s.allocated || s.stored > s.allocated) {
		s.stored = precision;
		s.high = precision - 1;
	}
	unsigned long long bytes = 1ULL * im.rows * im.columns * im.samples * (s.allocated / 8);
	if (bytes > CODEC_FRAME_MAX)
		return err_set(err, ERR_REFUSED, "a frame of %llu MB is not decoded here", bytes >> 20);
	s.bytes = static_cast<size_t>(bytes);
	return RC_OK;
}

bool put(DcmItem &d, const DcmTagKey &key, unsigned v)
{
	return d.putAndInsertUint16(DcmTag(key, EVR_US), static_cast<Uint16>(v)).good();
}

bool describe(DcmItem &d, const struct codec_image &im, const Shape &s)
{
	return put(d, DCM_SamplesPerPixel, im.samples) && put(d, DCM_Rows, im.rows) &&
	    put(d, DCM_Columns, im.columns) && put(d, DCM_BitsAllocated, s.allocated) &&
	    put(d, DCM_BitsStored, s.stored) && put(d, DCM_HighBit, s.high) &&
	    put(d, DCM_PixelRepresentation, im.is_signed) &&
	    (im.samples == 1 || put(d, DCM_PlanarConfiguration, im.planar)) &&
	    d.putAndInsertString(DcmTag(DCM_PhotometricInterpretation, EVR_CS), im.photometric).good() &&
	    d.putAndInsertString(DcmTag(DCM_NumberOfFrames, EVR_IS), "1").good();
}

/* The size in the stream decides what a decoder writes: it has to be the object's. */
int check_header(
    const struct codec_image &im, enum codec_kind kind, const uint8_t *p, size_t n, unsigned *precision,
    struct err *err)
{
	struct codec_sof sof;
	int rc = codec_sof(p, n, &sof, err);

	if (rc != RC_OK)
		return rc;
	if (sof.rows != im.rows || sof.columns != im.columns || sof.samples != im.samples)
		return err_set(err, ERR_DATA,
		    "the compressed frame has %u x %u pixels of %u samples, the object says %u x %u of %u", sof.columns,
		    sof.rows, sof.samples, im.columns, im.rows, im.samples);
	if (sof.precision < 2 || sof.precision > 16 || sof.precision > im.allocated)
		return err_set(err, ERR_DATA, "the compressed frame has %u bits a sample, the object allocates %u",
		    sof.precision, im.allocated);
	if (kind == CODEC_JPEGLS && sof.precision < 8) /* DCMTK's CharLS fails on sound ones */
		return err_set(err, ERR_REFUSED, "JPEG-LS of %u bits a sample is not decoded here", sof.precision);
	*precision = sof.precision;
	return RC_OK;
}

int failed(const OFCondition &cond, struct err *err)
{
	char text[SAID_MAX * 2];

	if (cond == EC_MemoryExhausted)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	text_escape(text, sizeof text, cond.text(), std::strlen(cond.text()));
	return err_set(err, ERR_DATA, "it does not decode: %s", text);
}

E_TransferSyntax syntax_of(const struct codec *c)
{
	return DcmXfer(c->o->transfer_syntax).getXfer();
}

/* The frame's fragments as one (a frame may be cut anywhere, PS3.5 A.4), with an end of image behind a JPEG's: one that
 * lacks only that decodes, one that lacks more is told by the decoder. */
int fragment_of(const struct codec *c, uint32_t frame, enum codec_kind kind, DcmPixelItem &item, uint8_t **p,
    size_t *n, struct err *err)
{
	size_t extra = kind == CODEC_JPEG ? 2 : 0;
	Uint8 *to = nullptr;
	int rc = codec_compressed(c, frame, n, err);

	if (rc != RC_OK)
		return rc;
	size_t even = *n + extra + ((*n + extra) & 1);
	if (item.createUint8Array(static_cast<Uint32>(even), to).bad() || to == nullptr)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	if ((rc = codec_gather(c, frame, to, err)) != RC_OK)
		return rc;
	if (extra) {
		to[*n] = 0xff;
		to[*n + 1] = 0xd9;
	}
	std::memset(to + *n + extra, 0, even - *n - extra);
	*p = to;
	return RC_OK;
}

int decode(const struct codec *c, uint32_t frame, enum codec_kind kind, struct codec_frame *out, struct err *err)
{
	const struct codec_image &im = c->image;
	std::unique_ptr<DcmPixelItem> table(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
	std::unique_ptr<DcmPixelItem> item(new DcmPixelItem(DcmTag(DCM_Item, EVR_OB)));
	uint8_t *p = nullptr;
	size_t n = 0;
	unsigned precision = 0;
	Shape s{};
	int rc = fragment_of(c, frame, kind, *item, &p, &n, err);

	if (rc != RC_OK || (rc = check_header(im, kind, p, n, &precision, err)) != RC_OK ||
	    (rc = shape_of(im, precision, s, err)) != RC_OK)
		return rc;

	DcmDataset d;
	std::unique_ptr<DcmPixelSequence> seq(new DcmPixelSequence(DcmTag(DCM_PixelSequenceTag, EVR_OB)));
	if (!describe(d, im, s) || seq->insert(table.get()).bad())
		return err_set(err, ERR_INTERNAL, "cannot describe a frame to its decoder");
	table.release();
	if (seq->insert(item.get()).bad())
		return err_set(err, ERR_INTERNAL, "cannot give a frame to its decoder");
	item.release();
	DcmPixelData pixels(DcmTag(DCM_PixelData, EVR_OB));
	pixels.putOriginalRepresentation(syntax_of(c), nullptr, seq.release());

	size_t room = s.bytes + (s.bytes & 1);
	/* a decoder that stops early leaves no memory of others behind */
	std::unique_ptr<void, void (*)(void *)> to(std::calloc(1, room), std::free);
	if (!to)
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	Uint32 fragment = 1;
	OFString model;
	Listener::said[0] = '\0';
	OFCondition cond = pixels.getUncompressedFrame(&d, 0, fragment, to.get(), static_cast<Uint32>(room), model);
	if (cond.bad())
		return failed(cond, err);
	if (Listener::said[0])
		return err_set(err, ERR_DATA, "it does not decode: %s", Listener::said);

	Uint16 planar = 0;
	if (im.samples > 1)
		d.findAndGetUint16(DCM_PlanarConfiguration, planar);
	out->bits_allocated = s.allocated;
	out->bits_stored = s.stored;
	out->high_bit = s.high;
	out->planar = planar == 1;
	text_copy(out->photometric, sizeof out->photometric, model.empty() ? im.photometric : model.c_str());
	out->bytes = s.bytes;
	out->pixels = to.release();
	return RC_OK;
}

} /* namespace */

extern "C" int codec_load(struct err *err)
{
	try {
		return load(err);
	} catch (...) {
		return err_set(err, ERR_TEMP, "no memory for decoders");
	}
}

extern "C" void codec_unload(void)
{
	try {
		if (loaded) {
			DJDecoderRegistration::cleanup();
			DJLSDecoderRegistration::cleanup();
		}
		loaded = false;
	} catch (...) {
		loaded = false;
	}
}

extern "C" int codec_decode(const struct codec *c, uint32_t frame, enum codec_kind kind, struct codec_frame *out,
    struct err *err)
{
	try {
		return decode(c, frame, kind, out, err);
	} catch (const std::bad_alloc &) {
		return err_set(err, ERR_REFUSED, "not enough memory to decode the frame");
	} catch (...) {
		return err_set(err, ERR_DATA, "it does not decode: the decoder gave up");
	}
}
