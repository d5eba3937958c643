/* case_results.h: Results of a case: the records that came, the verdicts of alerts, and the calls of models.
 *
 * Everything is in the arena with which they are opened. */
#pragma once

#include "compiler/graph/graph.h"
#include "tools/test/case.h"

/* A result: a reply, or a record on a topic. */
struct arrival {
	struct arrival *next;
	struct text id;		       /* id of the request's line */
	struct text record_id;	       /* the record's own: that of a part, or of a window */
	const char *at;		       /* the topic; NULL: the reply */
	const struct payload *payload; /* NULL: `error` */
	const struct error *error;
	struct text body;    /* of a reply, as received, if that is JSON; bytes NULL: it is printed from the payload */
	struct text body_id; /* in a reply that is printed from the payload; bytes NULL: none */
};

/* The verdict of an alert on one sending of a request. */
struct alert_result {
	struct alert_result *next;
	struct text id; /* id of the request's line */
	size_t sending;
	const char *alert;
	bool fired;
};

struct model_calls {
	struct model_calls *next;
	const char *name;
	int64_t calls; /* attempts */
	bool has_stub;
};

struct case_results {
	struct arena *arena;
	const struct case_files *files;
	struct arrival *records, **records_end;
	struct alert_result *alerts, **alerts_end;
	struct model_calls *models, **models_end;
	bool failed; /* memory ran out */
};

void case_results_open(struct case_results *results, const struct case_files *files, struct arena *arena);

/* Appends a copy. */
void case_results_add(struct case_results *results, const struct arrival *arrival);

/* Answers every request with that error. */
void case_results_refuse(struct case_results *results, const struct error *why);

/* Appends a model with its calls; the name is copied. */
void case_results_count(struct case_results *results, const struct model_calls *calls);

/* Alerts of the pipelines of a case, judged for each request.
 *
 * An alert fired for a request if its condition held for the result of one of the steps. Alerts whose conditions use figures
 * of an engine, such as error_rate, are not judged here: a case has no engine.
 */

/* Notes that the alerts of a pipeline have not fired for a request that is sent to it: until one is noted as held. */
void case_alerts_await(struct case_results *results, const struct graph *graph, struct text id, size_t sending);

/* Notes the verdict on a request, by the number of its sending; it fired if one of them held. */
void case_alert_note(struct case_results *results, struct text id, size_t sending, const char *alert, bool held);

/* Prints the verdict as one line. */
void alert_result_print(const struct alert_result *result, struct buffer *out);

/* Whether the line of out.jsonl is met; if not, the reason goes to `out`. */
bool alert_result_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out);
