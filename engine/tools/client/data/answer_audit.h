/* answer_audit.h: Audit of a pipeline's answers: joins its requests with their answers and dead letters, and finds requests that
 * were lost, answered twice, or answered out of order. For `sluice verify`.
 *
 * It keeps no texts, but hashes of 64 bits: 40 bytes for a request and 40 for an answer, so millions fit into memory. Rows are
 * added in any order; audit_judge() sorts and joins them. Pure.
 */
#pragma once

#include "compiler/plan/plan.h"

/* Position of a record. */
struct audit_place {
	int32_t partition; /* -1: there is none */
	int64_t offset;
};

#define AUDIT_CONTENT_NONE UINT64_C(0)	 /* not known */
#define AUDIT_CONTENT_ERROR UINT64_C(1) /* of an error, whatever it is */
#define AUDIT_NEEDS_ANY UINT32_MAX	 /* how many answers the request needs is not known */

enum audit_request_flag {
	AUDIT_OPEN = 1,	    /* it is not committed, or a later stage has it still: nothing is said of it */
	AUDIT_MAY_END = 2,  /* it may have no answer: a step may have dropped it, or its answer was deleted */
	AUDIT_DIRECT = 4,   /* it was answered before it was logged: one of the two may be missing */
	AUDIT_LETTERED = 8, /* it has a dead letter */
};

struct audited_request {
	struct audit_place place;
	uint64_t id;	   /* hash of its id */
	uint64_t expected; /* hash of its answer, as it was computed again; AUDIT_CONTENT_NONE: not known */
	uint32_t key;	   /* hash of its key; 0: it has none */
	uint32_t needs;	   /* answers; 0: a step drops it */
	uint32_t flags;	   /* enum audit_request_flag */
};

enum audit_answer_flag {
	AUDIT_FAILED = 1,    /* an error */
	AUDIT_ENDED = 2,     /* no answer: it says that a submitted request ended without one */
	AUDIT_BY_ORIGIN = 4, /* it says where its request is; else it has the id alone */
};

struct audited_answer {
	struct audit_place place;
	uint64_t id;	  /* hash; with AUDIT_BY_ORIGIN the offset of the request */
	uint64_t content; /* hash of its tensors */
	int32_t origin;	  /* with AUDIT_BY_ORIGIN: the partition of the request */
	uint32_t flags;
};

/* What the pipeline promises. */
struct audit_rules {
	bool exactly_once; /* an answer that comes again is a finding */
	bool same_again;   /* likewise, only if it is another one: no step calls a model or keeps state */
	bool errors_off;   /* a request that failed has no answer */
	bool multiplies;   /* a request may have several answers */
	enum answer_order order;
};

/* What is counted; of the findings, some are kept too. */
enum audit_count {
	AUDIT_REQUESTS,	   /* that were judged */
	AUDIT_ANSWERED,	   /* with an answer, or an error */
	AUDIT_ERRORS,	   /* of these, with an error */
	AUDIT_DROPPED,	   /* ended without an answer, by a step */
	AUDIT_LETTERS,	   /* ended without an answer, with a dead letter */
	AUDIT_UNKNOWN,	   /* without an answer, and nobody knows whether they need one */
	AUDIT_UNJUDGED,	   /* on their way */
	AUDIT_REPEATED,	   /* answered again, as is allowed at least once */
	AUDIT_OTHERS,	   /* answers to other requests than those that were read */
	AUDIT_COMPARED,	   /* answers that were compared with what was computed again */
	AUDIT_LOST,	   /* the first finding: a request without an answer */
	AUDIT_DOUBLED,	   /* with one too many */
	AUDIT_DIFFERENT,   /* with two that differ */
	AUDIT_DISORDERED,  /* answered before an earlier request of its key or partition */
	AUDIT_AFTER_ERROR, /* with a dead letter and an answer that is no error */
	AUDIT_WRONG,	   /* with another answer than was computed again */
	AUDIT_COUNTS
};

#define AUDIT_FIRST_FINDING AUDIT_LOST

struct audit_words {
	const char *name;  /* for JSON: "lost" */
	const char *words; /* for people */
};

extern const struct audit_words audit_words[AUDIT_COUNTS];

struct audit_finding {
	enum audit_count kind;
	struct audit_place request, answer; /* the answer's partition is -1: it has none */
	struct audit_place before;	    /* DISORDERED: the request that comes before it; else partition -1 */
};

struct answer_audit;

/* Keeps at most `shown` findings of each kind, and counts the others. NULL: SYSTEM. */
struct answer_audit *audit_open(const struct audit_rules *rules, size_t shown, struct error *error);
void audit_close(struct answer_audit *audit); /* NULL is fine */

/* False: SYSTEM, memory ran out. */
bool audit_add_request(struct answer_audit *audit, const struct audited_request *request, struct error *error);
bool audit_add_answer(struct answer_audit *audit, const struct audited_answer *answer, struct error *error);

/* A flag of the request at that place, which need not be added yet. */
bool audit_add_flag(struct answer_audit *audit, struct audit_place request, enum audit_request_flag flag, struct error *error);

/* Joins and judges, once, when all was added. False: SYSTEM. */
bool audit_judge(struct answer_audit *audit, struct error *error);

const uint64_t *audit_counts(const struct answer_audit *audit); /* of each enum audit_count */
uint64_t audit_found(const struct answer_audit *audit);		 /* findings of all kinds */

/* The findings that were kept, by kind and then by request. */
const struct audit_finding *audit_findings(const struct answer_audit *audit, size_t *count);
