/* explained.h: Explanations of one message, as steps of kind `explain` make them.
 *
 * Each is of one row of the message at one step. They are listed with the message, in its arena, until it leaves.
 */
#pragma once

#include "methods/explain/explanation.h"
#include "message/message.h"
#include "message/record_form.h"

#define EXPLAIN_HEADER "x-explain" /* of a request that asks for an explanation: any value but `no`, `false` and `0` */
#define EXPLAIN_REPLY_HEADER "sluice-reply-explanation" /* of a request whose gateway waits for the explanation */
#define EXPLAIN_REPLY_YES "yes"
/* Of a request: a digest of its caller, who alone may poll its explanations by its id. The records of these have it too. Absent:
 * there is no access control. */
#define EXPLAIN_CALLER_HEADER "sluice-caller"

struct explained {
	const struct explained *next;
	const char *step;	 /* whose answer is explained */
	struct text output;	 /* the explained tensor */
	size_t row, rows;	 /* of the message */
	size_t calls;		 /* of the model, for this row */
	const struct error *failure; /* why the step could not explain the message: `data` is empty. NULL: it could */
	struct explanation data;     /* its row and its names are set */
};

/* Whether a message asks for an explanation; and whether a gateway waits for it instead of the answer. */
bool explained_is_wanted(const struct message *message);
bool explained_is_awaited(const struct message *message);

/* The first of these that is no failure; NULL: there is none. */
const struct explained *explained_any(const struct explained *first);

/* The method's name in the options of the step and in records: tree, linear, gradients, exact, sample, anchors or permutation. */
const char *explained_method(const struct explanation *explanation);

/* The scale's name in records: log-odds, log or score; empty: the answer itself. */
const char *explained_scale(const struct explanation *explanation);

/* Appends a record of schemas/explanation.avsc for one output. The explanation has no failure. LIMIT: it does not fit into the
 * buffer. */
bool explained_encode(const struct explained *explained, size_t output, const struct message *message, const char *pipeline,
		      struct buffer *out, struct error *error);

/* Such a record as it is read: its lists are in the arena, and its texts borrow from the bytes. */
struct explained_record {
	struct text id;
	struct origin origin; /* topic empty: none */
	struct text pipeline, step, method, output, scale;
	double base, answer, residual;
	size_t attribution_count;
	const struct attribution *attributions;
	size_t calls;
	bool complete;
	size_t rule_count;
	const struct text *rules;
	double precision, coverage; /* NaN: it has no rule */
	struct record_list versions;
};

/* Also one of the former schema (tests/data/avro). False: it is no such record, or the arena is full. */
bool explained_read(struct text bytes, struct arena *arena, struct explained_record *read);

/* Appends a record as an item of `explanations` below. */
void explained_record_write_json(const struct explained_record *record, struct buffer *out);

/* Appends {"id", "pipeline", "explanations": [...]}, each with the fields of that schema; without those that failed. LIMIT,
 * likewise. */
bool explained_write_json(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			  struct error *error);

/* The same behind fields of the caller's: without the opening brace. */
bool explained_write_fields(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			    struct error *error);
