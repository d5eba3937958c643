/* parts.h: Structs of a worker and of an open stage, and the functions that the files of this module share. Private
 * to engine/worker; other modules include worker.h.
 *
 *   worker.c   the loop: steps of a turn, opening and closing
 *   intake.c   poll -> decode -> enter the stage
 *   cancellation.c  requests that their callers cancelled
 *   admission.c    refusal of requests that would be answered too late
 *   partition_queues.c  in-flight messages by partition, in their order; keys.c has the last one of each key
 *   blame_list.c   records of a partition whose outputs Kafka refused
 *   message_start.c  deadline of a message
 *   waiting_records.c  records in hand of a full stage
 *   waiting_requests.c  requests of replaced stages that wait
 *   awaiting_schema.c   messages that wait for a schema
 *   direct_hub.c  requests of the gateway in the same process, and their replies
 *   direct_intake.c  entry of such requests into stages
 *   direct_log.c  records of such requests
 *   stage_links.c  records from and to other stages of the pipeline
 *   slices.c   rows that wait on their way to observers
 *   held_links.c  rows and records to observers that wait for earlier messages of their partition
 *   truth_relay.c  feedback on its way to observers
 *   time_links.c  records of time alone, for observers of a stream that stops
 *   external_inputs.c  records of other pipelines
 *   join_state.c  parts of requests that wait to be joined; join_state_recalled.c restores them
 *   parked_parts.c  parts and tombstones in the store
 *   join_tombstone.c    tombstone of a finished join, as bytes
 *   pending_commit.c  joins whose last record is not committed yet
 *   subpipelines.c   subpipelines: pipelines that steps call
 *   shadow_requests.c   shadow requests
 *   mirror_pairs.c   comparison of replies of mirrors with the answers
 *   flow_owner.c  calls of a flow's steps
 *   returned_calls.c  calls that return to their flows in the next turn
 *   stages.c   a stage: its flow, and what its flow returns
 *   release.c  finished messages leave in order -> produce
 *   commit_interval.c  when released messages are committed
 *   commits.c  their commit, and its result
 *   request_counts.c counts of requests and their outcomes
 *   answer_metrics.c  metrics that pipelines declare
 *   outbox.c   outputs of a message, encoded and produced
 *   answer_record.c    value, key and headers of an answer
 *   gateway_reply.c    replies to gateways that wait
 *   exposures.c    exposures of experiments, a record for each choice
 *   listed_records.c   verdicts, reports and what was learnt, which steps have listed
 *   submitted.c  headers by which the answer to a submitted request is found
 *   replies.c  copies of answers for gateways
 *   partition_state.c  state of steps, partition by partition
 *   snapshot_schedule.c    which partition gets the next snapshot
 *   snapshot_progress.c    the snapshot in progress
 *   assignment_changes.c   changes of assigned partitions
 *   setup_changes.c   changes of stages and topics by a reload
 *   stage_phase.c  phases of stages that a reload replaces
 *   absence_report.c  topics that were deleted, or may not be read
 *   upstreams.c  windows of joins while their sources are behind
 *   revoked_progress.c answered offsets of revoked partitions
 */
#pragma once

#include "base/list.h"
#include "kafka/produce/best_effort.h"
#include "kafka/topics/registry.h"
#include "kafka/consume/upstream.h"
#include "net/loop.h"
#include "engine/worker/direct_intake.h"
#include "engine/outputs/gateway_reply.h"
#include "engine/outputs/outbox.h"
#include "engine/worker/partition_queues.h"
#include "engine/worker/partition_state.h"
#include "engine/worker/revoked_progress.h"
#include "engine/worker/stage_phase.h"
#include "engine/worker/worker.h"

/* Work units (compiler/expression/expression.h) after which a stage takes no record until the next turn: some tens of milliseconds.
 * Work beyond that is subtracted from its next turns, so that other stages get their share. */
#define STAGE_TURN_WORK ((uint64_t)1 << 22)

#define TAKE_AT_ONCE 500 /* records; then HTTP and timers get their turn */

/* Client of models that all stages with the same configuration share. */
struct shared_caller {
	struct caller *caller;
	const struct caller_config *config;
	size_t stages; /* that use it; it is closed with the last one */
	struct shared_caller *next;
};

/* Records that wait because their stage is full. */
struct waiting_records {
	struct record *items;
	size_t first, count, capacity;
	size_t bytes;
};

