/* access.h: Access control of a gateway: authenticates the caller of each request, authorizes the request, and
 * limits rates.
 *
 * A caller authenticates with a JSON Web Token (Authorization: Bearer), with an API key (x-api-key), or with
 * the certificate of its connection. If it sends several, a token or a key overrides the certificate, which may
 * be a proxy's. A token together with a key is refused, because it is not clear which of them counts. An
 * invalid credential is refused even if anonymous callers are allowed.
 *
 * Then the policies decide what the caller may do. Without a file of policies, an authenticated caller may do
 * everything. If nothing is configured, everybody may do everything; then the listener must use loopback only.
 *
 * Files (keys, policies) are read again when they change. If the new version is not valid, nothing changes, and
 * a note contains the reason.
 *
 * All of it belongs to its loop's thread.
 */
#pragma once

#include "base/network.h"
#include "gateway/access/access_policy.h"
#include "gateway/access/access_rate.h"
#include "gateway/access/jwt.h"
#include "net/loop.h"
#include "net/peers.h"
#include "net/tls.h"
#include "observe/log_sink.h"

/* Address of a caller behind proxies, from the peer of the connection and X-Forwarded-For.
 * Pure.
 *
 * Anybody can write X-Forwarded-For. So it counts only if the peer is a listed proxy. It is read from its end,
 * where that proxy added its own peer. The last address that is not a listed proxy is the caller. Addresses
 * before it may be forged. An address may have its port behind it, as some proxies write it.
 */
#define ACCESS_HOPS_MAX 32 /* trusted proxies; no deployment has so many */

/* `forwarded` is the value of the header; bytes NULL: there was none. */
struct peer_address access_address_find(const struct sockaddr_storage *peer, struct text forwarded,
					const struct network *proxies, size_t count);

#define ACCESS_API_KEY_HEADER "x-api-key"

struct access;

struct access_settings { /* all borrowed, as long as the access; zero-filled: everybody may do everything */
	const char *key_set; /* of tokens: https:, file: or a path; NULL: tokens are not accepted */
	const struct tls_files *key_set_tls;
	struct jwt_rules tokens;
	const char *api_keys;	/* a file; NULL: keys are not accepted */
	const char *policies;	/* a file; NULL: there are no policies */
	bool certificates;	/* the URI in a client's certificate, or else its subject, identifies it */
	double rate_per_second; /* of requests, per caller; 0: not limited */
	int64_t rate_burst;	/* 0: as many as in a second, at least 1 */
	const struct network *proxies; /* whose X-Forwarded-For is trusted */
	size_t proxy_count;
	/* A warning: a file or a key set could not be read again. Information: it can be now. */
	void (*note)(void *context, enum log_level level, const char *line);
	void *context;
};

/* NULL: CONFIG (a file or a setting is not valid) or SYSTEM. A key set by HTTP may come later: until then
 * tokens get a 503. */
struct access *access_open(struct loop *loop, const struct access_settings *settings, struct error *error);
void access_close(struct access *access); /* NULL is fine */

/* Reads the files again at once: keys, policies, and a key set in a file. Every valid file is replaced. False: CONFIG
 * or SYSTEM, about the first invalid one; its last valid version stays in use. A key set by HTTP is fetched again
 * when its refresh policy allows that. */
bool access_reread(struct access *access, struct error *error);

/* The policies in use; NULL: there are none. Until a file is read again. */
const struct access_policy *access_policies(const struct access *access);

struct access_counts {
	bool has_key_set;
	int64_t key_set_age_ms; /* -1: none was fetched yet */
	uint64_t key_fetches_failed;
	uint64_t api_keys_failed, policies_failed; /* files that were read again and have errors */
};

struct access_counts access_counts(const struct access *access); /* NULL: all zeros */

/* Whether a call can be allowed now. False: `error` has the reason, as REMOTE, for anybody. That is while tokens alone let calls
 * in, and there are no keys to verify them with: none came yet, or not for JWKS_OLD_MS_MAX. NULL is fine. */
bool access_is_ready(const struct access *access, struct error *error);

/* A request. Bytes NULL: it has no such header. The gateway itself must refuse a request with one of the first
 * two twice (400). */
struct access_request {
	struct text authorization;
	struct text api_key;	    /* ACCESS_API_KEY_HEADER */
	struct tls_peer certificate; /* names in the connection's certificate, which TLS has verified */
	struct text forwarded_for;  /* all X-Forwarded-For, joined by commas */
	const struct sockaddr_storage *peer;
	enum access_verb verb;
	struct access_resource resource;
};

#define ACCESS_CHALLENGE_BYTES 256

struct access_answer {
	int status;	   /* 200: allowed; else 401, 403, 429 or 503 */
	const char *words; /* for the caller, borrowed until the next check; "" with 200. Of a credential that is not valid they
			    * have nothing; a 403 names the caller, the verb and the resource, as a row of policies has them */
	char challenge[ACCESS_CHALLENGE_BYTES]; /* the value of WWW-Authenticate, with 401 and 403; else "" */
	int64_t retry_after_s; /* with 429, and with 503: the key of a token is being fetched, or none can be */
	struct access_caller caller;	 /* borrowed until the next check */
	struct access_identity identity; /* equal for the same caller, of any kind; of an anonymous caller, its address */
};

/* The identity of the caller of a request that was allowed, without another charge. All zeros: it is anonymous. False: the caller
 * cannot be recognised again: its token has no `sub`, or its credentials are not valid any more. */
bool access_identify(struct access *access, const struct access_request *request, struct access_identity *identity);

/* The same of any caller: of one that is anonymous, or cannot be recognised again, the identity of its address. */
struct access_identity access_identify_any(struct access *access, const struct access_request *request);

/* Checks a request before it says what it asks for: whether its caller may do that with the resource, or with any if `resource` is
 * NULL. Takes nothing from a rate limit unless it refuses: access_check() follows. */
void access_admit(struct access *access, const struct access_request *request, const struct access_resource *resource,
		  struct access_answer *answer);

/* Checks a request. Takes one request from the caller's rate limit or, if it is not authenticated, from that of
 * its address. */
void access_check(struct access *access, const struct access_request *request, struct access_answer *answer);
