/* link.c: Sockets, and OpenSSL's sessions on them; see link.h.
 *
 * OpenSSL's own socket writes raise SIGPIPE. So it gets a BIO of ours, which sends without that signal.
 */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/url.h"
#include "net/tls.h"

#define READS_MAX 64 /* of a request: 64 KiB */
#define BODY "{\"error\":\"this port accepts TLS alone; ask it by https\",\"kind\":\"INPUT\",\"place\":\"the connection\"}"

/* Whether these are the first bytes of a request: a method in upper case, as all registered ones are. No record of TLS begins so.
 * Nor is it the line PROXY of a load balancer, which is no request; other protocols that begin with five capitals are taken for
 * one. */
static bool clear_text_begins(const char first[CLEAR_TEXT_BYTES])
{
	size_t length = 0;
	while (length < CLEAR_TEXT_BYTES &&
	       ((first[length] >= 'A' && first[length] <= 'Z') || (length > 0 && first[length] == '-')))
		length++;
	return length > 0 && (length == CLEAR_TEXT_BYTES || first[length] == ' ') && memcmp(first, "PROXY", CLEAR_TEXT_BYTES) != 0;
}

/* Sends the refusal, and ends the sending direction. The socket stays open.
 * A client of HTTP/2 gets the same: those of gRPC then fail at once, and say that an HTTP/1 server answered 400. After SETTINGS and
 * GOAWAY they would connect again until the deadline of their call.
 *
 * The rest of the request is read, as far as it has come: a socket that is closed with unread bytes sends a reset, which can
 * overtake the refusal. */
static void clear_text_refuse(int socket)
{
	char bytes[1024];
	const int length = snprintf(bytes, sizeof bytes,
				    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
				    "Content-Length: %zu\r\n\r\n%s",
				    sizeof BODY - 1, BODY);
	(void)send(socket, bytes, (size_t)length, MSG_NOSIGNAL);
	for (size_t reads = 0; reads < READS_MAX && recv(socket, bytes, sizeof bytes, 0) > 0; reads++)
		;
	shutdown(socket, SHUT_WR);
}

static enum link_outcome link_broken(struct error *error, int number)
{
	error_set(error, ERROR_REMOTE, PLACE_NONE, "%s", strerror(number));
	return LINK_BROKEN;
}

static bool again(int number)
{
	return number == EAGAIN || number == EINTR;
}

/* ---- sockets ---- */

bool link_dial(struct link *link, const struct sockaddr *address, socklen_t length, struct error *error)
{
	int socket_of_link = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (socket_of_link < 0)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "%s", strerror(errno));
	link_adopt(link, socket_of_link);
	if (connect(socket_of_link, address, length) == 0 || errno == EINPROGRESS) {
		link->wants_to_write = true;
		return true;
	}
	link_broken(error, errno);
	link_close(link);
	return false;
}

void link_adopt(struct link *link, int socket_of_link)
{
	assert(socket_of_link >= 0);
	*link = (struct link){.socket = socket_of_link};
	setsockopt(socket_of_link, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

void link_close(struct link *link)
{
	/* Sends no TLS close notice: HTTP/2 has already announced the end. */
	SSL_free(link->tls);
	if (link->socket >= 0)
		close(link->socket);
	*link = LINK_NONE;
}

/* ---- TLS ---- */

static int bio_write(BIO *bio, const char *bytes, int length)
{
	const struct link *link = BIO_get_data(bio);
	ssize_t sent = send(link->socket, bytes, (size_t)length, MSG_NOSIGNAL);
	BIO_clear_retry_flags(bio);
	if (sent < 0 && again(errno))
		BIO_set_retry_write(bio);
	return (int)sent;
}

/* Keeps the first bytes of the handshake: an error of OpenSSL does not identify them. */
static void first_keep(struct link *link, const char *bytes, size_t length)
{
	const size_t space = CLEAR_TEXT_BYTES - link->first_count, count = length < space ? length : space;
	memcpy(link->first + link->first_count, bytes, count);
	link->first_count = (unsigned char)(link->first_count + count);
}

static int bio_read(BIO *bio, char *bytes, int length)
{
	struct link *link = BIO_get_data(bio);
	ssize_t got = recv(link->socket, bytes, (size_t)length, 0);
	BIO_clear_retry_flags(bio);
	if (got < 0 && again(errno))
		BIO_set_retry_read(bio);
	if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	if (got > 0 && link->first_count < CLEAR_TEXT_BYTES)
		first_keep(link, bytes, (size_t)got);
	return (int)got;
}

/* The end of the socket is the end of a session that forgives a missing close notice (tls.c); of others it is an error. */
static bool bio_has_ended(BIO *bio)
{
	const struct link *link = BIO_get_data(bio);
	return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) && link->tls && SSL_get_options(link->tls) & SSL_OP_IGNORE_UNEXPECTED_EOF;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && bio_has_ended(bio));
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "link");
	if (!bio_method)
		return;
	BIO_meth_set_write(bio_method, bio_write);
	BIO_meth_set_read(bio_method, bio_read);
	BIO_meth_set_ctrl(bio_method, bio_control);
}