/* Owner of a flow: runs messages through it and carries out its calls. */
struct flow_owner {
	struct worker_stage *stage;
	struct flow *flow;
	const char *name;	     /* name of a subpipeline; NULL: it is the stage's own flow */
	struct stage_counts *counts; /* of a subpipeline; NULL: not counted */
};

/* Progress of a stage's sources compared with its join windows (upstreams.c). Times are of the loop's clock. */
struct stage_upstream {
	uint64_t ticket;   /* 0: never asked */
	bool asked;	   /* an answer is outstanding */
	int64_t began_ms;  /* when the current series of questions began; 0: there is none */
	int64_t passed_ms; /* all that the sources had at this time has come; 0: unknown */
	int64_t again_ms;  /* earliest time of the next question */
};

struct subpipeline_call; /* subpipelines.c */

struct worker_stage {
	const struct stage_config *config;
	struct worker *worker;
	const struct schema_source *schemas; /* its own, otherwise the registry's; NULL: none */
	struct flow *flow;
	struct arena *judging; /* of conditions and metrics: what is too large for it fails no message; NULL: there are none */
	struct flow_owner flow_owner; /* of `flow` */
	struct flow_owner *called;    /* of the subpipelines that its steps call */
	struct shared_caller *shared;
	struct load load;
	struct waiting_records waiting;
	struct direct_queue direct; /* requests past Kafka that wait because the stage is full */
	bool paused;		    /* its partitions are paused */
	uint32_t denied; /* number of the setup's writes: it cannot be written now (write_denial.h); TOPIC_NOWHERE: none */
	bool is_gone;	 /* with `denied`: because Kafka has no such topic */
	enum stage_phase phase;
	int64_t stay_us;  /* how long messages with a deadline recently took here (admission.h) */
	int64_t quiet_ms; /* since when a draining stage has received nothing */
	int64_t replaced_ms; /* when it was replaced, by the time of day */
	size_t waits;	  /* of a replaced stage: its requests that wait and stay */
	size_t counted_waits, counted_in_flight; /* that the counts contain now */
	struct stage_upstream upstream;
	bool beside_path; /* its records are no requests */
	int64_t begun_ms[ALERTS_MAX]; /* when a message last began each alert without groups; 0: none did (begun_alerts.h) */
	struct stage_counts *counts;
	struct stage_counts own_counts; /* used if the configuration has no counts */
	struct alert_counts own_alert_counts; /* of all alerts, likewise */
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
	int command_bell; /* signalled by worker_stop() and worker_reload() */
	atomic_bool stopping;
	_Atomic int64_t turned_ms;		     /* when the last turn began, by the loop's clock */
	_Atomic(const struct worker_setup *) wanted; /* NULL: no new setup */
	_Atomic(const struct worker_setup *) followed;
	atomic_bool has_partitions; /* worker_has_partitions() */
	int64_t drain_until_ms;	    /* 0: not stopping */
	int64_t handover_until_ms;  /* 0: no partitions are being revoked */
	int64_t dropped_ms;	    /* when in-flight messages were last dropped, to be taken again here or elsewhere; 0: never */

	const struct worker_setup *setup;
	struct registry *registry; /* NULL: there is none */
	struct registry_config registry_config;
	struct inflight *awaiting_schema;
	struct shared_caller *callers;
	struct memo *replies; /* that models keep in memory; NULL: none does yet */
	struct worker_stage *stages;
	size_t stage_count;	      /* active stages */
	size_t replaced_count;	      /* draining and closing stages */
	int64_t waiting_look_ms;      /* when waiting_requests_advance() looks again */
	struct worker_stage **routes; /* stage of each topic read; NULL: none */
	size_t route_count;

