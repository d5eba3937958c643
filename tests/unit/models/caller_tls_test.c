/* caller_tls_test.c: calls of a model through TLS, over REST and gRPC, with doors on the same
 * loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "net/grpc/grpc_server.h"
#include "net/http/http_server.h"
#include "models/calls/caller.h"
#include "tests/unit/certificates.h"

#define REPLY "{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[3]}]}"

struct stand {
	struct loop *loop;
	struct arena *arena;
	struct certificates certificates;
	struct tls_files ours, trusted, stranger;
	struct http_server *http;
	struct grpc_server *grpc;
	struct message message;
	size_t answered;
	char addresses[2][64];
};

static void on_http(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	(void)context;
	(void)path;
	(void)body;
	bool call = text_is(method, "POST");
	http_server_answer(asked, 200, "application/json", call ? TEXT(REPLY) : TEXT("{}"), NULL, 0);
}

/* An empty ModelInferResponse. */
static void on_grpc(void *context, struct grpc_request *request, struct text path, struct text body)
{
	(void)context;
	(void)path;
	(void)body;
	grpc_server_answer(request, 0, TEXT(""), TEXT(""));
}

static void on_answered(void *context, struct call *call)
{
	struct stand *stand = context;
	(void)call;
	stand->answered++;
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .arena = arena_open((size_t)1 << 20)};
	certificates_make(&stand.certificates);
	stand.ours = certificates_files(&stand.certificates, CERTIFICATE_SERVER, CERTIFICATES);
	stand.trusted = certificates_files(&stand.certificates, CERTIFICATES, CERTIFICATE_AUTHORITY);
	stand.stranger = certificates_files(&stand.certificates, CERTIFICATES, CERTIFICATE_STRANGER);
	const struct http_server_config http = {.files = &stand.ours, .body_bytes = 4096, .connections = 8, .called = on_http};
	const struct grpc_server_config grpc = {
		.files = &stand.ours, .message_bytes = 4096, .streams = 8, .connections = 8, .called = on_grpc};
	stand.http = http_server_open(stand.loop, &http, &error);
	stand.grpc = grpc_server_open(stand.loop, &grpc, &error);
	assert_string_equal(error.text, "");
	snprintf(stand.addresses[0], sizeof *stand.addresses, "https://127.0.0.1:%d", http_server_port(stand.http));
	snprintf(stand.addresses[1], sizeof *stand.addresses, "grpcs://127.0.0.1:%d", grpc_server_port(stand.grpc));
	stand.message = (struct message){.arena = stand.arena, .id = TEXT("r")};
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	http_server_close(stand->http);
	grpc_server_close(stand->grpc);
	loop_close(stand->loop);
	certificates_remove(&stand->certificates);
	arena_close(stand->arena);
	return 0;
}

static struct call call_by(struct stand *stand, const char *address, const struct tls_files *files)
{
	static const struct payload nothing = {0};
	struct error error = {0};
	struct call call = {.name = "m", .request = &nothing, .message = &stand->message};
	const struct model_config model = {
		.name = "m", .addresses = addresses_read(address, "m", false, stand->arena), .tls = files};
	const struct caller_config config = {
		.model_count = 1, .models = &model, .request_bytes = 4096, .reply_bytes = 4096, .outage_deadletter = true};
	struct caller *caller = caller_open(stand->loop, &config, on_answered, stand, &error);
	assert_string_equal(error.text, "");
	stand->answered = 0;
	assert_true(caller_call(caller, &call, &error));
	for (int turns = 0; stand->answered == 0; turns++) {
		assert_in_range(turns, 0, 2000);
		assert_true(loop_turn(stand->loop, 5000, &(struct error){0}));
	}
	caller_close(caller);
	return call;
}

static void a_server_whom_its_authority_vouches_for_is_called(void **state)
{
	struct stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		struct call call = call_by(stand, stand->addresses[i], &stand->trusted);
		assert_string_equal(call.error.text, "");
		assert_non_null(call.reply);
	}
}

static void a_server_whom_nobody_vouches_for_is_not(void **state)
{
	struct stand *stand = *state;
	for (size_t i = 0; i < 2; i++) {
		struct call call = call_by(stand, stand->addresses[i], &stand->stranger);
		assert_int_equal(call.error.kind, ERROR_REMOTE);
		assert_non_null(strstr(call.error.text, "certificate"));
		assert_non_null(strstr(call.error.text, "the file that `authorities` names"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_server_whom_its_authority_vouches_for_is_called, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_server_whom_nobody_vouches_for_is_not, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
