/* tls.c: TLS contexts of OpenSSL; see tls.h. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static bool tls_refused(struct error *error, const char *what, const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	error_set(error, ERROR_CONFIG, PLACE_NONE, "%s `%s` cannot be used for TLS: %s; it must be readable and in PEM", what, file,
		  reason ? reason : "OpenSSL gives no reason");
	ERR_clear_error();
	return false;
}

static bool take_identity(SSL_CTX *context, const struct tls_files *files, struct error *error)
{
	if (!files->certificate && !files->key)
		return true;
	if (!files->certificate || !files->key)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "TLS needs a certificate and its key together; the %s is missing: name both files",
				 files->certificate ? "key" : "certificate");
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
		return tls_refused(error, "the certificate", files->certificate);
	if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(context) == 1)
		return true;
	int reason = ERR_GET_REASON(ERR_peek_last_error());
	if (reason != X509_R_KEY_VALUES_MISMATCH && reason != X509_R_KEY_TYPE_MISMATCH)
		return tls_refused(error, "the key", files->key);
	ERR_clear_error();
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the key `%s` is not that of the certificate `%s`; name two that belong together", files->key,
			 files->certificate);
}

static SSL_CTX *open_context(const SSL_METHOD *method, const struct tls_files *files, struct error *error)
{
	SSL_CTX *context = SSL_CTX_new(method);
	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(context);
		return error_null(error_memory(error, ERROR_SYSTEM, "setting up TLS"));
	}
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* After a short write, the rest is sent from wherever the buffer is then. An idle connection has no buffers. */
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if (take_identity(context, files, error))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* Offers a protocol, as an ALPN list of one item; without a protocol there is no list. */
static bool offer(SSL_CTX *context, const char *protocol)
{
	unsigned char list[16];
	if (!protocol)
		return true;
	size_t length = strlen(protocol);
	assert(length < sizeof list);
	list[0] = (unsigned char)length;
	memcpy(list + 1, protocol, length);
	return SSL_CTX_set_alpn_protos(context, list, (unsigned)length + 1) == 0;
}

struct ssl_ctx_st *tls_open_client(const struct tls_files *files, const char *protocol, struct error *error)
{
	SSL_CTX *context = open_context(TLS_client_method(), files ? files : &(struct tls_files){0}, error);
	if (!context)
		return NULL;
	const char *authorities = files ? files->authorities : NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	bool known =
		authorities ? SSL_CTX_load_verify_file(context, authorities) == 1 : SSL_CTX_set_default_verify_paths(context) == 1;
	if (known && offer(context, protocol))
		return context;
	if (known)
		error_memory(error, ERROR_SYSTEM, "setting up TLS");
	else
		tls_refused(error, "the file of authorities", authorities ? authorities : "of the system");
	SSL_CTX_free(context);
	return NULL;
}

/* Whether no list has ended: by one that has, callers could not be told apart, and OpenSSL refuses all. */
static bool revocations_are_current(X509_STORE *store, const char *file, struct error *error)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
		const ASN1_TIME *end = list ? X509_CRL_get0_nextUpdate(list) : NULL;
		if (end && X509_cmp_current_time(end) < 0)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "a list of revoked certificates in `%s` has expired, so callers could not be told apart; "
					 "get the current one of its authority",
					 file);
	}
	return true;
}

/* Each authority of a caller's chain needs a list: a certificate whose list is missing is refused. */
static bool revocations_take(SSL_CTX *context, const char *file, struct error *error)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
		return tls_refused(error, "the file of revocations", file);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	/* A session that is resumed is not verified again: after its list has expired it would be accepted for ever. */
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return revocations_are_current(store, file, error);
}

static bool protocol_find(struct text wanted, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
			  unsigned int offered_length)
{
	for (unsigned int at = 0; at < offered_length; at += offered[at] + 1u) {
		if (offered[at] != wanted.length || offered_length - at <= wanted.length ||
		    memcmp(offered + at + 1, wanted.bytes, wanted.length) != 0)
			continue;
		*chosen = offered + at + 1;
		*length = offered[at];
		return true;
	}
	return false;
}

/* Chooses the protocol. A client that does not offer it is refused in the handshake, which reports the reason. */
static int choose_protocol(SSL *session, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
			   unsigned int offered_length, void *context)
{
	(void)session;
	struct text protocols = text_of(context);
	while (protocols.length > 0)
		if (protocol_find(text_take_until(&protocols, ','), chosen, length, offered, offered_length))
			return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct ssl_ctx_st *tls_open_server(const struct tls_files *files, const char *protocol, struct error *error)
{
	if (!files->certificate)
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "a server cannot speak TLS without a certificate: name its file and its key's"));
	SSL_CTX *context = open_context(TLS_server_method(), files, error);
	if (!context)
		return NULL;
	/* Callers that end their side by the socket alone wait for answers. A client refuses such an end: an answer may be cut. */
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, (void *)(uintptr_t)protocol);
	/* Without a context name, sessions of clients with certificates could not be resumed. */
	SSL_CTX_set_session_id_context(context, (const unsigned char *)protocol, (unsigned)strlen(protocol));
	if (!files->authorities)
		return context;
	if (SSL_CTX_load_verify_file(context, files->authorities) != 1) {
		tls_refused(error, "the file of authorities", files->authorities);
		SSL_CTX_free(context);
		return NULL;
	}
	if (files->revocations && !revocations_take(context, files->revocations, error)) {
		SSL_CTX_free(context);
		return NULL;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return context;
}

bool tls_reload_server(struct ssl_ctx_st **tls, const struct tls_files *files, const char *protocol, struct error *error)
{
	SSL_CTX *fresh = tls_open_server(files, protocol, error);
	if (!fresh)
		return false;
	tls_close(*tls);
	*tls = fresh;
	return true;
}

void tls_close(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}
