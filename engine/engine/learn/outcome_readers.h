/* outcome_readers.h: Readers of the outcomes of a pipeline, in the engine that leads it: a learner for each experiment with
 * bandits, a tally for each rollout, and the series of its metrics of feedback. Private to engine/learn. */
#pragma once

#include "engine/learn/join_windows.h"
#include "engine/learn/outcome_reader.h"
#include "experiments/rollouts/rollout_board.h"
#include "observe/log_sink.h"
#include "observe/policy_board.h"

/* Feedback that is no feedback, or that was refused for its values. */
struct refused_feedback {
	uint64_t count;
	struct error first;
};

/* Of the lead that they are opened for; it outlives them. */
struct readers_context {
	const struct pipeline_plan *pipeline;
	struct policy_board *policies;
	struct rollout_board *rollouts;
	struct metric_series *series; /* of the engine; NULL: metrics are not counted */
	const struct log_sink *log;
	const char *exposures, *feedback; /* topics; `exposures` NULL: there is none */
	size_t policy_topic;		  /* its number for fenced_writer_add() */
	const struct join_windows *windows; /* of the join */
	const struct refused_feedback *refused;
	const void *lead;
	/* The latest record of the policy topic for the experiment; bytes NULL: there is none. */
	struct text (*policy)(const void *lead, const char *experiment);
	/* Counts of the join for the experiment; empty: the answers themselves. */
	struct exposure_join_counts (*counts)(const void *lead, struct text experiment);
};

/* At most `room`. LIMIT: another version of sluice learns the pipeline's policies, so this engine must not lead it; SYSTEM. Those
 * that were opened are to be closed then, too. */
bool outcome_readers_open(const struct readers_context *context, struct outcome_reader *readers, size_t room, size_t *count,
			  struct error *error);
