#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/cond.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/oflog/oflog.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/time.h"
#include "dimse/assoc.h"
#include "dimse/command.h"

namespace {

/* P-DATA headers and fragments are gathered up to here: fewer system calls, and a command goes out with
 * its data. */
const size_t WRITE_BUFFER = 256 << 10;
const size_t FRAGMENT_MAX = 128 << 10;	/* where the peer sets no limit */

class Layer;

/* A TCP connection that asks for quick acknowledgement around every read. Peers answer in two small
 * writes, the second waits in Nagle's algorithm for our delayed ACK: 40 ms an object. TCP_QUICKACK is not
 * sticky (tcp(7)). */
class Connection : public DcmTCPConnection {
public:
	Connection(DcmNativeSocketType s, int seconds, Layer *l) : DcmTCPConnection(s), timeout(seconds), layer(l) {}
	~Connection() override;

	ssize_t read(void *to, size_t n) override
	{
		if (!flush())
			return -1;
		quick();
		ssize_t got = DcmTCPConnection::read(to, n);
		quick();
		return got;
	}

	ssize_t write(void *from, size_t n) override
	{
		try {
			const char *p = static_cast<const char *>(from);
			if (out.size() + n > WRITE_BUFFER && !flush())
				return -1;
			if (n > WRITE_BUFFER)
				return send_all(p, n) ? static_cast<ssize_t>(n) : -1;
			out.insert(out.end(), p, p + n);
		} catch (const std::exception &) {
			fail(ENOMEM);
			return -1;
		}
		return static_cast<ssize_t>(n);
	}

	OFBool networkDataAvailable(int seconds) override
	{
		if (!flush())
			return OFTrue;	/* the read that follows says why */
		quick();
		return DcmTCPConnection::networkDataAvailable(seconds);
	}

	void close() override
	{
		flush();
		DcmTCPConnection::close();
	}

	bool flush();

private:
	std::vector<char> out;
	int timeout;
	Layer *layer;

	void fail(int errnum);
	void quick()
	{
		int one = 1;
		(void)setsockopt(getSocket(), IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
	}

	bool send_all(const char *p, size_t n)
	{
		while (n) {
			ssize_t sent = ::send(getSocket(), p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (sent > 0) {
				p += sent;
				n -= static_cast<size_t>(sent);
				continue;
			}
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN && errno != EWOULDBLOCK) {
				fail(errno);
				return false;
			}
			struct pollfd pfd = { getSocket(), POLLOUT, 0 };
			int r = ::poll(&pfd, 1, timeout * 1000);
			if (r == 0 || (r < 0 && errno != EINTR)) {
				fail(r == 0 ? ETIMEDOUT : errno);
				return false;
			}
		}
		return true;
	}
};

/* Outlives its connection, which DCMTK deletes when the peer goes: so the error is kept here. */
class Layer : public DcmTransportLayer {
public:
	explicit Layer(int seconds) : connection(nullptr), error(0), timeout(seconds) {}

	DcmTransportConnection *createConnection(DcmNativeSocketType s, OFBool secure) override
	{
		connection = secure ? nullptr : new (std::nothrow) Connection(s, timeout, this);
		return connection;
	}

	Connection *connection;
	int error;	/* errno of the first write that failed */

private:
	int timeout;
};

Connection::~Connection()
{
	layer->connection = nullptr;
}

void Connection::fail(int errnum)
{
	if (!layer->error)
		layer->error = errnum;
}

bool Connection::flush()
{
	if (layer->error)
		return false;
	bool good = out.empty() || send_all(out.data(), out.size());
	out.clear();
	return good;
}

} /* namespace */

struct assoc {
	T_ASC_Network *net = nullptr;
	T_ASC_Association *as = nullptr;
	std::unique_ptr<Layer> layer;
	int timeout = ASSOC_TIMEOUT;
	std::string where;		/* 'PACS1' (host:port), escaped */
	DUL_PDV pdv{};			/* a fragment that was read ahead of its message */
	bool pending = false;