static BIO *open_bio(struct link *link)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_bio_method);
	BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, link);
	BIO_set_init(bio, 1);
	return bio;
}

static bool expect_host(SSL *session, const char *host)
{
	unsigned char numeric[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, host, numeric) == 1 || inet_pton(AF_INET6, host, numeric) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
	SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
}

bool link_secure(struct link *link, struct ssl_ctx_st *tls, const char *host, struct error *error)
{
	assert(link->socket >= 0 && !link->tls);
	BIO *bio = open_bio(link);
	SSL *session = bio ? SSL_new(tls) : NULL;
	if (!session || (host && !expect_host(session, host))) {
		SSL_free(session);
		BIO_free(bio);
		return error_memory(error, ERROR_SYSTEM, "beginning TLS");
	}
	SSL_set_bio(session, bio, bio);
	if (host)
		SSL_set_connect_state(session);
	else
		SSL_set_accept_state(session);
	link->tls = session;
	return true;
}

void link_move(struct link *to, struct link *from)
{
	*to = *from;
	*from = LINK_NONE;
	if (to->tls)
		BIO_set_data(SSL_get_rbio(to->tls), to); /* the same BIO writes */
}

/* A caller that has no session yet, and sends bytes that begin none. */
static void link_refuse_clear_text(struct link *link)
{
	if (!SSL_is_server(link->tls) || SSL_is_init_finished(link->tls) || link->first_count < CLEAR_TEXT_BYTES ||
	    !clear_text_begins(link->first))
		return;
	clear_text_refuse(link->socket);
	link->was_clear = true;
}

static enum link_outcome tls_outcome(struct link *link, int result, struct error *error)
{
	int number = errno;
	int what = SSL_get_error(link->tls, result);
	link->wants_to_write = what == SSL_ERROR_WANT_WRITE;
	if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE)
		return LINK_LATER;
	if (what == SSL_ERROR_ZERO_RETURN)
		return LINK_BROKEN;
	unsigned long code = ERR_peek_error();
	link_refuse_clear_text(link);
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	long verdict = SSL_get_verify_result(link->tls);
	if (verdict != X509_V_OK)
		error_set(error, ERROR_REMOTE, PLACE_NONE, "its certificate is not valid: %s" TLS_ADVICE,
			  X509_verify_cert_error_string(verdict));
	else if (reason)
		error_set(error, ERROR_REMOTE, PLACE_NONE, "TLS failed: %s", reason);
	else if (number && what == SSL_ERROR_SYSCALL)
		link_broken(error, number);
	else
		error_set(error, ERROR_REMOTE, PLACE_NONE, "it hung up in the midst of TLS");
	ERR_clear_error();
	return LINK_BROKEN;
}

static enum link_outcome shake_hands(struct link *link, struct error *error)
{
	const unsigned char *protocol = NULL;
	unsigned int length = 0;
	errno = 0;
	int result = SSL_do_handshake(link->tls);
	if (result != 1) {
		enum link_outcome outcome = tls_outcome(link, result, error);
		if (outcome == LINK_BROKEN)
			error_set(error, ERROR_REMOTE, PLACE_NONE, "it hung up during the handshake of TLS");
		return outcome;
	}
	SSL_get0_alpn_selected(link->tls, &protocol, &length);
	if (!link->any_protocol && (length != 2 || memcmp(protocol, "h2", 2) != 0)) {
		error_set(error, ERROR_REMOTE, PLACE_NONE, "it uses TLS, but no HTTP/2 through it (ALPN h2)");
		return LINK_BROKEN;
	}
	return LINK_DONE;
}

