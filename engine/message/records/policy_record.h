/* policy_record.h: Record of a policy of bandits, on the policy topic of a pipeline (schemas/policy.avsc, single-object
 * Avro).
 *
 * One record has all: the policy by which engines choose, the state of its learner, and up to where that state has read
 * the exposures and their outcomes. So the three never differ, and the latest record is where a learner goes on.
 *
 * The bytes of policy and learner are opaque here (methods/bandits/policy.h, methods/bandits/bandit.h). Pure. What is decoded
  * borrows from the bytes; lists are in the arena.
 */
#pragma once

#include "methods/bandits/context.h"
#include "message/message.h"

#define POLICY_RECORD_BYTES_MAX ((size_t)2 << 20) /* 64 candidates with 32 numbers as features take 900 kB */

#define POLICY_CANDIDATES_MAX 32 /* lists: candidates change by hand, and 32 lists of 64 names are 130 kB of the record */

#define POLICY_PARTITIONS_MAX (1 << 20) /* of a topic: far more than Kafka manages; numbers of a broken record take memory */

struct policy_feature {
	struct text name;
	double center, width; /* a value's standard form is (value - center) / width */
	int64_t count;	      /* of values seen, with their mean and squared deviations */
	double mean, squares;
	size_t class_count; /* 0: it is a number; CONTEXT_CLASSES_MAX at most */
	const struct text *classes; /* the commonest texts, which it is one of */
};

/* Among whom versions of a policy chose, up to the next list. */
struct policy_candidates {
	int64_t since; /* the first version */
	size_t count;
	const struct text *names;
};

struct policy_record {
	struct text experiment;
	int64_t version, time_ms, rewards;
	size_t arm_count;
	const struct text *arms;
	size_t feature_count;
	const struct policy_feature *features;
	struct text policy, learner;
	size_t position_count;
	const struct origin *positions; /* of the next records */
	int64_t through_ms;
	size_t candidates_count;		    /* 0: not known, as of a record of a former schema */
	const struct policy_candidates *candidates; /* by version; the last one is that of the record's */
	int64_t outcomes; /* position in the topic of outcomes; 0 of a record of a former schema: it has positions of feedback */
};

/* The candidates of a version of the policy, by its record. NULL: the record does not say it. */
const struct policy_candidates *policy_candidates_of(const struct policy_candidates *lists, size_t count, int64_t version);

/* LIMIT: it does not fit into the buffer. */
bool policy_record_encode(const struct policy_record *record, struct buffer *out, struct error *error);

/* Whether the bytes are a record by a schema that this version of sluice does not read: of a later one, or of an early one. */
bool policy_record_is_foreign(struct text bytes);

/* INPUT: it is no such record, or of a later version of sluice. */
bool policy_record_decode(struct text bytes, struct arena *arena, struct policy_record *record, struct error *error);
