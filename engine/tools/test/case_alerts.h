/* case_alerts.h: Alerts of the pipelines of a case, judged for each request.
 *
 * An alert fired for a request if its condition held for the result of one of the steps. Alerts whose conditions use figures
 * of an engine, such as error_rate, are not judged here: a case has no engine.
 */
#ifndef SLUICE_TOOLS_TEST_CASE_ALERTS_H
#define SLUICE_TOOLS_TEST_CASE_ALERTS_H

#include "tools/test/case_results.h"
#include "compiler/graph/graph.h"

/* Notes that the alerts of a pipeline have not fired for a request that is sent to it: until one is noted as held. */
void case_alerts_await(struct case_results *results, const struct graph *graph, struct text id, size_t sending);

/* Notes the verdict on a request, by the number of its sending; it fired if one of them held. */
void case_alert_note(struct case_results *results, struct text id, size_t sending, const char *alert, bool held);

/* Prints the verdict as one line. */
void alert_result_print(const struct alert_result *result, struct buffer *out);

/* Whether the line of out.jsonl is met; if not, the reason goes to `out`. */
bool alert_result_judge(const struct case_results *results, const struct case_expected *expected, struct buffer *out);

#endif
