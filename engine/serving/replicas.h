/* replicas.h: which of a model's servers is asked next.
 *
 * Of two that are drawn, the one with less to do: its calls under way, times how long it
 * takes to answer; one that has not answered yet is taken for one like the others. What failed
 * at one is given to another next, if there is one, so that a server that fails a part of what
 * it gets, and so stays, costs no call its tries. A server
 * that cannot be reached, fails five times in a row, is far slower than the others, or leaves
 * all its calls without an answer for as long while another answers, is left out for a while,
 * longer each time, and taken back once it says that it is ready. What it then still holds for
 * as long is to be given to another. When all are out, all are asked.
 *
 * Pure: clock and chance are handed in.
 */
#ifndef SLUICE_SERVING_REPLICAS_H
#define SLUICE_SERVING_REPLICAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLICA_FAILURES 5
#define REPLICA_OUT_US 500000
#define REPLICA_OUT_MAX_US 16000000

struct replica {
	size_t in_flight;
	int64_t latency_us;   /* moving mean; 0: not known yet */
	int64_t heard_us;     /* when it last answered, or had nothing to do */
	unsigned failures;    /* in a row */
	unsigned outs;	      /* in a row */
	int64_t out_until_us; /* 0: it is in */
	bool asked;	      /* whether it is ready */
};

struct replicas {
	size_t count;
	struct replica *items; /* the owner's */
};

/* What a call takes, by those that have answered; 0: none has. */
int64_t replicas_latency_us(const struct replicas *replicas);

#define REPLICA_NONE SIZE_MAX

/* An index; count must not be 0. `but`: another one, if another is in; REPLICA_NONE: any. */
size_t replicas_choose(const struct replicas *replicas, size_t but, uint64_t chance);

void replica_sent(struct replica *replica, int64_t now_us);
void replica_forgotten(struct replica *replica); /* a call under way is not waited for */
/* `latency_us` below 0: it is not known. */
void replica_answered(struct replicas *replicas, size_t index, int64_t latency_us, int64_t now_us);
/* `unmet`: it could not even be reached. */
void replica_failed(struct replicas *replicas, size_t index, bool unmet, int64_t now_us);

/* We ourselves stood still for so long, up to now: that was nobody's silence. */
void replicas_paused(struct replicas *replicas, int64_t pause_us, int64_t now_us);

/* Whether it is out while others are in: what it fails then says nothing of the model. */
bool replicas_leave_out(const struct replicas *replicas, size_t index);

/* One that is out and due to be asked whether it is ready: marks it as asked. False: none. */
bool replicas_to_ask(struct replicas *replicas, int64_t now_us, size_t *index);
void replica_said(struct replica *replica, bool ready, int64_t now_us);

/* Whether a server that is left out holds calls. */
bool replicas_hold(const struct replicas *replicas);

/* Whether a call that was sent to it then is better given to another. */
bool replicas_give_up(const struct replicas *replicas, size_t index, int64_t sent_us, int64_t now_us);

/* When replicas_to_ask() or replicas_give_up() may say something else; INT64_MAX: not by itself. */
int64_t replicas_due_us(const struct replicas *replicas, int64_t now_us);

#endif
