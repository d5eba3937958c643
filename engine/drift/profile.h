/* profile.h: Profile of one feature over one closed window: at most 4 KiB that stand for its messages, so that `past: 7d`
 * reads no messages again.
 *
 * Profiles merge: those of the parts of a window, of partitions or of days give the profile of all of it. Counts, ends
 * and moments are then those of the whole; quantiles have the error of a t-digest (numeric/tdigest.h): within
 * PROFILE_RANK_ERROR of the rank asked for. Texts are known by their lengths, and the commonest of them by name: a count
 * is never too high, and too low by `uncounted` at the most, which is rows / (PROFILE_TEXTS_MAX + 1) or less (Misra and
 * Gries 1982; merged as Agarwal and others, PODS 2012). A text that comes in more than that share is among them.
 *
 * A profile owns memory, and belongs to one thread.
 */
#ifndef SLUICE_DRIFT_PROFILE_H
#define SLUICE_DRIFT_PROFILE_H

#include "base/error.h"
#include "base/text.h"
#include "numeric/moments.h"
#include "numeric/tdigest.h"

#define PROFILE_BYTES_MAX 4096
#define PROFILE_RANK_ERROR 0.02 /* a share of the numbers */
#define PROFILE_NUMBER_MAX 1e140 /* of either sign; squares of larger ones have no finite sum */
#define PROFILE_ROWS_MAX ((uint64_t)1 << 48) /* of one that is stored: 8,000 years of 1,000 a second */
#define PROFILE_TEXTS_MAX 48	/* with a digest of lengths they fill 4 KiB */
#define PROFILE_NAME_MAX 32	/* bytes of a text that are kept of it; texts are told apart by a hash of all */

enum profile_kind { PROFILE_NUMBERS, PROFILE_TEXTS };

struct profile_text {
	uint64_t hash;
	uint64_t count;
	size_t length; /* of what is kept */
	char name[PROFILE_NAME_MAX];
};

struct profile {
	enum profile_kind kind;
	uint64_t rows;	   /* all that came */
	uint64_t missing;  /* among them: nothing, or NaN */
	uint64_t infinite; /* or beyond PROFILE_NUMBER_MAX; in no quantile and no moment */
	struct moments moments;
	struct tdigest digest; /* of the numbers, or of the texts' lengths in bytes */
	size_t text_count;
	uint64_t uncounted;
	struct profile_text texts[PROFILE_TEXTS_MAX + PROFILE_TEXTS_MAX]; /* in no order; merging needs twice as many */
};

void profile_open(struct profile *profile, enum profile_kind kind); /* takes no memory yet */
void profile_close(struct profile *profile);

/* False: memory ran out, and the profile is good for nothing but to be closed. */
bool profile_add_number(struct profile *profile, double number); /* to PROFILE_NUMBERS; NaN: missing */
bool profile_add_text(struct profile *profile, struct text text); /* to PROFILE_TEXTS; without bytes (NULL): missing */
bool profile_merge(struct profile *into, const struct profile *from); /* of one kind */

/* NaN of none, or where `q` is no share. */
double profile_quantile(struct profile *profile, double q);

/* How often a text came at the least; 0: it is not among the commonest. */
uint64_t profile_count(const struct profile *profile, struct text text);

/* Appends at most PROFILE_BYTES_MAX bytes, little-endian, with a version in front. False: memory ran out, and `out` may
 * have a part of them. */
bool profile_write(struct profile *profile, struct buffer *out);

/* Reads what was written into a profile, which is opened by it. INPUT: it is no profile, of a later version, or does not
 * hold together; then there is nothing to close. */
bool profile_read(struct profile *profile, struct text stored, struct error *error);

#endif
