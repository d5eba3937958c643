/* gateway_prefix_test.c: Tests of requests behind the prefix of Seldon Core 1, /seldon/NAMESPACE/NAME. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gateway_stand.h"
#include "tests/unit/guest.h"

static void a_submitted_request_is_polled_behind_the_same_prefix(void **state)
{
	static const struct {
		const char *path, *location;
	} rows[] = {{"/seldon/default/p/v2/pipelines/p/infer", "Location: /seldon/default/p/v2/pipelines/p/requests/"},
		    {"/seldon/default/p/v2/models/m/infer", "Location: /seldon/default/p/v2/pipelines/p/requests/"},
		    {"/v2/pipelines/p/infer", "Location: /v2/pipelines/p/requests/"}};
	const struct gateway_stand *stand = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct guest caller = guest_open(stand->loop, gateway_http_port(stand->gateway));
		char request[512];
		(void)snprintf(request, sizeof request,
			       "POST %s HTTP/1.1\r\nHost: localhost\r\nPrefer: respond-async\r\nContent-Length: 13\r\n\r\n"
			       "{\"inputs\":[]}",
			       rows[i].path);
		const char *heard = guest_ask(&caller, request, "\"}");
		assert_non_null(heard);
		if (strncmp(heard, "HTTP/1.1 202 ", 13) != 0 || !strstr(heard, rows[i].location))
			fail_msg("%s: %s", rows[i].path, heard);
		guest_close(&caller);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_submitted_request_is_polled_behind_the_same_prefix, gateway_stand_open,
						gateway_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
