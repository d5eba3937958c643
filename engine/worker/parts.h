/* parts.h: what the files of this room share: a worker, and a stage while it is open.
 * Private to engine/worker; its users see worker.h.
 *
 *   worker.c   the loop: what happens in a turn, opening and closing
 *   intake.c   poll -> decode -> enter the stage
 *   admission.c    requests that are taken too late
 *   awaiting_schema.c   messages whose schema is being asked for
 *   stage_links.c  what comes from another stage of its pipeline, and what goes on to one
 *   external_inputs.c  what comes from other pipelines
 *   join_state.c  what comes of a request by several ways, until it is enough; join_state_recalled.c brings that back
 *   parked_parts.c  what of that is remembered meanwhile
 *   join_tombstone.c    what stands for a join that is over
 *   pending_commit.c  what is forgotten when it is committed
 *   join_merge.c  the parts put together as one message
 *   nested.c   pipelines that pipelines call
 *   copies.c   what steps send off the path
 *   stages.c   a stage: its flow, and the calls that go from there and come back
 *   release.c  leave in order -> produce -> commit
 *   counting.c what became of requests, counted
 *   outbox.c   what leaves for a message, encoded
 *   replies.c  copies of answers for gateways
 *   partition_state.c  what steps remember of each partition
 *   follow.c   partitions come and go, and so do stages
 *   stage_phase.c  how long stages stay that others take the place of
 *   upstreams.c  windows of joins while their sources are behind
 *   revoked_progress.c how far partitions were answered when they were taken away
 */
#ifndef SLUICE_WORKER_PARTS_H
#define SLUICE_WORKER_PARTS_H

#include "log/registry.h"
#include "log/side.h"
#include "log/upstream.h"
#include "net/loop.h"
#include "worker/lanes.h"
#include "worker/outbox.h"
#include "worker/partition_state.h"
#include "worker/revoked_progress.h"
#include "worker/stage_phase.h"
#include "worker/worker.h"

/* Units of work (step/expression.h) after which a stage takes no record until the next turn: some tens of milliseconds. What a
 * message takes beyond that is taken off its next turns, so that those beside it get theirs. */
#define STAGE_TURN_WORK ((uint64_t)1 << 22)

#define TAKE_AT_ONCE 500 /* records; then HTTP and timers get their turn */

/* One client of models for all stages that were made with one configuration. */
struct shared_caller {
	struct caller *caller;
	const struct caller_config *config;
	size_t stages; /* that call by it: with the last it is closed */
	struct shared_caller *next;
};

/* Records in hand for a stage that is full. */
struct waiting {
	struct record *items;
	size_t first, count, capacity;
	size_t bytes;
};

/* A flow that a stage runs messages through, and whose calls it carries out. */
struct host {
	struct worker_stage *stage;
	struct flow *flow;
	const char *name;	     /* of a called pipeline; NULL: it is the stage's own */
	struct stage_counts *counts; /* of a called pipeline; NULL: nobody asks */
};

/* Whether a stage's sources have come as far as its windows: upstreams.c. By the loop's clock. */
struct stage_upstream {
	uint64_t ticket;   /* 0: never asked */
	bool asked;	   /* the answer is to come */
	int64_t began_ms;  /* since when it is asked, again and again; 0: it is not */
	int64_t passed_ms; /* what they had then has come; 0: nobody asked */
	int64_t again_ms;  /* not asked before */
};

struct nested; /* nested.c */
struct copy;   /* copies.c */

struct worker_stage {
	const struct stage_config *config;
	struct worker *worker;
	const struct schema_source *schemas; /* its own, else the registry's; NULL: none */
	struct flow *flow;
	struct host host;    /* of that flow */
	struct host *called; /* those of the pipelines that its steps call */
	struct shared_caller *shared;
	struct load load;
	struct waiting waiting;
	bool paused; /* its partitions are */
	enum stage_phase phase;
	int64_t stay_us;  /* how long messages with a deadline are here of late: admission.h */
	int64_t quiet_ms; /* since when nothing came for one that lingers */
	struct stage_upstream upstream;
	struct stage_counts *counts;
	struct stage_counts own_counts; /* where nobody asks */
	struct worker_stage *next;
};

