/* breaker.h: whether a model that fails is still asked.
 *
 * Five failures in a row open it; then nobody asks. After a pause, which doubles while
 * the model stays away, one call goes out as a probe: its success closes the breaker, its
 * failure opens it again. A model may first be asked whether it is ready.
 *
 * A model that fails a part of what it gets is not away: what it answers would wait for
 * nothing. So what opens the breaker is a row of failures that is long for this model: five,
 * and eight times as many as usually come before an answer, and BREAKER_FAILURES_MOST at most.
 * Where every other attempt fails that is 13 in a row, one row of failures in some thousands;
 * a model of which one attempt in twelve is answered, or fewer, is as good as away.
 *
 * Pure: clock and chance are handed in.
 */
#ifndef SLUICE_SERVING_BREAKER_H
#define SLUICE_SERVING_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_FAILURES_USUAL 8 /* times as many as are usual are allowed beside */
#define BREAKER_FAILURES_MOST 100
#define BREAKER_PAUSE_US 250000
#define BREAKER_PAUSE_MAX_US 4000000

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,	 /* until `again_us` */
	BREAKER_PROBING, /* one call may go out, or is out */
};

struct breaker {
	enum breaker_state state;
	unsigned failures; /* in a row, while closed */
	unsigned usual;	   /* before an answer, of late: a moving mean, in 65,536ths */
	unsigned openings; /* in a row */
	int64_t again_us;
	bool probe_out;
};

/* Whether a call may go out now, taking the place of the probe if it is one. */
bool breaker_admits(struct breaker *breaker, int64_t now_us);
/* A call that took the probe's place did not go out after all, or was forgotten. */
void breaker_withdraw(struct breaker *breaker);

/* What came of a call. `chance` draws from the whole range: pauses differ among workers. */
void breaker_succeeded(struct breaker *breaker);
void breaker_failed(struct breaker *breaker, bool probe, int64_t now_us, uint64_t chance);

#endif