	struct partition_queues queues;
	struct direct_intake direct;
	struct revoked_list answered;
	struct position *positions; /* space for one per queue */
	struct record records[TAKE_AT_ONCE];
	struct outbox outbox;
	int64_t leaving_us;  /* time of messages that leave one after another, read for a few of them; 0: none leaves */
	int64_t leaving_ms;  /* the same as a time of day */
	struct buffer reads; /* stage_reads() */
	struct buffer judged; /* header of an answer, for metrics of feedback */
	struct partition_states partition_states;
	struct upstream *upstream; /* NULL: not needed yet */
	struct watch upstream_watch;
	uint64_t upstream_tickets;
	uint64_t cancellations_seen; /* of the board, by cancellations_apply() */
	bool more;		     /* the last poll did not reach the queue's end */
	bool reports_absent;	     /* a stage says that a topic of it is absent */
	bool reports_denied_group;   /* the stages say that the login may not use their group */
	int64_t truth_lost_ms;	     /* of the last log line on feedback that no observer gets; 0: none */
	int64_t denial_asked_ms;     /* when Kafka was asked last whether a denied topic may be written; 0: none is denied */
	bool dirty;		     /* there is something to commit, or direct requests have left since the last end */
	bool commit_due;
	bool commits_quietly;	  /* the commit may come late: it holds no output yet */
	int64_t outputs_ended_ms; /* when outputs were passed on for commit last; 0: never */
	bool full;		  /* the producer's queue is full; it is tried again in a moment */
	bool rows_overdue;	  /* rows to observers wait in the outbox that were held for too long before */
	bool spoilt;		  /* the open transaction cannot be committed */

	struct subpipeline_call *subpipeline_calls; /* outstanding calls of subpipelines */
	size_t subpipeline_waiting;		    /* those of them that begin in the next turn */
	struct call **returned;			    /* calls that could not begin, or whose subpipeline answered */
	size_t returned_count;
	size_t returned_capacity;
	struct list copies; /* outstanding shadow requests */
	size_t copy_count;
	struct list pairs_waiting, pairs_complete;	       /* those with a reply, of mirrors (mirror_pairs.c) */
	size_t pair_count;				       /* that wait */
	size_t copy_bytes;				       /* of all of them */
	struct worker_counts counts;			       /* read by other threads too */
	struct client_counts consumer_counts, producer_counts; /* likewise */
	const char *reset_reason; /* of the last reset; the output's text, which the next one replaces */
	struct error failure;	  /* SYSTEM: the worker stops */
};

/* Stage that takes the records of that topic, which must be one of the setup's. NULL: none at present. */
static inline struct worker_stage *stage_reading(const struct worker *worker, uint32_t topic)
{
	return worker->routes[topic];
}

/* Replies to a finished in-flight message that came past Kafka, before it leaves. */
static inline void inflight_reply_first(struct inflight *inflight)
{
	if (inflight->direct && inflight->queue)
		gateway_reply_put(&inflight->stage->worker->outbox, inflight);
}

/* ---- request_counts.c ---- */

/* Time since the request's record was written, in whichever stage it is answered. If the record has no time, or a time in the
 * future, time since it was taken here. */
int64_t inflight_took_ms(const struct inflight *inflight);

/* Where the worker counts for the alert of that index of the stage. */
static inline struct alert_counts *stage_alert_counts(struct worker_stage *stage, size_t index)
{
	struct alert_counts *const *counts = stage->config->alert_counts;
	return counts ? &counts[index][stage->worker->config->number] : &stage->own_alert_counts;
}

/* Sets what a stage contributes to a gauge, which is the sum over its versions. */
static inline void stage_gauge_set(uint64_t *gauge, size_t *counted, size_t now)
{
	if (now != *counted)
		count_add(gauge, (uint64_t)now - *counted);
	*counted = now;
}

/* Counts what is in flight, without `leaving` of it. */
static inline void stage_count_in_flight(struct worker_stage *stage, size_t leaving)
{
	stage_gauge_set(&stage->counts->sums.in_flight, &stage->counted_in_flight, stage->load.in_flight - leaving);
}

/* Counts a message that has left its stage. */
void inflight_count_out(struct inflight *inflight);

/* Gives up what was dropped with its partition's queue and is still in a flow: its calls would load models for nothing. */
void stages_abandon_dropped(struct worker *worker);

/* Sets the in-flight counts from the stages' loads, after messages were dropped. */
void stages_count_in_flight(const struct worker *worker);

/* Count a call of a subpipeline: when it was taken; when it ended, with its outcome and duration; when its caller
 * gave it up. `counts` NULL: not counted. */
void call_count_in(struct stage_counts *counts);
void call_count_out(struct stage_counts *counts, enum flow_outcome outcome, const struct answer *answer, int64_t took_ms);
void call_count_forgotten(struct stage_counts *counts);

/* ---- answer_metrics.c ---- */

