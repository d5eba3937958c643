/* case_alerts.h: Alerts of the pipelines of a case, judged for each request.
 *
 * An alert fired for a request if its condition held for the result of one of the steps. Alerts whose conditions use figures
 * of an engine, such as error_rate, are not judged here: a case has no engine.
 */
#ifndef SLUICE_SIMULATION_CASE_ALERTS_H
#define SLUICE_SIMULATION_CASE_ALERTS_H

#include "simulation/case_world.h"

/* The verdict on one request, each time it is sent. */
struct alert_result {
	struct alert_result *next;
	const struct passage *passage;
	const char *alert;
	bool fired;
};

/* Makes the alerts of the pipeline. False: memory ran out. */
bool case_alerts_make(struct running *running);

/* Judges them by what a tap of the pipeline receives. */
void case_alerts_judge(struct running *running, const struct message *message, enum tap_point point, size_t step,
		       const struct payload *payload);

/* Notes the verdict on a request; it fired if one of them held. The name is copied. */
void case_alert_note(struct case_world *world, const struct passage *passage, const char *alert, bool held);

/* Whether there is a verdict for the line of out.jsonl. */
bool case_alert_known(const struct case_world *world, const struct case_expected *expected);

/* Prints the verdict as one line. */
void alert_result_print(const struct alert_result *result, struct buffer *out);

/* Whether the line of out.jsonl is met; if not, the reason goes to `out`. */
bool alert_result_judge(const struct case_world *world, const struct case_expected *expected, struct buffer *out);

#endif
