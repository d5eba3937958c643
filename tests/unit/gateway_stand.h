/* gateway_stand.h: a gateway of one pipeline, `p`, with ports for HTTP and gRPC, against the mock of a broker. */
#pragma once

#include "gateway/gateway.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/puppet.h"

#define GATEWAY_STAND_LAME_DUCK_MS 500

struct gateway_stand {
	struct mock mock;
	struct planning planning;
	struct plan plan;
	struct loop *loop;
	struct gateway_config config;
	struct gateway *gateway;
	struct puppet puppet;
};

int gateway_stand_open(void **state);
int gateway_stand_close(void **state);
