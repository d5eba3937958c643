/* replicas.c: see replicas.h. */
#include "models/calls/replicas.h"

#include <assert.h>

#define LATENCY_SHARE 8	  /* a new value has a weight of one eighth */
#define OUTLIER_TIMES 8	  /* times the latency of the next slowest */
#define OUTLIER_US 200000 /* and at least this latency */
#define LOOK_US 50000	  /* between two checks for silent replicas */

int64_t replicas_latency_us(const struct replicas *replicas)
{
	int64_t sum_us = 0, known = 0;
	for (size_t i = 0; i < replicas->count; i++) {
		sum_us += replicas->items[i].latency_us;
		known += replicas->items[i].latency_us > 0;
	}
	return known > 0 ? sum_us / known : 0;
}

static int64_t load_of(const struct replicas *replicas, size_t index)
{
	const struct replica *replica = &replicas->items[index];
	int64_t latency_us = replica->latency_us > 0 ? replica->latency_us : replicas_latency_us(replicas);
	return (int64_t)(replica->in_flight + 1) * (latency_us + 1);
}

static bool is_in(const struct replica *replica)
{
	return replica->out_until_us == 0;
}

/* The n-th replica in use, without `but`. */
static size_t nth_in(const struct replicas *replicas, size_t but, size_t nth)
{
	for (size_t i = 0; i < replicas->count; i++)
		if (i != but && is_in(&replicas->items[i]) && nth-- == 0)
			return i;
	return 0;
}

static size_t count_in(const struct replicas *replicas, size_t but)
{
	size_t in = 0;
	for (size_t i = 0; i < replicas->count; i++)
		in += i != but && is_in(&replicas->items[i]);
	return in;
}

size_t replicas_choose(const struct replicas *replicas, size_t but, uint64_t chance)
{
	assert(replicas->count > 0);
	if (replicas->count == 1)
		return 0;
	size_t in = count_in(replicas, but);
	if (in == 0 && but < replicas->count && is_in(&replicas->items[but]))
		return but;
	if (in == 0)
		return (size_t)(chance % replicas->count);
	if (in == 1)
		return nth_in(replicas, but, 0);
	size_t first = (size_t)(chance % in), second = (size_t)((chance >> 32) % (in - 1));
	size_t one = nth_in(replicas, but, first), other = nth_in(replicas, but, second + (second >= first));
	return load_of(replicas, one) <= load_of(replicas, other) ? one : other;
}

void replica_sent(struct replica *replica, int64_t now_us)
{
	if (replica->in_flight++ == 0)
		replica->heard_us = now_us;
}

void replica_forgotten(struct replica *replica)
{
	assert(replica->in_flight > 0);
	replica->in_flight--;
}

static void put_out(struct replica *replica, int64_t now_us)
{
	int64_t pause_us = REPLICA_OUT_MAX_US;
	if (replica->outs < 8 && (int64_t)REPLICA_OUT_US << replica->outs < REPLICA_OUT_MAX_US)
		pause_us = (int64_t)REPLICA_OUT_US << replica->outs;
	replica->outs++;
	replica->asked = false;
	replica->out_until_us = now_us + pause_us;
}

/* Whether another replica in use has nothing to answer, or has answered recently. */
static bool another_is_heard(const struct replicas *replicas, size_t index, int64_t latency_us, int64_t now_us)
{
	for (size_t i = 0; i < replicas->count; i++) {
		const struct replica *other = &replicas->items[i];
		if (i != index && is_in(other) &&
		    (other->in_flight == 0 || (now_us - other->heard_us) * OUTLIER_TIMES < latency_us))
			return true;
	}
	return false;
}

/* Whether all other replicas in use answer far sooner than that. If all servers have become slow, none is an outlier. */
static bool is_outlier(const struct replicas *replicas, size_t index, int64_t latency_us, int64_t now_us)
{
	if (latency_us <= OUTLIER_US)
		return false;
	int64_t slowest_us = 0;
	for (size_t i = 0; i < replicas->count; i++)
		if (i != index && is_in(&replicas->items[i]) && replicas->items[i].latency_us > slowest_us)
			slowest_us = replicas->items[i].latency_us;
	return slowest_us > 0 && latency_us > slowest_us * OUTLIER_TIMES &&
	       another_is_heard(replicas, index, latency_us, now_us);
}

void replica_answered(struct replicas *replicas, size_t index, int64_t latency_us, int64_t now_us)
{
	assert(index < replicas->count && replicas->items[index].in_flight > 0);
	struct replica *replica = &replicas->items[index];
	int64_t before_us = replica->latency_us;
	replica->in_flight--;
	replica->failures = replica->silent = 0;
	replica->heard_us = now_us;
	if (latency_us >= 0)
		replica->latency_us = before_us ? before_us + (latency_us - before_us) / LATENCY_SHARE : latency_us;
	if (replica->out_until_us > 0)
		return; /* sent before the replica was excluded: only the readiness check includes it again */
	if (is_outlier(replicas, index, replica->latency_us, now_us))
		put_out(replica, now_us);
	else
		replica->outs = 0;
}

