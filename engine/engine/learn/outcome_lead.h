/* outcome_lead.h: Lead of one pipeline: it joins the pipeline's exposures and feedback, writes the outcomes to their topic, and
 * gives them to readers, which learn and count.
 *
 * Outcomes leave in a transaction with positions, which say how far the topics were read: so whoever leads next goes on there, and
 * none is lost or written twice, wherever the lead before it ended. Positions are committed offsets of the group of leaders:
 *
 *	exposures	the next record; metadata: from where those that are open have to be read again (`low=OFFSET`)
 *	feedback	the next record
 *	outcomes	the next record of readers that need no other position; metadata: the time of the join, and a hash and the
 *			time of the last record that was written (`MS HASH MS`)
 *
 * A lead that begins opens the exposures again that were open, marks those that have outcomes, and goes on. A reader of Kafka may
 * not see the end of a transaction as soon as its positions are committed: so it waits for the last record.
 *
 * Where no lead was before, it begins with what its readers need, at the earliest of their times.
 *
 * Belongs to the thread of the outcome service. Private to engine/learn.
 */
#pragma once

#include <stdatomic.h>

#include "engine/learn/outcome_readers.h"
#include "engine/learn/policy_follow.h"

struct outcome_lead;

/* What the leads of a service share. */
struct lead_context {
	struct stream_reader *reader;
	struct lead_group *group;
	struct fenced_writer *writer; /* of outcomes and policies */
	size_t added, added_bytes;    /* records that leads have added to the transaction; the service sets them to 0 */
	bool writer_failed;	      /* what the leads have added is lost then */
	bool is_answered;	      /* exposure_feed_time_ms() */
	int64_t hold_ms;
	size_t memory_bytes, used; /* of the joins of all leads (exposure_join.h) */
	struct policy_board *policies;
	struct rollout_board *rollouts;
	struct metric_series *series;
	struct arena *arena, *scratch; /* of one record, and of an outcome that is written */
	const struct log_sink *log;
	const atomic_bool *stopping;
};

/* The context and the plan are borrowed. `topic`: number of the outcomes topic for the writer; that of policies is one more.
 * `policies` NULL: the pipeline has none. CONFIG or SYSTEM. */
struct outcome_lead *outcome_lead_open(struct lead_context *context, const struct pipeline_plan *pipeline, size_t topic,
				       const struct policy_follow *policies, struct error *error);
void outcome_lead_close(struct outcome_lead *lead); /* NULL is fine */

const char *outcome_lead_topic(const struct outcome_lead *lead); /* of outcomes */

/* Begins to lead; the policies are current. */
void outcome_lead_begin(struct outcome_lead *lead);
void outcome_lead_end(struct outcome_lead *lead); /* what is not committed is forgotten */
bool outcome_lead_leads(const struct outcome_lead *lead);

/* What Kafka has to answer before its next turns; the lead's until then. */
struct group_question *outcome_lead_questions(struct outcome_lead *lead, size_t *count);

/* Reads and joins about so many records, and adds what they give to the transaction; never waits. `taken` is 0 where nothing has
 * come. False: the lead is to end, after a commit unless `writer_failed`. REMOTE, CONFIG or SYSTEM; LIMIT, this engine is not to
 * lead the pipeline, since another version of sluice has. */
bool outcome_lead_turn(struct outcome_lead *lead, size_t most, size_t *taken, struct error *error);

/* Whether it has begun: it joins, and writes. */
bool outcome_lead_joins(const struct outcome_lead *lead);

/* Whether its positions are others than those that are committed. While it begins they are not. */
bool outcome_lead_is_changed(const struct outcome_lead *lead);

/* The positions that belong to what was added, so many; their texts are in the arena. False: it is full. */
size_t outcome_lead_position_count(const struct outcome_lead *lead);
bool outcome_lead_positions(const struct outcome_lead *lead, struct fenced_position *positions, struct arena *arena);
void outcome_lead_committed(struct outcome_lead *lead);
