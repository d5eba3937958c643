/* absence_report.h: Report of topics that were deleted, or that the login may not read: each stage that reads one says so in its
 * counts. Private to the worker. */
#ifndef SLUICE_WORKER_ABSENCE_REPORT_H
#define SLUICE_WORKER_ABSENCE_REPORT_H

#include "worker/parts.h"

/* Called after records were taken. */
void absence_report(struct worker *worker);

#endif