void replica_failed(struct replicas *replicas, size_t index, bool unmet, int64_t now_us)
{
	assert(index < replicas->count && replicas->items[index].in_flight > 0);
	struct replica *replica = &replicas->items[index];
	replica->in_flight--;
	replica->failures++;
	if (replica->out_until_us == 0 && (unmet || replica->failures >= REPLICA_FAILURES))
		put_out(replica, now_us);
}

void replica_timed_out(struct replica *replica, int64_t sent_us)
{
	if (replica->silent++ == 0)
		replica->silent_us = sent_us > replica->heard_us ? sent_us : replica->heard_us;
}

bool replica_is_silent(const struct replica *replica, int64_t now_us)
{
	const int64_t usual_us = REPLICA_SILENT_TIMES * replica->latency_us;
	const int64_t least_us = usual_us > REPLICA_SILENT_US ? usual_us : REPLICA_SILENT_US;
	return replica->silent >= REPLICA_SILENT_CALLS && now_us - replica->silent_us >= least_us;
}

/* A time at which something was seen, without a pause that has ended now. */
static int64_t seen_later(int64_t seen_us, int64_t pause_us, int64_t now_us)
{
	const int64_t since_us = now_us - seen_us;
	return seen_us + (since_us < pause_us ? since_us : pause_us);
}

void replicas_paused(struct replicas *replicas, int64_t pause_us, int64_t now_us)
{
	for (size_t i = 0; i < replicas->count; i++) {
		struct replica *replica = &replicas->items[i];
		replica->heard_us = seen_later(replica->heard_us, pause_us, now_us);
		replica->silent_us = seen_later(replica->silent_us, pause_us, now_us);
	}
}

bool replicas_leave_out(const struct replicas *replicas, size_t index)
{
	assert(index < replicas->count);
	bool others = false;
	for (size_t i = 0; i < replicas->count; i++)
		others = others || replicas->items[i].out_until_us == 0;
	return others && replicas->items[index].out_until_us > 0;
}

static void put_out_silent(struct replicas *replicas, int64_t now_us)
{
	for (size_t i = 0; i < replicas->count; i++) {
		struct replica *replica = &replicas->items[i];
		if (replica->in_flight > 0 && is_in(replica) && is_outlier(replicas, i, now_us - replica->heard_us, now_us))
			put_out(replica, now_us);
	}
}

bool replicas_to_ask(struct replicas *replicas, int64_t now_us, size_t *index)
{
	put_out_silent(replicas, now_us);
	for (*index = 0; *index < replicas->count; ++*index) {
		struct replica *replica = &replicas->items[*index];
		if (replica->out_until_us == 0 || replica->asked || now_us < replica->out_until_us)
			continue;
		replica->asked = true;
		return true;
	}
	return false;
}

void replica_reported(struct replica *replica, bool ready, int64_t now_us)
{
	if (replica->out_until_us == 0)
		return;
	if (!ready) {
		put_out(replica, now_us);
		return;
	}
	replica->asked = false;
	replica->out_until_us = 0;
	replica->failures = 0;
	replica->heard_us = now_us;
	replica->latency_us = 0; /* earlier latencies mean nothing now */
}

bool replicas_hold(const struct replicas *replicas)
{
	for (size_t i = 0; i < replicas->count; i++)
		if (replicas->items[i].in_flight > 0 && !is_in(&replicas->items[i]))
			return true;
	return false;
}

bool replicas_give_up(const struct replicas *replicas, size_t index, int64_t sent_us, int64_t now_us)
{
	assert(index < replicas->count);
	return !is_in(&replicas->items[index]) && is_outlier(replicas, index, now_us - sent_us, now_us);
}

/* In steps, so that a waiting caller does not start again with every answer. */
static int64_t next_look_us(const struct replica *replica, int64_t now_us)
{
	int64_t silent_us = replica->heard_us + OUTLIER_US;
	return ((silent_us > now_us ? silent_us : now_us) / LOOK_US + 1) * LOOK_US;
}

int64_t replicas_due_us(const struct replicas *replicas, int64_t now_us)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < replicas->count; i++) {
		const struct replica *replica = &replicas->items[i];
		if (!is_in(replica) && !replica->asked && replica->out_until_us < due_us)
			due_us = replica->out_until_us;
		if (replica->in_flight > 0 && next_look_us(replica, now_us) < due_us)
			due_us = next_look_us(replica, now_us);
	}
	return due_us;
}
