/* mirror_comparison.h: Comparison of what the mirror of an experiment replied with what was answered, request by request.
 *
 * Copies are added first, then answers. A copy whose result, a reply or an error, has an answer of its request is compared
 * (mirror_difference.h). Copies that were left out, copies whose result is not there, and answers that are not there are counted,
 * so that a comparison of few copies is not taken for one of all.
 *
 * Beside it are the verdicts of engines, which compare while they run, and with something else: what the candidate replied to the
 * same call. Where steps follow the experiment, only that is what the mirror stands for. Metrics and alerts count these verdicts.
 * Where the choices are ways of a step, as predictors of a deployment, engines compare with the answer too, before it is encoded.
 *
 * An id belongs to one request: its first copy and its first answer count.
 *
 * Pure; all of it is in the arena.
 */
#pragma once

#include "experiments/outcomes/heap_list.h"
#include "experiments/analysis/mirror_difference.h"
#include "message/records/mirror_reply.h"

#define MIRROR_TENSORS_MAX 64	    /* that are listed; further ones still decide whether results agree */
#define MIRROR_DISAGREEMENTS_MAX 20 /* that are listed, the first ones by id */
#define MIRROR_SHARE_ENOUGH 0.95    /* of the copies: with fewer the comparison says so first */
#define MIRROR_TOLERANCE 0.001

/* Tensors of one name, in results that both have. */
struct mirror_tensor {
	struct text name;
	uint64_t compared, agreed;
	double largest; /* difference of two numbers */
};

/* Milliseconds; NaN: there are none. */
struct mirror_latency {
	double median, p95;
};

/* A copy that differs by the verdict of an engine, which has the words of its difference. */
struct mirror_judged_copy {
	struct text id, words;
};

/* Verdicts of engines. */
struct mirror_judged {
	uint64_t agreed, differed;
	size_t listed; /* of those that differ, the first ones by id */
	struct mirror_judged_copy copies[MIRROR_DISAGREEMENTS_MAX];
};

struct mirror_result {
	struct text mirror;
	bool of_answer; /* engines compared with answers, not with the replies of candidates */
	double tolerance;
	uint64_t copies;     /* all that were drawn, once each: those with a result or left out, and the lost ones */
	uint64_t repeated;   /* copies of an id that has one */
	uint64_t left_out;   /* not sent, since too many were outstanding, or given up when their stage ended */
	uint64_t lost;	     /* drawn, as their answer says, but without a result: not yet, or their engine was killed */
	uint64_t unanswered; /* nothing to compare with: no answer yet, or its record is gone */
	uint64_t compared, agreed;
	uint64_t failed, answers_failed;	 /* of those that were compared */
	struct mirror_latency replied, answered; /* the mirror's call; the whole answer, from the request on */
	size_t tensor_count;
	struct mirror_tensor tensors[MIRROR_TENSORS_MAX];
	size_t disagreement_count;
	struct mirror_disagreement disagreements[MIRROR_DISAGREEMENTS_MAX];
	struct mirror_judged judged;
};

struct mirror_comparison {
	struct arena *arena;
	double tolerance;
	struct text mirror; /* of the latest copy, or as it starts */
	bool of_answer;	    /* likewise */
	struct heap_list copies;
	struct heap_list lost; /* ids, of which some may be repeated */
	uint64_t repeated;
	bool sorted;
	struct mirror_result *result;
};

/* Starts as {.arena = ..., .tolerance = ..., .mirror = ...}; it must be closed. */
void mirror_comparison_close(struct mirror_comparison *comparison);

/* Adds a copy with what the mirror replied; `replied` NULL: it failed, or was left out. False: SYSTEM. */
bool mirror_comparison_copy(struct mirror_comparison *comparison, struct text id, const struct mirror_reply *reply,
			    const struct message *message, const struct payload *replied, struct error *error);

/* Adds an answer, after all copies; `answered` NULL: the request failed. */
void mirror_comparison_answer(struct mirror_comparison *comparison, struct text id, int64_t time_ms,
			      const struct payload *answered);

/* Adds the id of an answer which says that the mirror was to get a copy, after all copies. False: SYSTEM. */
bool mirror_comparison_drawn(struct mirror_comparison *comparison, struct text id, struct error *error);

/* Concludes. NULL: there is no copy, or the arena is full; `arena_failed()` says which. */
const struct mirror_result *mirror_comparison_end(struct mirror_comparison *comparison);

/* Share of the copies that were compared. */
static inline double mirror_share(const struct mirror_result *result)
{
	return result->copies > 0 ? (double)result->compared / (double)result->copies : 0;
}
