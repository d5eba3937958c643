/* keyed_stand.h: calls with idempotency keys against the mock of a broker, and what engines do there. */
#pragma once

#include "gateway/grpc_front.h"
#include "gateway/calls/idempotency_claims.h"
#include "gateway/calls/idempotent_calls.h"
#include "message/records/reply.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/puppet.h"

#define REPLIES "sluice.default.replies"
#define CLAIMS "sluice.default.claims"
#define CALLERS 4
#define SOON_MS 400

struct keyed_client {
	size_t ended;
	int status;
	char body[256], id[128], submission[128], target[16];
	bool is_replayed, is_over;
};

struct keyed_stand {
	struct mock mock;
	struct loop *loop;
	struct gateway_target target;
	struct gateway_targets targets;
	struct calls *calls;
	struct polls *polls;
	struct keyed_calls *keyed;
	struct grpc_front *grpc;
	struct puppet puppet;
	struct keyed_client callers[CALLERS];
	rd_kafka_t *engine;
	rd_kafka_topic_t *out, *replies; /* of the writer: one that it meets later it looks up after a second */
	/* Of the request that the engine read last: */
	char address[REPLY_ADDRESS_BYTES_MAX], nonce[SUBMISSION_NONCE_DIGITS + 1], origin[64];
	bool submits;	   /* the calls */
	bool hides_origin; /* from replies, as earlier engines did */
};

int keyed_stand_open(void **state);
int keyed_stand_close(void **state);
#define KEYED_STORY(name) cmocka_unit_test_setup_teardown(name, keyed_stand_open, keyed_stand_close)

/* Calls of a gateway of its own, which shares the rest of the stand. */
struct keyed_calls *keyed_gateway_open(const struct keyed_stand *stand);

void keyed_turn(struct keyed_stand *stand);
void keyed_turn_for(struct keyed_stand *stand, int64_t wait_ms);

/* Begins a call of that caller, as soon as the claims are read. */
struct keyed_client *keyed_call(struct keyed_stand *stand, size_t number, const char *key, const char *body, int64_t timeout_ms);
void keyed_await_end(struct keyed_stand *stand, const struct keyed_client *caller);

/* Whether the engine has read a request, after a turn; likewise when it has. */
bool keyed_request_comes(struct keyed_stand *stand);
void keyed_request_read(struct keyed_stand *stand);

/* Ends the request that was read last, in the outputs alone or to its gateway, too. `limit`: by which it failed; NULL: none. */
void keyed_request_end(const struct keyed_stand *stand, const char *value, const char *limit, bool replies);
void keyed_answer(const struct keyed_stand *stand, const char *value, bool replies);

/* The last claim in the log; and one more record there, as another gateway may write it. */
struct claim_record keyed_claim_read(const struct keyed_stand *stand);
void keyed_claim_write(const struct keyed_stand *stand, const struct claim_record *record);

/* A first call, which stays open, so that the claims have been read. */
void keyed_await_claims(struct keyed_stand *stand, const char *key);