	~assoc()
	{
		if (as)
			ASC_destroyAssociation(&as);
		if (net)
			ASC_dropNetwork(&net);
	}
};

namespace {

/* Every exception ends here: no C++ leaves this file. */
template <typename F> int guarded(struct err *err, F work)
{
	try {
		return work();
	} catch (const std::bad_alloc &) {
		return err_set(err, ERR_TEMP, "no memory for the association");
	} catch (...) {
		return err_set(err, ERR_INTERNAL, "unexpected exception in the association layer");
	}
}

void quiet_dcmtk()
{
	static bool done;

	if (!done) {
		OFLog::configure(OFLogger::OFF_LOG_LEVEL);	/* a library does not print */
		std::signal(SIGPIPE, SIG_IGN);			/* DCMTK's own writes have no MSG_NOSIGNAL */
		done = true;
	}
}

std::string escaped(const char *s)
{
	char out[256];

	return text_escape(out, sizeof out, s, std::strlen(s));
}

/* A connection that broke is temporary, whatever errno says (EPIPE, ECONNRESET) */
int lost(struct assoc *a, const char *doing, struct err *err)
{
	(void)err_sys(err, a->layer->error, "cannot %s %s", doing, a->where.c_str());
	err->kind = ERR_TEMP;
	return err_rc(ERR_TEMP);
}

int failed(struct assoc *a, const OFCondition &c, const char *doing, struct err *err)
{
	const char *where = a->where.c_str();

	if (a->layer && a->layer->error)
		return lost(a, doing, err);
	switch (c.code()) {
	case DULC_READTIMEOUT:
		return err_set(err, ERR_TEMP, "cannot %s %s: no answer within %d s", doing, where, a->timeout);
	case DULC_PEERABORTEDASSOCIATION:
		return err_set(err, ERR_TEMP, "cannot %s %s: the peer aborted the association", doing, where);
	case DULC_PEERREQUESTEDRELEASE:
		return err_set(err, ERR_TEMP, "cannot %s %s: the peer released the association", doing, where);
	case DULC_NETWORKCLOSED:
		return err_set(err, ERR_TEMP, "cannot %s %s: the peer closed the connection", doing, where);
	case DULC_TCPINITERROR:
	case DULC_TCPIOERROR: {
		/* "TCP Initialization Error: Connection refused" */
		const char *cause = std::strrchr(c.text(), ':');
		return err_set(err, ERR_TEMP, "cannot %s %s: %s", doing, where,
		    escaped(cause ? cause + 2 : c.text()).c_str());
	}
	case DULC_ILLEGALPDU:
	case DULC_ILLEGALPDULENGTH:
	case DULC_UNEXPECTEDPDU:
	case DULC_UNRECOGNIZEDPDUTYPE:
	case DULC_UNSUPPORTEDPEERPROTOCOL:
	case DULC_PEERILLEGALXFERSYNTAXCOUNT:
		return err_set(err, ERR_PROTOCOL, "cannot %s %s: the peer does not speak DICOM: %s", doing, where,
		    escaped(c.text()).c_str());
	default:
		return err_set(err, ERR_TEMP, "cannot %s %s: %s", doing, where, escaped(c.text()).c_str());
	}
}

int rejected(struct assoc *a, T_ASC_Parameters *params, const struct assoc_peer *peer, struct err *err)
{
	T_ASC_RejectParameters rj{};
	const char *where = a->where.c_str();

	ASC_getRejectParameters(params, &rj);
	switch (rj.reason) {
	case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
		(void)err_set(err, ERR_CONFIG, "cannot associate with %s: it does not go by that AE title", where);
		err_advise(err, "correct the called AE title in the destination's url");
		return err_rc(err->kind);
	case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
		(void)err_set(err, ERR_DENIED, "cannot associate with %s: it does not know the calling AE title '%s'",
		    where, escaped(peer->calling).c_str());
		err_advise(err, "have the AE title registered there, or give the registered one with --calling");
		return err_rc(err->kind);
	case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
	case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
		return err_set(err, ERR_TEMP, "cannot associate with %s: rejected for now, it is busy", where);
	default:
		if (rj.result == ASC_RESULT_REJECTEDTRANSIENT)
			return err_set(err, ERR_TEMP, "cannot associate with %s: rejected for now", where);
		return err_set(err, ERR_REFUSED, "cannot associate with %s: rejected (source %d, reason %d)", where,
		    rj.source, rj.reason & 0xff);
	}
}

/* DCMTK keeps the presentation address in 64 bytes and resolves names without saying why it failed. */
int resolve(struct assoc *a, const struct assoc_peer *peer, char address[64], struct err *err)
{
	struct addrinfo hints{}, *found = nullptr;
	char ip[INET_ADDRSTRLEN];

	hints.ai_family = AF_INET;	/* what DCMTK 3.6.7 connects to */
	hints.ai_socktype = SOCK_STREAM;
	int r = getaddrinfo(peer->host, nullptr, &hints, &found);
	if (r == EAI_AGAIN || r == EAI_MEMORY || r == EAI_SYSTEM)
		return err_set(err, ERR_TEMP, "cannot find the address of %s: %s", a->where.c_str(), gai_strerror(r));
	if (r != 0 || !found) {
		(void)err_set(err, ERR_CONFIG, "cannot find an IPv4 address of %s: %s", a->where.c_str(),
		    r ? gai_strerror(r) : "none");
		err_advise(err, "correct the host in the destination's url");
		return err_rc(err->kind);
	}
	struct sockaddr_in in{};
	std::memcpy(&in, found->ai_addr, sizeof in);
	freeaddrinfo(found);
	inet_ntop(AF_INET, &in.sin_addr, ip, sizeof ip);
	std::snprintf(address, 64, "%s:%u", ip, peer->port);
	return RC_OK;
}

int propose(T_ASC_Parameters *params, struct assoc_pair *pairs, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *syntax[1] = { pairs[i].transfer_syntax };
		pairs[i].context = static_cast<uint8_t>(2 * i + 1);
		pairs[i].accepted = false;
		if (ASC_addPresentationContext(params, pairs[i].context, pairs[i].sop_class, syntax, 1).bad())
			return err_set(err, ERR_INTERNAL, "cannot build a presentation context");
	}
	return RC_OK;
}

void result(struct assoc *a, struct assoc_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		T_ASC_PresentationContext pc{};
		pairs[i].reason = ASC_P_NOREASON;
		for (int at = 0; at < ASC_countPresentationContexts(a->as->params); at++) {
			if (ASC_getPresentationContext(a->as->params, at, &pc).bad() ||
			    pc.presentationContextID != pairs[i].context)
				continue;
			pairs[i].reason = static_cast<uint8_t>(pc.resultReason);
			pairs[i].accepted = pc.resultReason == ASC_P_ACCEPTANCE &&
			    std::strcmp(pc.acceptedTransferSyntax, pairs[i].transfer_syntax) == 0;
		}
	}
}

