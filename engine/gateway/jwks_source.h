/* jwks_source.h: Key set that is kept fresh, from a file or by HTTP, off the way of requests.
 *
 * When it is fetched, and how long it does, is jwks_refresh.h's. A fetch waits for nothing: it is a request of the loop's HTTP
 * client. A file is looked at every ACCESS_FILES_MS.
 *
 * Keys that come in the clear could be replaced on their way by whoever wants to come in, so http: is refused, but from this
 * machine.
 *
 * A source belongs to its loop's thread.
 */
#ifndef SLUICE_GATEWAY_JWKS_SOURCE_H
#define SLUICE_GATEWAY_JWKS_SOURCE_H

#include "gateway/jwks.h"
#include "net/loop.h"
#include "net/tls.h"

#define JWKS_FETCH_MS 5000

struct jwks_source;

struct jwks_source_settings { /* all borrowed, as long as the source */
	const char *uri;		      /* https://..., file:PATH, or a path */
	const struct tls_files *tls;	      /* of https; NULL: the system's authorities */
	void (*changed)(void *context);	      /* another set is in force */
	void (*note)(void *context, const char *line); /* a fetch failed, or is well again; keys were left out */
	void *context;
};

/* Begins the first fetch of a URL; a file must be there. NULL: CONFIG, or SYSTEM. */
struct jwks_source *jwks_source_open(struct loop *loop, const struct jwks_source_settings *settings, struct error *error);
void jwks_source_close(struct jwks_source *source); /* NULL is fine */

/* The set in force, until `changed`; NULL: there is none, or it is too old. */
const struct jwks *jwks_source_keys(const struct jwks_source *source);

/* A token named a key that the set lacks. True: a fetch that may bring it is under way, or will be before long. */
bool jwks_source_want(struct jwks_source *source);

#endif
