/* case_results.h: Results of a case: the records that came, the verdicts of alerts, and the calls of models.
 *
 * Everything is in the arena with which they are opened. */
#ifndef SLUICE_TOOLS_TEST_CASE_RESULTS_H
#define SLUICE_TOOLS_TEST_CASE_RESULTS_H

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

#endif
