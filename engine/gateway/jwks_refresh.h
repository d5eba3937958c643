/* jwks_refresh.h: Refresh policy of a key set: when it is fetched again, and for how long an old one does. Pure.
 *
 * A set is fetched when there is none, every so often, and when a token names a key that it lacks, for then its issuer may have
 * changed its keys. One fetch is under way at a time, and one begins at most every JWKS_PAUSE_MS, whatever tokens name and however
 * the last one ended. A new set takes the old one's place whole: what its issuer withdrew is gone.
 *
 * While fetches fail, the old set stays in force until it is JWKS_OLD_MS_MAX old; then there is none, and callers are told to
 * come again (503), for a key that was withdrawn meanwhile could not be told from one that was not.
 *
 * Times are of the loop's clock.
 */
#ifndef SLUICE_GATEWAY_JWKS_REFRESH_H
#define SLUICE_GATEWAY_JWKS_REFRESH_H

#include "gateway/jwks.h"

#define JWKS_PAUSE_MS 10000	/* so that tokens which name any key cost an issuer 6 requests a minute */
#define JWKS_EVERY_MS 300000	/* a withdrawn key does harm for at most so long */
#define JWKS_OLD_MS_MAX 3600000 /* an issuer that is away for less is noticed by nobody */

struct jwks_refresh { /* starts as `{0}` */
	struct jwks *keys;  /* its own; NULL: none was fetched yet */
	int64_t fetched_ms; /* the last that succeeded */
	int64_t begun_ms;   /* the last, whatever came of it */
	bool has_begun;
	bool is_under_way;
	bool is_wanted; /* a token named a key that is not in the set */
};

void jwks_refresh_close(struct jwks_refresh *refresh);

/* When the next fetch is due; it may be past. INT64_MAX: one is under way. */
int64_t jwks_refresh_due_ms(const struct jwks_refresh *refresh);

void jwks_refresh_begin(struct jwks_refresh *refresh, int64_t now_ms);

/* Takes the keys; NULL: the set is as it was. What jwks_refresh_keys() gave before is gone when there are other keys. */
void jwks_refresh_succeed(struct jwks_refresh *refresh, struct jwks *keys, int64_t now_ms);
void jwks_refresh_fail(struct jwks_refresh *refresh);

/* A token named a key that the set lacks. True: a fetch that may bring it is due or under way. */
bool jwks_refresh_want(struct jwks_refresh *refresh, int64_t now_ms);

/* The set in force; NULL: there is none, or it is too old. */
const struct jwks *jwks_refresh_keys(const struct jwks_refresh *refresh, int64_t now_ms);

#endif
