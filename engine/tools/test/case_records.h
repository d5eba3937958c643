/* case_records.h: Records that a case reads: the points of its pipelines, their topics in a plan, and what each record says.
 * For the workers on a simulated Kafka, and for an engine on a real one. */
#pragma once

#include "tools/test/case_requests.h"
#include "tools/test/case_results.h"
#include "kafka/record.h"
#include "message/formats/answer_decode.h"
#include "compiler/plan/plan.h"

enum case_content {
	CASE_ANSWERS,
	CASE_REQUESTS,
	CASE_LETTERS, /* failed requests */
};

/* Which failed requests are replies: where the outputs have the errors, none; else all, but that a pipeline without output
 * replies only to a request that none of its steps gets. */
enum case_letters { LETTERS_KEPT, LETTERS_UNREAD_REPLY, LETTERS_REPLY };

struct case_point {
	const char *name;	   /* "PIPELINE.outputs", "PIPELINE.errors", "PIPELINE.step.STEP.inputs" */
	const struct topic *topic; /* NULL: there is none */
	enum case_content content;
	const struct mapping *mapping; /* of requests; NULL: none */
	const char *pipeline;	       /* NULL: there is no topic */
	enum case_letters letters;
	bool shown; /* its records are results of their own, beside the replies */
};

struct case_points {
	size_t count;
	struct case_point *items;
};

/* The points that the expectations name, and those of the replies; with `all`, all of all pipelines. */
bool case_points_find(struct case_points *points, const struct plan *plan, const struct case_files *files,
		      const struct case_sends *sends, bool all, struct arena *arena, struct error *error);

/* What a record says. */
struct case_came {
	struct text id;
	const struct payload *payload; /* NULL: `error` */
	const struct error *error;
	struct text body; /* as read, if it is plain JSON; else bytes NULL */
	bool of_step;	  /* a failed request: it failed in one of the steps */
};

/* Copies what is kept of the record into the arena. False: LIMIT, it is too small. */
bool case_record_read(const struct case_point *point, const struct record *record, struct arena *arena, struct case_came *came,
		      struct error *error);

/* Adds it to the results, under the request that made it (NULL: under its own id): what came at a point, and, where the
 * request awaits its reply there, the reply. */
void case_came_take(struct case_results *results, const struct case_point *point, const struct case_send *of,
		    const struct case_came *came);