/* Counts the metrics that the stage's pipeline declares for an answer that took so long. What cannot be judged is counted, and
 * changes nothing of the answer. The message and the answer are still there. */
void answer_metrics_count(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
			  int64_t took_ms);

/* Sets the header JUDGED_HEADER of an answer, or of its exposures. Returns 0: it has none, since no metric of feedback is
 * declared, the answer is an error, or what metrics name is too large. It borrows from the worker, until the next call. */
size_t answer_judged_header(const struct worker_stage *stage, const struct message *message, const struct answer *answer,
			    int64_t took_ms, struct header *header);

/* ---- stages.c ---- */

struct worker_stage *stage_open(struct worker *worker, const struct stage_config *config, struct error *error);
void stage_close(struct worker_stage *stage); /* NULL is fine; its queues must not contain messages of it */

/* Advances the stages whose timers are due, and returns refused calls. */
void stages_advance(struct worker *worker);
int64_t stages_due_ms(const struct worker *worker); /* INT64_MAX: no timer is set */

/* ---- flow_owner.c ---- */

/* Environment functions of a stage's flows: begin a call, forget it, and report an outage of its model. */
void flow_owner_call(void *context, struct call *call);
void flow_owner_forget(void *context, struct call *call);
int64_t flow_owner_outage_ms(void *context, const struct call *call);
int64_t flow_owner_waited_ms(void *context, const struct call *call);
enum standing flow_owner_standing(void *context, const struct call *call);

/* Writes what a call sends to its model, or gets from it (`outputs`), to the taps of the model. */
void model_taps_write(struct worker_stage *stage, const struct call *call, const struct payload *payload, bool outputs);

/* ---- returned_calls.c ---- */

/* Returns the call to its flow in the next turn, as answered or failed. */
void returned_calls_add(struct worker *worker, struct call *call);
void returned_calls_forget(struct worker *worker, const struct call *call);
struct call *returned_calls_take(struct worker *worker); /* NULL: there is none */

/* ---- subpipelines.c ---- */

/* Opens the flows of the subpipelines that the stage's steps call, in the environment of the stage's own flow. */
bool subpipeline_open(struct worker_stage *stage, const struct flow_environment *of_stage, struct error *error);
void subpipeline_close(struct worker_stage *stage);

/* Takes a call of a subpipeline, which begins in the next turn. False: the call has another target. */
bool subpipeline_call(struct flow_owner *flow_owner, struct call *call);
void subpipeline_forget(struct worker *worker, const struct call *call);
/* Outage as in struct flow_environment, for a call of a subpipeline. False: it has another target, or is not under way. */
bool subpipeline_outage(const struct call *call, int64_t *outage_ms);
/* The latest outage of the models without which the called pipeline of that name gives no answer, where none of its calls is known.
 */
int64_t subpipeline_needed_outage(const struct worker_stage *stage, const char *name);
/* Likewise how long its calls have waited in queues of this engine (struct flow_environment). */
bool subpipeline_waited(const struct call *call, int64_t *waited_ms);
/* Likewise what it waits for. */
bool subpipeline_standing(const struct call *call, enum standing *standing);

void subpipeline_advance(struct worker *worker); /* begins the calls that wait */
/* Advances the called pipeline of the stage that is due first. False: none is due. */
bool subpipeline_advance_first(struct worker_stage *stage, int64_t now_ms);
int64_t subpipeline_due_ms(const struct worker_stage *stage);

/* ---- shadow_requests.c ---- */

/* Sends a shadow request: its call has no owner. */
void flow_owner_copy(void *context, const struct call *call, const struct mirrored_result *of);
void shadow_request_answered(struct worker *worker, struct call *call);
void shadow_requests_close(struct worker_stage *stage); /* leaves out those of its flows that have no reply */

/* ---- mirror_pairs.c ---- */

/* The result with which a copy to a mirror is compared: noted for mirror_pairs_compare(); `reply` NULL: an error. Or the copy is
 * given up, since its result will not be known. */
void flow_owner_mirrored(void *context, void *mirrored, const struct payload *reply);
void flow_owner_unmirrored(void *context, void *mirrored);

/* Compares what is complete. Called after the messages of a turn have left. */
void mirror_pairs_compare(struct worker *worker);

/* ---- message_start.c ---- */

/* Converts the deadline from a time of day, as callers state it, to the loop's clock, which never goes back. */
void message_set_clock(struct message *message, const struct loop *loop);

