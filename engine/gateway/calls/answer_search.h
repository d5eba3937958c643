/* answer_search.h: Search for the answer to a submitted request in the outputs of its pipeline, or for its explanations in the
 * topic of these. The same of a request whose caller waited until its deadline, and got an id then.
 *
 * The search first reads the request, whose nonce must be that of the id: one that was guessed costs no more than this. An
 * engine names the origin and the nonce of a submitted request in headers of its answer (message/records/reply.h). The search then
 * reads the partition that has the answer, from the time of the request to its present end. Records of explanations have the
 * origin too (message/records/explained.h); there may be several, in any partition. The request of a caller that waited has a reply
  * address in place of a nonce, and its answer the origin alone. Engines begin no request after its deadline, so once that is past
   * by ANSWER_LATE_MS no answer comes any more.
 *
 * Explanations may also be searched by the id of a request whose caller waited for the answer. Such an id says neither when the
 * request came nor who sent it, so the last ANSWER_SEARCH_HOUR_MS are searched, and where access is controlled a record counts only
 * for the caller that it names (EXPLAIN_CALLER_HEADER). If requests share an id, the explanations of all of them are found.
 *
 * It waits for Kafka, so it runs in a thread of its own.
 */
#pragma once

#include <stdatomic.h>

#include "gateway/calls/submission.h"
#include "kafka/record.h"
#include "message/records/reply.h"

#define ANSWER_SEARCH_MS 10000 /* then the reading of a topic is given up: its caller waits, unless it asked for more time */
#define ANSWER_SEARCH_RECENT_MS 60000	/* explanations by the id of a request: the time that is searched first */
#define ANSWER_SEARCH_HOUR_MS 3600000	/* and the time that is searched at all */

enum answer_search_outcome {
	ANSWER_FOUND,	/* or the request, where that alone is searched */
	ANSWER_PENDING, /* there is no answer yet */
	ANSWER_EXPIRED, /* there is none, and Kafka has deleted the request */
	ANSWER_ENDED,	/* there is none, and none comes: its caller waited, until a deadline that is past */
	ANSWER_NOBODYS, /* no request was submitted with this id */
	ANSWER_UNKNOWN, /* Kafka did not say; `error` has the reason */
};

struct answer_search {
	const char *brokers;
	struct properties properties; /* of a consumer */
	const char *inputs;	      /* topic of the pipeline */
	const char *outputs;	      /* the same; NULL, without `explanations`: the request alone is searched, and its id */
	const char *explanations; /* topic that is searched instead of the outputs; NULL: none */
	struct submission submission;
	struct text id;	     /* of explanations: that of the request, instead of a submission; empty: none */
	struct text caller;  /* of a search by that id: who must have sent the request; empty: anybody */
	struct arena *arena; /* of the answer */
	int wait_ms; /* for which its caller waits at most: of each topic, its opening and its reading; 0: it did not say, and
		      * Kafka has its usual time */
	const atomic_bool *stopping; /* once it is set, the search ends within seconds, and nobody wants its outcome; NULL: never */
	/* In and out: the offset of the outputs where the search begins, and then where another one of the same request may begin;
	 * -1: the time of the request. Only where one partition can have the answer. */
	int64_t next;
	/* Set by answer_search_run(): */
	enum answer_search_outcome outcome;
	bool is_awaited;   /* the caller of the request waited: its answer has no nonce */
	struct text request_id; /* as a reply would have it, or the gateway gave it; empty: there is none that can be read */
	struct text value; /* of explanations: the JSON of all that are there, as a gateway answers them */
	struct headers headers; /* of an answer */
	struct error error;
};

void answer_search_run(struct answer_search *search);
