/* gone_topics.h: Report of deleted topics: each stage that reads one says so in its counts. Private to the worker. */
#ifndef SLUICE_WORKER_GONE_TOPICS_H
#define SLUICE_WORKER_GONE_TOPICS_H

#include "worker/parts.h"

/* Called after records were taken. */
void gone_topics_report(struct worker *worker);

#endif
