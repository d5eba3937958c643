/* jwks_source.h: Source of a key set, from a file or by HTTP, which refreshes it in the background of requests.
 *
 * jwks_source.h decides when it is fetched, and how long it is valid. A fetch does not block: it is a request
 * of the loop's HTTP client. A file is checked every ACCESS_FILES_MS.
 *
 * An attacker could replace keys that are sent without TLS and then authenticate. So http: is refused, except
 * from this machine.
 *
 * A source belongs to its loop's thread.
 */
#pragma once

#include "gateway/access/jwks.h"
#include "net/loop.h"
#include "net/tls.h"
#include "observe/log_sink.h"

/* Refresh policy of a key set: when it is fetched again, and how long an old one is valid.
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

/* Outage of a key set's source: when a failed fetch is logged, and in which words.
 * Pure.
 *
 * Fetches are tried every few seconds, so a failure is logged if it is news: the first one, the first one after the old
 * keys have become too old, and one with another cause, at most every JWKS_CAUSE_PAUSE_MS. Beyond that there is a reminder
 * every JWKS_REMINDER_MS.
 */
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

#define JWKS_FETCH_MS 5000

struct jwks_source;

struct jwks_source_settings { /* all borrowed, as long as the source */
	const char *uri;		      /* https://..., file:PATH, or a path */
	const struct tls_files *tls;	      /* of https; NULL: the system's authorities */
	void (*changed)(void *context);	      /* the current set has changed */
	/* A warning: fetches fail (jwks_source.h says when), or keys were left out. Information: they work again. */
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