/* ---- waiting_records.c ---- */

/* Keeps a record that a full stage cannot take, and takes it over. False: memory ran out, and the worker stops. */
bool waiting_records_add(struct worker_stage *stage, struct record *record);
struct record *waiting_records_first(struct waiting_records *waiting); /* NULL: there is none */
void waiting_records_drop_first(struct waiting_records *waiting);      /* which the caller has taken */

/* Drops those of partitions that are revoked or read again, in all stages. */
void waiting_records_drop(struct worker *worker, struct positions positions);
void waiting_records_close(struct waiting_records *waiting);

/* ---- intake.c ---- */

/* Whether any stage may take more records. */
bool intake_may_take(const struct worker *worker);

/* The first gives each stage its share of work for the turn. The second checks whether a stage has used more than its
 * share; then the next turn follows at once. */
void intake_begin_turn(struct worker *worker);
bool intake_owes(const struct worker *worker);
bool intake_take(struct worker *worker, struct error *error);

/* Begins an in-flight message in a stage: counts it, and lets it go as far as it can at once. */
void intake_begin(struct worker *worker, struct worker_stage *stage, struct inflight *inflight);

/* Whether the stage may take more. While all stages together are within the worker's limits, only the stage's own
 * limits apply. */
bool intake_has_room(const struct worker *worker, const struct worker_stage *stage);

/* Decodes the message and lets it enter its stage; an error in it becomes its answer. */
void intake_enter(struct worker *worker, struct inflight *inflight);

/* Stages with capacity again take their waiting records, and their partitions are resumed. */
bool intake_resume(struct worker *worker, struct error *error);

bool intake_go_on(struct worker *worker, struct error *error); /* resumes all paused partitions, for the moment */

/* Pauses the new partitions of paused stages, after an assignment. */
bool intake_pause_again(struct worker *worker, struct error *error);

/* Passes the waiting records of replaced stages on to their successors; these records never entered a stage. */
void intake_pass_on(struct worker *worker);

/* The registry has answered: all messages that wait for a schema enter again. */
void intake_on_schema(void *context);

/* ---- awaiting_schema.c ---- */

/* Opens the schema registry, if the configuration has one. `answered` is called when the registry has answered. */
bool awaiting_schema_open(struct worker *worker, void (*answered)(void *context), struct error *error);

/* Keeps a message that could not be decoded because its schema is still being fetched. It enters again when the
 * schema has come. */
bool awaiting_schema_keep(struct worker *worker, struct inflight *inflight);

/* Whether the order requires that a message waits after one without a schema; and lets it wait. */
bool awaiting_schema_is_ahead(const struct inflight *inflight);
void awaiting_schema_hold(struct worker *worker, struct inflight *inflight);

/* Removes all of them, and returns them in the order in which they came. */
struct inflight *awaiting_schema_take(struct worker *worker);

void awaiting_schema_say(struct worker *worker); /* why messages wait, in the counts of all stages */

/* ---- release.c ---- */

void release_finished(struct worker *worker);

/* ---- commit_interval.c ---- */

/* Something was released that is to be committed. */
void commit_interval_begin(struct worker *worker);
void commit_interval_on_end(void *context);

void produce_retry_soon(struct worker *worker); /* the producer's queue is full */

/* Whether messages may leave, and records be sent, now. */
static inline bool worker_may_produce(const struct worker *worker)
{
	return !worker->spoilt && !worker->full && !worker->partition_states.telling && output_is_open(worker->outbox.output);
}
void produce_on_retry(void *context);

/* ---- commits.c ---- */

bool commits_begin(struct worker *worker, struct error *error);
bool commits_begin_when_due(struct worker *worker, struct error *error);
void commits_on_news(void *context, uint32_t events); /* of the output */

/* ---- assignment_changes.c ---- */

bool assignment_follow(struct worker *worker, struct error *error);
bool assignment_is_handing_over(const struct worker *worker); /* it waits for in-flight messages */
void assignment_order_lanes(struct worker *worker);	      /* each in the order that its stage asks for */

/* ---- setup_changes.c ---- */

/* The first opens the stages of the first setup, before there is a consumer or an output. The second follows the
 * latest setup, if there is a new one and it may be followed now. Stages that nothing needs are closed. */
bool setup_open(struct worker *worker, struct error *error);
bool setup_follow(struct worker *worker, struct error *error);