int open_assoc(struct assoc *a, const struct assoc_peer *peer, struct assoc_pair *pairs, size_t n,
    struct err *err)
{
	char address[64], local[64];
	int rc = resolve(a, peer, address, err);

	if (rc != RC_OK)
		return rc;
	dcmConnectionTimeout.set(a->timeout);
	dcmSocketSendTimeout.set(a->timeout);
	dcmSocketReceiveTimeout.set(a->timeout);
	OFCondition c = ASC_initializeNetwork(NET_REQUESTOR, 0, a->timeout, &a->net);
	if (c.bad())
		return err_set(err, ERR_INTERNAL, "cannot set up the network layer: %s", escaped(c.text()).c_str());
	a->layer.reset(new Layer(a->timeout));
	ASC_setTransportLayer(a->net, a->layer.get(), 0);

	T_ASC_Parameters *params = nullptr;
	c = ASC_createAssociationParameters(&params, ASC_DEFAULTMAXPDU);
	if (c.bad())
		return err_set(err, ERR_TEMP, "no memory for the association");
	if (gethostname(local, sizeof local) != 0)
		local[0] = '\0';
	local[sizeof local - 1] = '\0';
	ASC_setAPTitles(params, peer->calling, peer->called, nullptr);
	ASC_setPresentationAddresses(params, local, address);
	ASC_setTransportLayerType(params, OFFalse);
	rc = propose(params, pairs, n, err);
	if (rc != RC_OK) {
		ASC_destroyAssociationParameters(&params);
		return rc;
	}
	c = ASC_requestAssociation(a->net, params, &a->as, nullptr, nullptr, DUL_NOBLOCK, a->timeout);
	if (c.bad()) {
		rc = c == DUL_ASSOCIATIONREJECTED ? rejected(a, a->as ? a->as->params : params, peer, err)
		    : failed(a, c, "associate with", err);
		if (!a->as)
			ASC_destroyAssociationParameters(&params);
		else
			ASC_destroyAssociation(&a->as);
		return rc;
	}
	result(a, pairs, n);
	return RC_OK;
}

} /* namespace */

