/* access.h: Who may come in: the one question that a gateway asks of each request, and its answer.
 *
 * A caller shows who it is by a JSON Web Token (Authorization: Bearer), by an API key (x-api-key), or by the certificate of its
 * connection. Where it shows several, a token or a key goes before the certificate, which a proxy may have brought along; a token
 * beside a key is refused, for nobody could say which of the two counts. A credential that is not good is refused even where
 * anonymous callers may come in.
 *
 * Then the policies say what it may do; without a file of policies, whoever has shown who it is may do everything. Where nothing
 * is configured, everybody may do everything, and it is for whoever listens to listen on loopback alone.
 *
 * Files (keys, policies) are read again when they change. One that is not good any more changes nothing, and a note says why.
 *
 * All of it belongs to its loop's thread.
 */
#ifndef SLUICE_GATEWAY_ACCESS_H
#define SLUICE_GATEWAY_ACCESS_H

#include "gateway/access_address.h"
#include "gateway/access_policy.h"
#include "gateway/access_rate.h"
#include "gateway/jwt.h"
#include "net/loop.h"
#include "net/tls.h"

#define ACCESS_API_KEY_HEADER "x-api-key"

struct access;

struct access_settings { /* all borrowed, as long as the access; zero-filled: everybody may do everything */
	const char *key_set; /* of tokens: https:, file: or a path; NULL: no tokens are taken */
	const struct tls_files *key_set_tls;
	struct jwt_rules tokens;
	const char *api_keys;	/* a file; NULL: none are taken */
	const char *policies;	/* a file; NULL: there are none */
	bool certificates;	/* the subject of a client's certificate is who it is */
	double rate_per_second; /* of requests, of each caller; 0: not limited */
	int64_t rate_burst;	/* 0: as many as in a second, at least 1 */
	const struct access_network *proxies; /* whose X-Forwarded-For is believed */
	size_t proxy_count;
	void (*note)(void *context, const char *line); /* a file or a key set that could not be read again, or can */
	void *context;
};

/* NULL: CONFIG, a file or a setting is not good; SYSTEM. A key set by HTTP may come later: until then tokens get a 503. */
struct access *access_open(struct loop *loop, const struct access_settings *settings, struct error *error);
void access_close(struct access *access); /* NULL is fine */

/* Bytes NULL: the request has no such header. Who has one of the first two twice is for the gateway to refuse (400). */
struct access_request {
	struct text authorization;
	struct text api_key;	    /* ACCESS_API_KEY_HEADER */
	struct text certificate;    /* the subject of the connection's certificate, which TLS has verified (RFC 2253) */
	struct text forwarded_for;  /* all X-Forwarded-For, joined by commas */
	const struct sockaddr_storage *peer;
	enum access_verb verb;
	struct access_resource resource;
};

#define ACCESS_CHALLENGE_BYTES 256

struct access_answer {
	int status;	   /* 200: come in; else 401, 403, 429 or 503 */
	const char *words; /* one sentence for the caller, without anything that it sent; "" with 200 */
	char challenge[ACCESS_CHALLENGE_BYTES]; /* the value of WWW-Authenticate, with 401 and 403; else "" */
	int64_t retry_after_s;			/* with 429 and 503 */
	/* The token names a key that the set lacks, and one that may have it is being fetched: the same question may be asked
	 * again in a moment. With 401 alone. */
	bool is_pending;
	struct access_caller caller;	 /* borrowed until the next question */
	struct access_identity identity; /* the same for the same caller, of whatever kind; of nobody in particular, the address */
};

/* One request of the limit is taken for it, from the caller's bucket, or from its address's while it has not shown who it is. */
void access_check(struct access *access, const struct access_request *request, struct access_answer *answer);

#endif
