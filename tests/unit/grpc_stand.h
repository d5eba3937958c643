/* One caller by gRPC and one puppet that is its server, on one loop. */
#pragma once

#include "net/grpc/grpc.h"
#include "tests/unit/puppet.h"

#define CALLS 300
#define REPLY_BYTES ((size_t)20 << 20)
#define PATH "/inference.GRPCInferenceService/ModelInfer"

struct stand {
	struct loop *loop;
	struct puppet puppet;
	struct grpc *grpc;
	struct grpc_limits limits;
	char address[32];
	struct call {
		struct grpc_call call;
		struct stand *stand;
		struct text body;
		struct grpc_reply reply; /* its texts are copied */
		char text[256];
		int told;
	} calls[CALLS];
	size_t told;
	size_t order[CALLS]; /* calls that were told, by number */
};

int stand_set_up(void **state); /* a cmocka fixture: limits may be changed before the first call */
int stand_tear_down(void **state);

/* Starts a call; its answer comes to `calls[number]`. */
struct call *begin_with(struct stand *stand, size_t number, struct text body, int64_t timeout_ms);
struct call *begin(struct stand *stand, size_t number); /* with 5 s */
struct call *ask_once(struct stand *stand);		/* and waits for its answer */

void turn(struct stand *stand);
void turn_until_told(struct stand *stand, size_t count);
void turn_until_asked(struct stand *stand, size_t count);

void assert_fails(const struct call *call, enum error_kind kind, const char *words);

void say_yes(struct puppet_line *line, int32_t id);

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_set_up, stand_tear_down)
