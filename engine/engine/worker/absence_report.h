/* absence_report.h: Report of topics that were deleted, or that the login may not read, and of a consumer group that it may not
 * use: each stage that reads one, or is of the group, says so in its counts. Private to the worker. */
#pragma once

#include "engine/worker/parts.h"

/* Called after records were taken. */
void absence_report(struct worker *worker);

/* Called in each turn: while commits fail, no record may be taken. */
void group_denial_report(struct worker *worker);