struct worker {
	const struct worker_config *config;
	struct consumer_config consumer_config; /* with the topics of the first setup */
	struct transaction_config transaction_config;
	struct loop *loop;
	struct consumer *consumer;
	struct watch consumer_watch, output_watch, command_watch;
	struct loop_timer commit_timer, retry_timer, handover_timer;
	int command_bell; /* rung by worker_stop() and worker_reload() */
	atomic_bool stopping;
	_Atomic int64_t turned_ms;		     /* when a turn began last, by the loop's clock */
	_Atomic(const struct worker_setup *) wanted; /* NULL: nothing new */
	_Atomic(const struct worker_setup *) followed;
	int64_t drain_until_ms;	   /* 0: not stopping yet */
	int64_t handover_until_ms; /* 0: no partitions are being taken */

	const struct worker_setup *setup;
	struct registry *registry; /* NULL: there is none */
	struct registry_config registry_config;
	struct flight *awaiting_schema;
	struct shared_caller *callers;
	struct worker_stage *stages;
	size_t stage_count;	      /* of those that serve */
	size_t replaced_count;	      /* of those that do not any more */
	struct worker_stage **routes; /* of each topic read; NULL: nobody takes it */
	size_t route_count;

	struct lanes lanes;
	struct revoked_list answered;
	struct position *positions; /* room for one a lane */
	struct record records[TAKE_AT_ONCE];
	struct outbox outbox;
	struct partition_states partition_states;
	struct upstream *upstream; /* NULL: not needed yet */
	struct watch upstream_watch;
	uint64_t upstream_tickets;
	bool more;  /* the last take was not the queue's end */
	bool dirty; /* something is to be committed */
	bool commit_due;
	bool full;   /* so is the producer's queue: it is tried again in a moment */
	bool spoilt; /* the open transaction cannot be committed */

	struct nested *nested; /* calls of pipelines that are out */
	size_t nested_waiting; /* of them those that begin in the next turn */
	struct call **refused; /* calls that could not be begun, or pipelines answered: told in the next turn */
	size_t refused_count;
	size_t refused_capacity;
	struct copy *copies; /* of messages, that are out */
	size_t copy_count;
	size_t copy_bytes;
	struct worker_counts counts;
	struct error failure; /* SYSTEM: the worker stops */
};

/* Who takes the records of that topic, which is one of the setup's; NULL: nobody, for now. */
static inline struct worker_stage *stage_reading(const struct worker *worker, uint32_t topic)
{
	return worker->routes[topic];
}

/* The one writer of a count that others read. */
static inline void count_add(_Atomic uint64_t *count, uint64_t more)
{
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more, memory_order_relaxed);
}

/* ---- counting.c ---- */

/* A message has left its stage. */
void flight_count_out(const struct flight *flight, struct loop *loop);

/* In flight is what the stages have now: after messages were dropped. */
void stages_count_in_flight(const struct worker *worker);

/* A call of a pipeline was taken; has ended with this outcome, so long after it was taken; or is
 * given up by its caller. `counts` NULL: nobody asks. */
void call_count_in(struct stage_counts *counts);
void call_count_out(struct stage_counts *counts, enum flow_outcome outcome, const struct answer *answer, int64_t took_ms);
void call_count_forgotten(struct stage_counts *counts);

/* ---- stages.c ---- */

struct worker_stage *stage_open(struct worker *worker, const struct stage_config *config, struct error *error);
void stage_close(struct worker_stage *stage); /* NULL is fine; its lanes are without its messages */

/* The stages whose time has come, and calls that were refused, go on. */
void stages_advance(struct worker *worker);
int64_t stages_due_ms(const struct worker *worker); /* INT64_MAX: nothing waits for time */

/* The call is answered, in the next turn. */
void stage_return(struct worker *worker, struct call *call);