static struct text name_copied(const char *bytes, size_t length, char *out, size_t size)
{
	if (length == 0 || length >= size)
		return (struct text){0};
	memcpy(out, bytes, length);
	out[length] = '\0';
	return (struct text){out, length};
}

static struct text subject_of(X509 *certificate, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	long length = 0;
	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		length = BIO_get_mem_data(bio, &bytes);
	const struct text subject = name_copied(bytes, length > 0 ? (size_t)length : 0, out, size);
	BIO_free(bio);
	return subject;
}

/* RFC 3986, 3.1; and nothing that a log or a header could not have. */
static bool is_uri(struct text text)
{
	const size_t scheme = url_scheme_length(text);
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] <= ' ' || text.bytes[i] > '~')
			return false;
	return scheme > 0 && scheme < text.length && text.bytes[scheme] == ':';
}

static struct text uri_of(const X509 *certificate, char *out, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct text uri = {0};
	size_t count = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
		if (type != GEN_URI)
			continue;
		uri = (struct text){(const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)};
		count++;
	}
	uri = count == 1 && is_uri(uri) ? name_copied(uri.bytes, uri.length, out, size) : (struct text){0};
	GENERAL_NAMES_free(names);
	return uri;
}

struct tls_peer link_peer(const struct link *link, char *out, size_t size)
{
	X509 *certificate = link->tls ? SSL_get0_peer_certificate(link->tls) : NULL;
	if (!certificate || SSL_get_verify_result(link->tls) != X509_V_OK)
		return (struct tls_peer){0};
	struct tls_peer peer = {.uri = uri_of(certificate, out, size)}; /* first: many certificates may share a subject */
	const size_t taken = peer.uri.bytes ? peer.uri.length + 1 : 0;
	peer.subject = subject_of(certificate, out + taken, size - taken);
	return peer;
}

/* ---- both ---- */

void link_finish(struct link *link)
{
	if (link->tls && SSL_is_init_finished(link->tls)) {
		SSL_shutdown(link->tls);
		ERR_clear_error();
	}
	shutdown(link->socket, SHUT_WR);
}

enum link_outcome link_establish(struct link *link, struct error *error)
{
	int number = 0;
	socklen_t length = sizeof number;
	if (getsockopt(link->socket, SOL_SOCKET, SO_ERROR, &number, &length) != 0)
		number = errno;
	if (number)
		return link_broken(error, number);
	enum link_outcome outcome = link->tls ? shake_hands(link, error) : LINK_DONE;
	link->established = outcome == LINK_DONE;
	return outcome;
}

uint32_t link_events(const struct link *link)
{
	return link->wants_to_write ? EPOLLOUT : EPOLLIN;
}

enum link_outcome link_read(struct link *link, char *bytes, size_t size, size_t *count, struct error *error)
{
	if (link->tls) {
		errno = 0;
		int result = SSL_read_ex(link->tls, bytes, size, count);
		return result == 1 ? LINK_DONE : tls_outcome(link, result, error);
	}
	ssize_t got = recv(link->socket, bytes, size, 0);
	if (got < 0)
		return again(errno) ? LINK_LATER : link_broken(error, errno);
	*count = (size_t)got;
	return got > 0 ? LINK_DONE : LINK_BROKEN;
}

enum link_outcome link_write(struct link *link, const char *bytes, size_t size, size_t *count, struct error *error)
{
	if (link->tls) {
		errno = 0;
		int result = SSL_write_ex(link->tls, bytes, size, count);
		return result == 1 ? LINK_DONE : tls_outcome(link, result, error);
	}
	ssize_t sent = send(link->socket, bytes, size, MSG_NOSIGNAL);
	if (sent < 0)
		return again(errno) ? LINK_LATER : link_broken(error, errno);
	*count = (size_t)sent;
	return LINK_DONE;
}
