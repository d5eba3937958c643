/* jwks_outage.h: Outage of a key set's source: when a failed fetch is logged, and in which words.
 * Pure.
 *
 * Fetches are tried every few seconds, so a failure is logged if it is news: the first one, the first one after the old
 * keys have become too old, and one with another cause, at most every JWKS_CAUSE_PAUSE_MS. Beyond that there is a reminder
 * every JWKS_REMINDER_MS.
 */
#ifndef SLUICE_GATEWAY_ACCESS_JWKS_OUTAGE_H
#define SLUICE_GATEWAY_ACCESS_JWKS_OUTAGE_H

#include "base/error.h"

#define JWKS_CAUSE_PAUSE_MS 60000 /* causes may alternate with every try, or contain a time that was measured */
#define JWKS_REMINDER_MS 600000	  /* 6 times before the old keys are too old, so that a log that is cut shows it too */
#define JWKS_OUTAGE_BYTES (2 * ERROR_TEXT_MAX + 512) /* of its line: an address, a cause, and the words around them */

struct jwks_outage { /* starts as `{0}`: there is none */
	bool is_on;
	bool had_keys;		    /* when it was logged last: old keys were in use */
	int64_t since_ms;	    /* its first failure, of the clock of `now_ms` */
	int64_t noted_ms;	    /* when it was logged last */
	char cause[ERROR_TEXT_MAX]; /* that was logged last */
};

/* A fetch failed, and old keys are in use or not. True: this has to be logged. */
bool jwks_outage_fail(struct jwks_outage *outage, const char *cause, bool has_keys, int64_t now_ms);

/* A fetch succeeded. The length of the outage that ends, at least 0; -1: there was none. */
int64_t jwks_outage_end(struct jwks_outage *outage, int64_t now_ms);

struct jwks_outage_facts { /* for its line; borrowed */
	const char *address;
	bool is_file;
	int64_t now_ms;	 /* of the clock of jwks_outage_fail() */
	int64_t age_ms;	 /* of the old keys; -1: there are none */
	int64_t wall_ms; /* now, since 1970 */
};

/* The line: the address, the cause, since when, what happens to tokens meanwhile, and what to do. */
void jwks_outage_line(const struct jwks_outage *outage, const struct jwks_outage_facts *facts, char line[JWKS_OUTAGE_BYTES]);

#endif
