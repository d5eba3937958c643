/* answer_search.h: Search for the answer to a submitted request in the outputs of its pipeline.
 *
 * An engine names the origin of a submitted request in the header REPLY_ORIGIN_HEADER of its answer. The search reads the
 * partition that has the answer, from the time of the request to its present end. If the answer is not there, it checks
 * whether Kafka still has the request.
 *
 * It waits for Kafka, so it runs in a thread of its own.
 */
#ifndef SLUICE_GATEWAY_ANSWER_SEARCH_H
#define SLUICE_GATEWAY_ANSWER_SEARCH_H

#include "base/arena.h"
#include "gateway/submission.h"
#include "log/record.h"

#define ANSWER_SEARCH_MS 10000	   /* then a search is given up: its caller waits */
#define ANSWER_CLOCKS_MS 10000	   /* by which the clocks of engines and gateways may differ */

enum answer_search_outcome {
	ANSWER_FOUND,
	ANSWER_PENDING, /* there is no answer yet */
	ANSWER_EXPIRED, /* there is none, and Kafka has deleted the request */
	ANSWER_UNKNOWN, /* Kafka did not say; `error` has the reason */
};

struct answer_search {
	const char *brokers;
	struct properties properties; /* of a consumer */
	const char *inputs, *outputs; /* topics of the pipeline */
	struct submission submission;
	struct arena *arena; /* of the answer */
	/* Set by answer_search_run(): */
	enum answer_search_outcome outcome;
	struct text value;
	struct headers headers;
	struct error error;
};

void answer_search_run(struct answer_search *search);

#endif
