/* gateway_stand.c: see gateway_stand.h. */
#include "tests/unit/gateway_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

int gateway_stand_open(void **state)
{
	static struct gateway_stand stand;
	static const char *const topics[] = {"replies", "claims", "cancels", "pipeline.p.inputs", "pipeline.p.outputs"};
	struct error error = {0};
	char name[64];
	stand = (struct gateway_stand){.loop = loop_open(&error)};
	stand.puppet.loop = stand.loop;
	mock_open(&stand.mock);
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
		(void)snprintf(name, sizeof name, "sluice.default.%s", topics[i]);
		rd_kafka_mock_topic_create(stand.mock.cluster, name, 1, 1);
	}
	planning_open(&stand.planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				       "  steps:\n  - {name: s, expression: {set: {x: x}}}\n  output: {steps: [s]}\n");
	planning_plan(&stand.planning, NULL, &stand.plan);
	stand.config = (struct gateway_config){.serves_http = true,
					       .serves_grpc = true,
					       .brokers = stand.mock.brokers,
					       .consumer = mock_quick,
					       .producer = mock_quick,
					       .record_bytes = 1 << 20,
					       .lame_duck_ms = GATEWAY_STAND_LAME_DUCK_MS};
	stand.gateway = gateway_open(stand.loop, &stand.config, &stand.plan, &error);
	assert_string_equal(error.text, "");
	*state = &stand;
	return 0;
}

int gateway_stand_close(void **state)
{
	struct gateway_stand *stand = *state;
	puppet_hang_up_all(&stand->puppet);
	gateway_close(stand->gateway);
	loop_close(stand->loop);
	planning_close(&stand->planning);
	mock_close(&stand->mock);
	return 0;
}
