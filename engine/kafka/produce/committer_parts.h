/* committer_parts.h: State of a committer, and its transactional producer. Private to committer.c and committer_producer.c. */
#pragma once

#include "kafka/produce/broker_refusals.h"
#include "kafka/produce/committer.h"
#include "kafka/produce/producer.h"
#include "kafka/produce/settlement.h"
#include "kafka/topics/topic_registry.h"

#define COMMITTER_REASON_MAX 256

enum committer_request { REQUEST_NONE, REQUEST_START, REQUEST_END, REQUEST_STOP };

struct committer {
	const struct transaction_config *config;
	const struct consumer *consumer;
	struct batch_limit *batches, own_batches;
	int timeout_ms;
	int bell;
	pthread_t thread;
	bool running;
	atomic_bool stopping, abandoned;
	atomic_uint calls, calling; /* number of calls so far, and the present one (enum settlement_call) */
	struct transaction_notes notes; /* `warned`: nothing was committed since */

	pthread_mutex_t lock; /* protects the seven fields below, and the queue, the batches and the opening of the producer */
	pthread_cond_t asked;
	enum committer_request request;
	enum transaction_news answer;
	struct error answer_error;
	struct error lost; /* the reason why another producer would not help: a topic may be gone, or the clock is wrong */
	int64_t lost_at_ms; /* time at which that is reported, unless there is a commit before */
	struct refusals refusals; /* the refusals reported */
	struct broker_refusals broker_refusals;

	/* Owned by the thread during a request, otherwise by the worker: */
	struct producer producer;
	const char *const *names; /* of the topics */
	size_t name_count;
	struct settlement settlement;
	char reason[COMMITTER_REASON_MAX]; /* reason of the last doubt about a transaction */
	bool explained;		 /* the current doubt was reported */
	bool doubts_rights;	 /* perhaps the login may not write a topic any more */
	struct topic_member *rights; /* of the registry, with the question which topics these are; NULL: nothing is asked */
	int64_t rights_due_ms;	 /* when it may be asked again */
	int64_t rights_pause_ms; /* the pause before; 0: it was not in vain */
	bool has_begun;		    /* a transaction was begun, so the login had all rights */
	bool is_denied;		    /* it has lost the right to the transactional id, which was logged */
	bool lacks_group;	    /* or to the group */
	bool lacks_topic;	    /* or to all topics that could tell whether the last commit succeeded */
	struct hindrance hindrance; /* to the next transaction */
	struct hindrance resets;    /* one after the other, without a commit */
	int64_t reset_ms;	    /* the last one */
};

/* Opens the producer, with handles of the topics; closes it, if there is one. Called by the thread. */
bool committer_producer_open(struct committer *committer, struct error *error);
void committer_producer_close(struct committer *committer);

/* Takes the producer's events. Called under the lock. A commit waits for failed records until they are taken from the queue. The
 * commit also reports their failure. */
void committer_events_drain(struct committer *committer);
