/* call_reports.h: Kafka's reports of requests: what each means for its open call, which may end by it. Private to calls.c. */
#pragma once

#include "gateway/calls/open_calls.h"

/* Kafka has the request of a call, and its place, `submission`, is known. */
void call_placed(struct open_call *call);

/* Of the request producer of `context`, a struct calls: a report; and a topic takes less than was known, so its limit is asked for.
 */
void call_reports_take(void *context, const struct request_report *report);
void call_reports_narrow(void *context);
