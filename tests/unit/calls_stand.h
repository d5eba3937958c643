/* calls_stand.h: open calls of a gateway against the mock of a broker, and what engines do there. */
#pragma once

#include "gateway/calls/calls.h"
#include "message/records/reply.h"
#include "tests/unit/mock_broker.h"
#include "engine/worker/direct_hub.h"

#define REPLIES "sluice.default.replies"
#define FEEDBACK "sluice.default.pipeline.p.feedback"
#define CANCELS "sluice.default.cancels"
#define MOMENT_MS 300
#define CALLERS 3

struct caller {
	size_t ended;
	int status;
	char body[1024], id[64], poll[SUBMISSION_ID_BYTES_MAX];
	bool over, roams; /* it is gone; any partition may have its answer */
};

struct calls_stand {
	struct mock mock;
	struct loop *loop;
	struct gateway_target target;
	struct gateway_targets targets;
	struct direct_hub *hub;
	struct calls *calls;
	struct caller callers[CALLERS];
	size_t limits_asked;	   /* how often the limits of topics were asked for again */
	rd_kafka_t *engine;	   /* reads what is asked */
	rd_kafka_topic_t *replies; /* of the mock's writer */
};

int calls_stand_open(void **state);
int calls_stand_close(void **state);
#define CALLS_STORY(name) cmocka_unit_test_setup_teardown(name, calls_stand_open, calls_stand_close)

struct call_request calls_request_of(struct calls_stand *stand, size_t number); /* of that caller */
void calls_call_with(struct calls_stand *stand, size_t number, int64_t timeout_ms, const char *id, struct text body);

void calls_turn_for(struct calls_stand *stand, int64_t wait_ms);
void calls_await_end(struct calls_stand *stand, size_t number);
void calls_await_strayed(struct calls_stand *stand, uint64_t count);

/* The next record of partition 0 of the topic, which is always the same one in a test; the loop goes on meanwhile, for the
 * record's acknowledgement. */
rd_kafka_message_t *calls_next_record(struct calls_stand *stand, const char *topic);

/* The reply address of the next request that was asked. */
void calls_next_asked(struct calls_stand *stand, char *address);

/* address NULL: a record without one. */
void calls_reply(struct calls_stand *stand, const char *address, const char *value);

/* The same with the place of the request, as engines reply to one whose answer may be polled. Without it, a reply that comes before
 * Kafka's report of such a request ends nothing. */
void calls_reply_from(struct calls_stand *stand, const char *origin, const char *address, const char *value);
