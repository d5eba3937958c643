/* alert_absence.h: Absence of the requests of a pipeline, as `absent: PIPELINE for DURATION` judges it: no engine that shares the
 * alert has had one for that time.
 *
 * An engine looks at its own requests every ALERT_EVERY_MS, and reports to the others that there are some: not with each look, but
 * at least twice in the duration, if that is not too short for it. So the others know of a request up to two looks late, and wait
 * as much longer. A report that needs even longer through Kafka may come after the absence has begun. An engine that was stopped,
 * and so did not look, has not taken the reports of that time either: it does not count.
 *
 * Times are monotonic. Pure. Belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ALERT_SLEPT_MS 5000 /* between two looks: longer than a busy engine needs */

struct alert_absence { /* starts with `ended_ms` set */
	int64_t duration_ms;
	uint64_t ended;	    /* requests of the pipeline in this engine, at the last look */
	int64_t ended_ms;   /* when the last one of any engine became known */
	int64_t looked_ms;  /* the last look; 0: none */
	bool is_present;    /* this engine has had requests that it has not reported */
	int64_t present_ms; /* when it reported some */
};

/* Looks at the requests so far in this engine. True: the pipeline is absent. */
bool alert_absence_look(struct alert_absence *absence, uint64_t ended, bool is_shared, int64_t now_ms);

/* Whether this engine has to report its requests now. */
bool alert_absence_report_is_due(const struct alert_absence *absence, int64_t now_ms);
void alert_absence_reported(struct alert_absence *absence, int64_t now_ms);

/* Takes the report of any engine. */
void alert_absence_take_report(struct alert_absence *absence, int64_t now_ms);