extern "C" int assoc_open(struct assoc **out, const struct assoc_peer *peer, struct assoc_pair *pairs,
    size_t n, struct err *err)
{
	*out = nullptr;
	return guarded(err, [&]() -> int {
		if (n == 0 || n > ASSOC_PAIRS_MAX)
			return err_set(err, ERR_INTERNAL, "%zu presentation contexts for one association", n);
		quiet_dcmtk();
		std::unique_ptr<struct assoc> a(new struct assoc);
		if (peer->timeout > 0)
			a->timeout = peer->timeout;
		a->where = "'" + escaped(peer->called) + "' (" + escaped(peer->host) + ":" +
		    std::to_string(peer->port) + ")";
		int rc = open_assoc(a.get(), peer, pairs, n, err);
		if (rc == RC_OK)
			*out = a.release();
		return rc;
	});
}

extern "C" void assoc_close(struct assoc *a)
{
	struct err ignored;

	if (!a)
		return;
	(void)guarded(&ignored, [&]() -> int {
		if (a->as)
			ASC_releaseAssociation(a->as);
		return RC_OK;
	});
	delete a;
}

extern "C" void assoc_abort(struct assoc *a)
{
	struct err ignored;

	if (!a)
		return;
	(void)guarded(&ignored, [&]() -> int {
		if (a->as)
			ASC_abortAssociation(a->as);
		return RC_OK;
	});
	delete a;
}

extern "C" const char *assoc_reason(const struct assoc_pair *p)
{
	switch (p->reason) {
	case ASC_P_ACCEPTANCE: return "accepted with another transfer syntax";
	case ASC_P_USERREJECTION: return "rejected by the user";
	case ASC_P_ABSTRACTSYNTAXNOTSUPPORTED: return "SOP class not supported";
	case ASC_P_TRANSFERSYNTAXESNOTSUPPORTED: return "transfer syntax not supported";
	default: return "refused without a reason";
	}
}

extern "C" uint16_t assoc_message(struct assoc *a)
{
	return a->as->nextMsgID++;
}

extern "C" size_t assoc_fragment(const struct assoc *a)
{
	size_t n = a->as->sendPDVLength;

	if (n < 16)	/* a peer that claims a PDU too small for one fragment */
		n = 16;
	return n < FRAGMENT_MAX ? n : FRAGMENT_MAX;
}

extern "C" int assoc_write(struct assoc *a, uint8_t context, bool command, const void *bytes, size_t n,
    bool last, struct err *err)
{
	return guarded(err, [&]() -> int {
		DUL_PDV pdv{};
		DUL_PDVLIST list{};
		pdv.fragmentLength = n;
		pdv.presentationContextID = context;
		pdv.pdvType = command ? DUL_COMMANDPDV : DUL_DATASETPDV;
		pdv.lastPDV = last;
		pdv.data = const_cast<void *>(bytes);
		list.count = 1;
		list.pdv = &pdv;
		OFCondition c = DUL_WritePDVs(&a->as->DULassociation, &list);
		return c.good() ? RC_OK : failed(a, c, "send to", err);
	});
}

