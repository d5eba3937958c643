/* health.c: see health.h. */
#include "models/calls/health.h"

#include <stdio.h>

#define QUEUE_DRAIN_FEWEST 8 /* calls of the first mean; each of the others is of four times as many */

#define MORE_TIMES 4
#define EVIDENCE_PART 4 /* of the queue: so many answered calls show how long it takes */

/* Moving means; the first calls have equal weights, or the very first would count for long. */
void queue_drain_note(struct queue_drain *drain, int64_t latency_us, size_t abreast)
{
	assert(latency_us >= 0 && abreast > 0);
	const double us = (double)latency_us / (double)abreast;
	uint64_t calls = QUEUE_DRAIN_FEWEST;
	drain->count++;
	for (size_t i = 0; i < QUEUE_DRAIN_MEANS; i++, calls *= MORE_TIMES)
		drain->us_each[i] += (us - drain->us_each[i]) / (double)(drain->count < calls ? drain->count : calls);
}

int64_t queue_drain_wait_us(const struct queue_drain *drain, size_t queued)
{
	const size_t evidence = queued / EVIDENCE_PART;
	size_t i = 0;
	for (size_t calls = QUEUE_DRAIN_FEWEST * MORE_TIMES; i + 1 < QUEUE_DRAIN_MEANS && calls <= evidence; calls *= MORE_TIMES)
		i++;
	return (int64_t)((double)queued * drain->us_each[i]);
}

void health_open(struct health *health, struct replicas replicas, size_t concurrency_least, size_t concurrency_most, uint64_t seed,
		 int64_t now_us)
{
	*health = (struct health){.replicas = replicas, .chance = {seed}};
	concurrency_limit_open(&health->concurrency_limit, concurrency_least, concurrency_most, now_us);
}

uint64_t health_draw(struct health *health)
{
	return random_next(&health->chance);
}

enum health_verdict health_admits(struct health *health, int64_t now_us)
{
	struct breaker *breaker = &health->breaker;
	if (breaker->state == BREAKER_OPEN && (health->asking || (now_us < breaker->again_us && !health->doubt)))
		return HEALTH_STAY;
	if (breaker->state == BREAKER_OPEN && !health->ready) {
		health->asked = replicas_choose(&health->replicas, REPLICA_NONE, health_draw(health));
		health->asking = true;
		return HEALTH_ASK;
	}
	return breaker_admits(breaker, now_us) ? HEALTH_GO : HEALTH_STAY;
}

size_t health_choose(struct health *health, size_t but, bool *probe, int64_t now_us)
{
	*probe = health->breaker.state != BREAKER_CLOSED;
	size_t replica = *probe ? health->asked : replicas_choose(&health->replicas, but, health_draw(health));
	assert(replica < health->replicas.count);
	replica_sent(&health->replicas.items[replica], now_us);
	return replica;
}

void health_withdraw(struct health *health, size_t replica, bool probe)
{
	assert(replica < health->replicas.count);
	replica_forgotten(&health->replicas.items[replica]);
	if (probe)
		breaker_withdraw(&health->breaker);
}

static void keep_words(struct health *health, const struct attempt *attempt)
{
	const char *where = attempt->where ? attempt->where : "";
	if (attempt->end == ATTEMPT_TIMED_OUT)
		(void)snprintf(health->words, sizeof health->words, "no answer in time");
	else if (attempt->end == ATTEMPT_REPLIED)
		(void)snprintf(health->words, sizeof health->words, TEXT_FORMAT "%sstatus %d%s%s%s", TEXT_ARGUMENTS(attempt->words),
			       attempt->words.length > 0 ? " (" : "", attempt->status, where[0] ? ", " : "", where,
			       attempt->words.length > 0 ? ")" : "");
	else
		(void)snprintf(health->words, sizeof health->words, TEXT_FORMAT, TEXT_ARGUMENTS(attempt->words));
}

bool health_recalled(struct health *health, size_t replica, bool probe, int64_t now_us)
{
	assert(replica < health->replicas.count);
	const struct attempt unanswered = {.end = ATTEMPT_TIMED_OUT};
	unsigned openings = health->breaker.openings;
	replica_forgotten(&health->replicas.items[replica]);
	if (!probe)
		return false;
	breaker_failed(&health->breaker, true, now_us, health_draw(health));
	if (health->breaker.openings == openings)
		return false; /* the answer of another call has closed it meanwhile */
	keep_words(health, &unanswered);
	health->ready = false;
	return true;
}

static bool learn_failure(struct health *health, const struct attempt *attempt, size_t replica, bool probe, int64_t now_us)
{
	bool unmet = attempt->end == ATTEMPT_REFUSED || attempt->end == ATTEMPT_LOST;
	unsigned openings = health->breaker.openings;
	bool first = health->breaker.state == BREAKER_CLOSED && health->breaker.failures == 0;
	health->answers += !unmet;
	replica_failed(&health->replicas, replica, unmet, now_us);
	if (!probe && replicas_leave_out(&health->replicas, replica))
		return false;
	health->only_500 = (first || health->only_500) && attempt->end == ATTEMPT_REPLIED && attempt->status == 500;
	if (attempt->end == ATTEMPT_TIMED_OUT || attempt->status == 429 || attempt->status == 503)
		concurrency_limit_overloaded(&health->concurrency_limit);
	breaker_failed(&health->breaker, probe, now_us, health_draw(health));
	if (health->breaker.openings == openings)
		return false;
	keep_words(health, attempt);
	health->ready = false;
	health->doubt = health->only_500 && !probe;
	if (!health->doubt)
		concurrency_limit_restart(&health->concurrency_limit);
	return !health->doubt;
}

bool health_learn(struct health *health, const struct attempt *attempt, size_t replica, bool probe, struct health_latency latency,
		  bool more_wait, int64_t now_us)
{
	if (attempt_is_failure(attempt))
		return learn_failure(health, attempt, replica, probe, now_us);
	health->answers++;
	health->ready = false;
	replica_answered(&health->replicas, replica, latency.us, now_us);
	breaker_succeeded(&health->breaker);
	if (latency.us >= 0)
		queue_drain_note(&health->queue_drain, latency.us, latency.abreast);
	if (attempt->status == 200 && latency.us >= 0)
		concurrency_limit_answered(&health->concurrency_limit, latency.us, more_wait, now_us);
	return false;
}

void health_cannot_say(struct health *health)
{
	health->asking = false;
	health->ready = !health->doubt; /* the pause comes before the probe */
	health->doubt = false;
}

bool health_reported(struct health *health, size_t replica, bool ready, int64_t now_us)
{
	assert(replica < health->replicas.count);
	replica_reported(&health->replicas.items[replica], ready, now_us);
	if (!health->asking || health->asked != replica)
		return false;
	bool doubt = health->doubt;
	health->asking = health->doubt = false;
	health->ready = ready && !doubt;
	if (ready && doubt)
		breaker_succeeded(&health->breaker); /* the server is reachable: the requests fail */
	if (!ready)
		breaker_failed(&health->breaker, true, now_us, health_draw(health));
	return !ready;
}

bool health_is_away(const struct health *health, int64_t now_us)
{
	return health->breaker.state == BREAKER_OPEN && !health->doubt && now_us < health->breaker.again_us;
}

bool health_is_tried(const struct health *health)
{
	return health->breaker.state != BREAKER_CLOSED && !health->doubt && (health->asking || health->breaker.probe_out);
}
