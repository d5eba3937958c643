/* engine_reports.h: Reports of engines on the status topic: the latest of each engine about each pipeline, and the lag of the
 * pipelines, which Kafka knows. For `sluice top`. */
#pragma once

#include "kafka/kafka_access.h"
#include "kafka/record.h"
#include "observe/status.h"

#define ENGINE_REPORTS_MAX 4096 /* engines times pipelines */
#define REPORT_GROUPS_MAX 16	/* whose lag is measured: two a namespace */

struct pipeline_report {
	struct arena *arena; /* its own, so that the next one can replace it */
	struct status status;
	char *json;
	size_t length;
};

struct engine_reports { /* opened by engine_reports_open(); all members may be read */
	struct arena *arena;
	const struct kafka *kafka;
	struct pipeline_report *items;
	size_t count;
	uint64_t strange; /* records that are no status */
	struct report_group {
		const char *name;
		struct group_lag *backlog;
	} groups[REPORT_GROUPS_MAX];
	size_t group_count;
};

/* Borrows both. */
bool engine_reports_open(struct engine_reports *reports, const struct kafka *kafka, struct arena *arena, struct error *error);
void engine_reports_close(struct engine_reports *reports); /* {0} is fine */

/* Takes a record of the status topic. `scratch` is reset. LIMIT: there are more than ENGINE_REPORTS_MAX. */
bool engine_reports_take(struct engine_reports *reports, const struct record *record, struct arena *scratch, struct error *error);

/* Sets the lag of all: that of the whole pipeline, whichever of its engines has the partition. Asks Kafka. */
void engine_reports_measure_lag(struct engine_reports *reports);