/* How a flow of that stage reaches its outside. */
void host_call(void *context, struct call *call);
void host_forget(void *context, struct call *call);
int64_t host_outage_ms(void *context, const struct call *call);

/* ---- nested.c ---- */

/* The pipelines that the stage's steps call. */
bool nested_open(struct worker_stage *stage, struct error *error);
void nested_close(struct worker_stage *stage);

/* A call of one of them begins in the next turn. False: it is of none. */
bool nested_call(struct host *host, struct call *call);
void nested_forget(struct worker *worker, const struct call *call);
/* As struct flow_outside has it, of the pipeline that is called. False: it is a call of none. */
bool nested_outage(const struct worker *worker, const struct call *call, int64_t *outage_ms);

void nested_advance(struct worker *worker); /* begins what was called */
void nested_advance_stage(struct worker_stage *stage, int64_t now_ms);
int64_t nested_due_ms(const struct worker_stage *stage);

/* ---- copies.c ---- */

/* A flow sends a copy: its call has no owner. */
void host_copy(void *context, const struct call *call);
void copy_answered(struct worker *worker, struct call *call);
void copies_close(struct worker_stage *stage); /* forgets those that its flows sent */

/* ---- intake.c ---- */

/* Without an id of its own a message is named by where it stood. */
void message_identify(struct message *message);

/* Callers name a time of day; here time is the loop's, which never goes back. */
void message_set_clock(struct message *message, const struct loop *loop);

/* Whether there is a stage that may take more. */
bool intake_may_take(const struct worker *worker);

/* Gives each stage its share of work for the turn; and whether one has used up more than that: then there is another at once. */
void intake_begin_turn(struct worker *worker);
bool intake_owes(const struct worker *worker);
bool intake_take(struct worker *worker, struct error *error);

/* Decodes it and lets it enter its stage; what is wrong with it is its answer. */
void intake_enter(struct worker *worker, struct flight *flight);

/* Stages that have room again take what they had in hand, and their partitions go on. */
bool intake_resume(struct worker *worker, struct error *error);

/* Drops what is in hand of partitions that are taken or read anew. */
void intake_drop(struct worker *worker, struct positions positions);

bool intake_go_on(struct worker *worker, struct error *error); /* nothing is paused, for now */

/* After partitions were given: those of paused stages are paused too. */
bool intake_pause_again(struct worker *worker, struct error *error);

/* Stages serve no more: what they have in hand, which never entered them, is passed on. */
void intake_pass_on(struct worker *worker);

void waiting_close(struct waiting *waiting);

/* ---- awaiting_schema.c ---- */

/* Opens the registry, where the configuration has one. */
bool awaiting_schema_open(struct worker *worker, struct error *error);

/* Keeps a message that could not be decoded, if that was for want of a schema which is
 * being asked for now: it enters again when that has come. */
bool awaiting_schema_keep(struct worker *worker, struct flight *flight);

/* Where the order counts, those behind such a message wait with it. */
bool awaiting_schema_is_ahead(const struct flight *flight);
void awaiting_schema_hold(struct worker *worker, struct flight *flight);

/* ---- release.c ---- */

void release(struct worker *worker);
void release_begin_interval(struct worker *worker);
bool release_end(struct worker *worker, struct error *error);
bool release_commit_when_due(struct worker *worker, struct error *error);
void release_on_news(void *context, uint32_t events);
void release_on_commit_due(void *context);
void release_on_retry(void *context);
void release_retry_soon(struct worker *worker); /* the producer's queue is full */

/* ---- follow.c ---- */

bool follow_assignment(struct worker *worker, struct error *error);
bool follow_is_handing_over(const struct worker *worker); /* it waits for what is in flight */

/* The stages of the first setup, before there is a consumer or an output; and the latest,
 * when there is a new one and it may be followed now. Stages that nobody needs are closed. */
bool follow_first(struct worker *worker, struct error *error);
bool follow_setup(struct worker *worker, struct error *error);

#endif
