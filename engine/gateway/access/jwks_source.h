/* jwks_source.h: Source of a key set, from a file or by HTTP, which refreshes it in the background of requests.
 *
 * jwks_refresh.h decides when it is fetched, and how long it is valid. A fetch does not block: it is a request
 * of the loop's HTTP client. A file is checked every ACCESS_FILES_MS.
 *
 * An attacker could replace keys that are sent without TLS and then authenticate. So http: is refused, except
 * from this machine.
 *
 * A source belongs to its loop's thread.
 */
#ifndef SLUICE_GATEWAY_ACCESS_JWKS_SOURCE_H
#define SLUICE_GATEWAY_ACCESS_JWKS_SOURCE_H

#include "gateway/access/jwks.h"
#include "net/loop.h"
#include "net/tls.h"
#include "observe/log_sink.h"

#define JWKS_FETCH_MS 5000

struct jwks_source;

struct jwks_source_settings { /* all borrowed, as long as the source */
	const char *uri;		      /* https://..., file:PATH, or a path */
	const struct tls_files *tls;	      /* of https; NULL: the system's authorities */
	void (*changed)(void *context);	      /* the current set has changed */
	/* A warning: fetches fail (jwks_outage.h says when), or keys were left out. Information: they work again. */
	void (*note)(void *context, enum log_level level, const char *line);
	void *context;
};

/* Whether jwks_source_open() could use that URI now: a URL is not fetched. False: CONFIG or SYSTEM. Any thread. */
bool jwks_source_check(const char *uri, struct error *error);

/* Starts the first fetch of a URL; a file must exist. NULL: CONFIG, or SYSTEM. */
struct jwks_source *jwks_source_open(struct loop *loop, const struct jwks_source_settings *settings, struct error *error);
void jwks_source_close(struct jwks_source *source); /* NULL is fine */

/* The current set, until `changed`; NULL: there is none, or it is too old. */
const struct jwks *jwks_source_keys(const struct jwks_source *source);

struct jwks_source_counts {
	int64_t age_ms; /* since the last fetch that succeeded; -1: there was none */
	uint64_t failures;
};
struct jwks_source_counts jwks_source_counts(const struct jwks_source *source);

/* Reads a file again at once. For a URL it starts a fetch, unless the last one was started a moment ago. False: the
 * file is not a key set (REMOTE), or cannot be read; the current set is unchanged. */
bool jwks_source_reread(struct jwks_source *source, struct error *error);

/* A token named a key that the set lacks. True: a fetch that may bring it is in flight, or will be soon. */
bool jwks_source_want(struct jwks_source *source);

#endif
