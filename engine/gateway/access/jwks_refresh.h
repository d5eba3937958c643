/* jwks_refresh.h: Refresh policy of a key set: when it is fetched again, and how long an old one is valid.
 * Pure.
 *
 * A set is fetched if there is none, and at regular intervals. It is also fetched when a token names a key that
 * the set lacks, because its issuer may have changed the keys. One fetch is in flight at a time. One begins at
 * most every JWKS_PAUSE_MS, whatever keys tokens name, and even if the last one failed. A new set replaces the
 * old one completely: keys that the issuer withdrew are not accepted any more.
 *
 * While fetches fail, the old set is used until its age is JWKS_OLD_MS_MAX. Then there is none, and callers get
 * a 503 and should retry, because a key that was withdrawn meanwhile could not be recognised.
 *
 * Times are of the loop's clock.
 */
#ifndef SLUICE_GATEWAY_ACCESS_JWKS_REFRESH_H
#define SLUICE_GATEWAY_ACCESS_JWKS_REFRESH_H

#include "gateway/access/jwks.h"

#define JWKS_PAUSE_MS 10000	/* so that tokens with unknown keys cost an issuer 6 requests a minute */
#define JWKS_EVERY_MS 300000	/* a withdrawn key is accepted for at most so long, unless fetches fail */
#define JWKS_OLD_MS_MAX 3600000 /* a shorter outage of an issuer has no effect */

struct jwks_refresh { /* starts as `{0}` */
	struct jwks *keys;  /* owned; NULL: none was fetched yet */
	int64_t fetched_ms; /* time of the last one that succeeded */
	int64_t begun_ms;   /* time of the last one, whatever its result */
	uint64_t failures;  /* fetches */
	bool has_begun;
	bool is_under_way;
	bool is_wanted; /* a token named a key that is not in the set */
};

void jwks_refresh_close(struct jwks_refresh *refresh);

/* Time at which the next fetch is due, possibly in the past. INT64_MAX: one is in flight. */
int64_t jwks_refresh_due_ms(const struct jwks_refresh *refresh);

void jwks_refresh_begin(struct jwks_refresh *refresh, int64_t now_ms);

/* Takes ownership of the keys; NULL: the set is unchanged. With new keys, the result of an earlier
 * jwks_refresh_keys() is not valid any more. */
void jwks_refresh_succeed(struct jwks_refresh *refresh, struct jwks *keys, int64_t now_ms);
void jwks_refresh_fail(struct jwks_refresh *refresh);

/* A token named a key that the set lacks. True: a fetch that may bring it is due or in flight. */
bool jwks_refresh_want(struct jwks_refresh *refresh, int64_t now_ms);

/* Time since the last fetch that succeeded, even if the set is too old; -1: there was none. */
int64_t jwks_refresh_age_ms(const struct jwks_refresh *refresh, int64_t now_ms);

/* The current set; NULL: there is none, or it is too old. */
const struct jwks *jwks_refresh_keys(const struct jwks_refresh *refresh, int64_t now_ms);

#endif