extern "C" int assoc_flush(struct assoc *a, struct err *err)
{
	Connection *conn = a->layer->connection;

	if (conn && conn->flush())
		return RC_OK;
	if (!a->layer->error)
		a->layer->error = ECONNRESET;
	return lost(a, "send to", err);
}

namespace {

int next_fragment(struct assoc *a, struct err *err)
{
	OFCondition c = DUL_NextPDV(&a->as->DULassociation, &a->pdv);

	if (c.bad()) {
		c = DUL_ReadPDVs(&a->as->DULassociation, nullptr, DUL_NOBLOCK, a->timeout);
		if (c != DUL_PDATAPDUARRIVED)
			return failed(a, c, "get an answer of", err);
		c = DUL_NextPDV(&a->as->DULassociation, &a->pdv);
		if (c.bad())
			return err_set(err, ERR_PROTOCOL, "%s sent an empty PDU", a->where.c_str());
	}
	a->pending = true;
	return RC_OK;
}

} /* namespace */

extern "C" int assoc_receive(struct assoc *a, bool command, struct buf *to, struct err *err)
{
	return guarded(err, [&]() -> int {
		buf_clear(to);
		for (;;) {
			int rc = a->pending ? RC_OK : next_fragment(a, err);
			if (rc != RC_OK)
				return rc;
			if ((a->pdv.pdvType == DUL_COMMANDPDV) != command)
				return err_set(err, ERR_PROTOCOL, "%s sent a %s where a %s is due", a->where.c_str(),
				    command ? "data set" : "command", command ? "command" : "data set");
			rc = buf_add(to, a->pdv.data, a->pdv.fragmentLength, err);
			a->pending = false;
			if (rc != RC_OK)
				return err_set(err, ERR_PROTOCOL, "%s sent a message that is too long",
				    a->where.c_str());
			if (a->pdv.lastPDV)
				return RC_OK;
		}
	});
}

extern "C" int assoc_echo(const struct assoc_peer *peer, unsigned *ms, struct err *err)
{
	struct assoc_pair pair{};
	struct dimse_request rq{};
	struct dimse_response rsp{};
	struct buf b = BUF_INIT(DIMSE_COMMAND_MAX);
	struct assoc *a = nullptr;
	uint64_t began = 0;

	text_copy(pair.sop_class, sizeof pair.sop_class, "1.2.840.10008.1.1");
	text_copy(pair.transfer_syntax, sizeof pair.transfer_syntax, "1.2.840.10008.1.2");
	int rc = assoc_open(&a, peer, &pair, 1, err);
	if (rc == RC_OK && !pair.accepted)
		rc = err_set(err, ERR_REFUSED, "%s refuses Verification: %s", a->where.c_str(), assoc_reason(&pair));
	if (rc == RC_OK) {
		began = time_mono_ms();
		rq.field = DIMSE_C_ECHO;
		rq.message = assoc_message(a);
		rq.sop_class = pair.sop_class;
		rc = dimse_write_request(&b, &rq, err);
	}
	if (rc == RC_OK)
		rc = assoc_write(a, pair.context, true, b.data, b.len, true, err);
	if (rc == RC_OK)
		rc = assoc_receive(a, true, &b, err);
	if (rc == RC_OK)
		rc = dimse_parse_response(b.data, b.len, &rsp, err);
	if (rc == RC_OK && (rsp.field != (DIMSE_C_ECHO | DIMSE_RESPONSE) || rsp.message != rq.message))
		rc = err_set(err, ERR_PROTOCOL, "%s answered something other than this C-ECHO", a->where.c_str());
	if (rc == RC_OK && rsp.status != 0)
		rc = err_set(err, ERR_REFUSED, "%s answered C-ECHO with status 0x%04x", a->where.c_str(), rsp.status);
	if (rc == RC_OK) {
		*ms = static_cast<unsigned>(time_mono_ms() - began);
		assoc_close(a);
	} else {
		assoc_abort(a);
	}
	buf_free(&b);
	return rc;
}
