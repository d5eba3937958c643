/* replicas.h: Replicas of one model: chooses the server of the next call, and leaves out servers that fail.
 *
 * Two replicas are drawn, and the one with the lower load is chosen. The load is its calls in flight times its
 * latency; a replica that has not answered yet is given the mean latency of the others. A call that failed at
 * one replica goes to another next, if there is one. So a server that fails a part of its calls, and stays in,
 * does not use up their tries.
 *
 * A server is left out if it is unreachable, fails five times in a row, or is far slower than the others. So is
 * a server that has answered none of its calls for as long as that, while another answers. It is left out for a
 * while, longer each time, and is taken back when it answers that it is ready. Calls that it has kept for as
 * long as that are to be given to another. If all are left out, all are called.
 *
 * Pure: clock and random numbers are arguments.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLICA_FAILURES 5
#define REPLICA_SILENT_CALLS 5
#define REPLICA_SILENT_US 5000000
#define REPLICA_SILENT_TIMES 3 /* so many times the usual time of a call, where that is longer */
#define REPLICA_OUT_US 500000
#define REPLICA_OUT_MAX_US 16000000

struct replica {
	size_t in_flight;
	int64_t latency_us;   /* moving mean; 0: not known yet */
	int64_t heard_us;     /* when it last answered, or had nothing to do */
	unsigned failures;    /* in a row */
	unsigned outs;	      /* in a row */
	int64_t out_until_us; /* 0: it is not left out */
	bool asked;	      /* it is being asked whether it is ready */
	unsigned silent;      /* calls in a row that ended by their own deadlines, and nothing came from it between them */
	int64_t silent_us;    /* when the first of these was sent, or the last answer before its end came */
};

struct replicas {
	size_t count;
	struct replica *items; /* owned by the caller */
};

/* Mean latency of the replicas that have answered; 0: none has. */
int64_t replicas_latency_us(const struct replicas *replicas);

#define REPLICA_NONE SIZE_MAX

/* Returns an index; count must not be 0. Avoids `but`, if another is not left out; REPLICA_NONE: any. */
size_t replicas_choose(const struct replicas *replicas, size_t but, uint64_t chance);

void replica_sent(struct replica *replica, int64_t now_us);
void replica_forgotten(struct replica *replica); /* a call in flight is not waited for */
/* `latency_us` below 0: unknown. */
void replica_answered(struct replicas *replicas, size_t index, int64_t latency_us, int64_t now_us);
/* `unmet`: it was unreachable. */
void replica_failed(struct replicas *replicas, size_t index, bool unmet, int64_t now_us);

/* A call that had too little time ended without an answer, which does not count against the replica by itself (overload.h). */
void replica_timed_out(struct replica *replica, int64_t sent_us);

/* Whether such calls count against it: from the REPLICA_SILENT_CALLS-th in a row on, once it has answered nothing for
 * REPLICA_SILENT_US, and REPLICA_SILENT_TIMES its usual time. Otherwise a server that accepts calls and never answers would be
 * called for ever where all deadlines are short. */
bool replica_is_silent(const struct replica *replica, int64_t now_us);

/* This process was suspended for `pause_us`, up to now: that time is not counted as silence of a server. */
void replicas_paused(struct replicas *replicas, int64_t pause_us, int64_t now_us);

/* Whether it is left out while others are not: its failures then do not count against the model. */
bool replicas_leave_out(const struct replicas *replicas, size_t index);

/* Finds a replica that is left out and due to be asked whether it is ready, and marks it as asked. False: none. */
bool replicas_to_ask(struct replicas *replicas, int64_t now_us, size_t *index);
void replica_reported(struct replica *replica, bool ready, int64_t now_us);

/* Whether a server that is left out has calls in flight. */
bool replicas_hold(const struct replicas *replicas);

/* Whether a call that was sent to it at `sent_us` is to be recalled and given to another. */
bool replicas_give_up(const struct replicas *replicas, size_t index, int64_t sent_us, int64_t now_us);

/* When the result of replicas_to_ask() or replicas_give_up() may change; INT64_MAX: only after another event. */
int64_t replicas_due_us(const struct replicas *replicas, int64_t now_us);
