/* A schema registry, played by a door of our own: what is asked of it, when, and what
 * becomes of its answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "kafka/topics/registry.h"
#include "message/avro/schemas.h"
#include "net/http/http_server.h"

#define TURN_MS 20
#define TURNS_MAX 500 /* far more than anything takes */

struct world {
	struct loop *loop;
	struct http_server *server;
	struct registry *registry;
	struct registry_config config;
	char url[64];
	int status; /* what the server answers with */
	const char *body;
	unsigned asked, news;
	char method[8], path[200], login[100], sent[20000];
};

static void copy(char *to, size_t room, struct text from)
{
	snprintf(to, room, "%.*s", (int)from.length, from.bytes ? from.bytes : "");
}

static void on_asked(void *context, struct http_incoming *asked, struct text method, struct text path, struct text body)
{
	struct world *world = context;
	world->asked++;
	copy(world->method, sizeof world->method, method);
	copy(world->path, sizeof world->path, path);
	copy(world->sent, sizeof world->sent, body);
	copy(world->login, sizeof world->login, http_incoming_header(asked, "Authorization"));
	http_server_answer(asked, world->status, "application/json", text_of(world->body), NULL, 0);
}

static void on_news(void *context)
{
	((struct world *)context)->news++;
}

static void world_open(struct world *world, const char *login)
{
	struct error error = {0};
	*world = (struct world){.status = 200, .body = "{}"};
	world->loop = loop_open(&error);
	const struct http_server_config service = {.body_bytes = 1 << 20, .connections = 10, .called = on_asked, .context = world};
	world->server = http_server_open(world->loop, &service, &error);
	assert_non_null(world->server);
	snprintf(world->url, sizeof world->url, "http://127.0.0.1:%d/api", http_server_port(world->server));
	world->config = (struct registry_config){.url = world->url, .login = login, .news = on_news, .context = world};
	world->registry = registry_open(world->loop, &world->config, &error);
	assert_non_null(world->registry);
}

static void world_close(struct world *world)
{
	registry_close(world->registry);
	http_server_close(world->server);
	loop_close(world->loop);
}

static void turn(struct world *world)
{
	struct error error = {0};
	assert_true(loop_turn(world->loop, TURN_MS, &error));
}

static void wait_for(struct world *world, const unsigned *count, unsigned wanted)
{
	for (unsigned i = 0; i < TURNS_MAX && *count < wanted; i++)
		turn(world);
	assert_int_equal(*count, wanted);
}

static const char *look_up(struct world *world, uint32_t id, struct error *error)
{
	const struct schema_source *source = registry_source(world->registry);
	*error = (struct error){0};
	return source->by_id(source->context, id, error);
}

/* ---- schemas ---- */

static void a_schema_is_asked_for_once_and_kept(void **state)
{
	(void)state;
	struct world world;
	struct error error;
	world_open(&world, "reader:secret");
	assert_true(registry_is_ready(world.registry));
	world.body = "{\"schema\": \"\\\"long\\\"\"}";
	assert_null(look_up(&world, 42, &error));
	assert_true(registry_was_missed(world.registry));
	assert_false(registry_was_missed(world.registry));
	assert_null(look_up(&world, 42, &error)); /* not asked twice */
	wait_for(&world, &world.news, 1);
	assert_string_equal(look_up(&world, 42, &error), "\"long\"");
	assert_int_equal(world.asked, 1);
	assert_string_equal(world.method, "GET");
	assert_string_equal(world.path, "/api/schemas/ids/42");
	char expected[100] = "Basic ";
	expected[6 + base64_write(TEXT("reader:secret"), expected + 6)] = '\0';
	assert_string_equal(world.login, expected);
	world_close(&world);
}

static void a_number_that_is_not_known_is_the_records_fault(void **state)
{
	(void)state;
	struct world world;
	struct error error;
	world_open(&world, NULL);
	world.status = 404;
	world.body = "{\"error_code\": 40403, \"message\": \"Schema not found\"}";
	assert_null(look_up(&world, 7, &error));
	wait_for(&world, &world.news, 1);
	(void)registry_was_missed(world.registry);
	assert_null(look_up(&world, 7, &error));
	assert_false(registry_was_missed(world.registry));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_non_null(strstr(error.text, "the number 7, and the registry does not have it"));
	world_close(&world);
}

static void what_is_no_plain_avro_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *body, *words;
	} rows[] = {
		{"{\"schema\": \"syntax\", \"schemaType\": \"PROTOBUF\"}", "it is not an Avro schema"},
		{"{\"schema\": \"{}\", \"references\": [{\"name\": \"a\", \"subject\": \"b\", \"version\": 1}]}",
		 "it refers to other schemas"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world world;
		struct error error;
		world_open(&world, NULL);
		world.body = rows[i].body;
		assert_null(look_up(&world, 7, &error));
		wait_for(&world, &world.news, 1);
		assert_null(look_up(&world, 7, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		assert_non_null(strstr(error.text, rows[i].words));
		world_close(&world);
	}
}

/* A status, or an answer that says nothing: the records wait, and it is asked again. */
static void a_registry_that_cannot_answer_is_asked_again(void **state)
{
	(void)state;
	static const struct {
		int status;
		const char *body, *words;
	} rows[] = {
		{503, "{\"message\": \"starting\"}", "503: starting"},
		{401, "{\"message\": \"who are you\"}", "401: who are you; correct the login"},
		{200, "<html>", "the registry's answer is not JSON"},
		{200, "{\"id\": 1}", "with 200"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world world;
		struct error error;
		world_open(&world, NULL);
		world.status = rows[i].status;
		world.body = rows[i].body;
		assert_null(look_up(&world, 7, &error));
		wait_for(&world, &world.asked, 2);
		assert_non_null(strstr(registry_trouble(world.registry), rows[i].words));
		assert_int_equal(world.news, 0);
		world.status = 200;
		world.body = "{\"schema\": \"\\\"int\\\"\", \"schemaType\": \"AVRO\", \"references\": []}";
		wait_for(&world, &world.news, 1);
		assert_string_equal(registry_trouble(world.registry), "");
		assert_string_equal(look_up(&world, 7, &error), "\"int\"");
		world_close(&world);
	}
}

static void more_schemas_than_are_kept_are_a_limit(void **state)
{
	(void)state;
	struct world world;
	struct error error;
	world_open(&world, NULL);
	for (uint32_t id = 1; id <= REGISTRY_SCHEMAS_MAX; id++)
		assert_null(look_up(&world, id, &error));
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_null(look_up(&world, REGISTRY_SCHEMAS_MAX + 1, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	world_close(&world);
}

/* ---- our own ---- */

static void our_schema_is_announced_for_each_topic_of_answers(void **state)
{
	(void)state;
	struct world world;
	struct error error = {0};
	world_open(&world, NULL);
	world.body = "{\"id\": 12}";
	assert_true(registry_announce(world.registry, "decisions", &error));
	assert_false(registry_is_ready(world.registry));
	wait_for(&world, &world.news, 1);
	assert_true(registry_is_ready(world.registry));
	assert_int_equal(registry_source(world.registry)->answer_id, 12);
	assert_string_equal(world.method, "POST");
	assert_string_equal(world.path, "/api/subjects/decisions-value/versions");
	assert_non_null(strstr(world.sent, "{\"schema\": \"{"));
	assert_non_null(strstr(world.sent, "io.sluice"));
	assert_true(registry_announce(world.registry, "decisions", &error)); /* it is known */
	assert_true(registry_is_ready(world.registry));
	assert_true(registry_announce(world.registry, "later", &error));
	assert_false(registry_is_ready(world.registry));
	wait_for(&world, &world.news, 2);
	assert_true(registry_is_ready(world.registry));
	assert_string_equal(world.path, "/api/subjects/later-value/versions");
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schema_is_asked_for_once_and_kept),
		cmocka_unit_test(a_number_that_is_not_known_is_the_records_fault),
		cmocka_unit_test(what_is_no_plain_avro_is_refused_with_the_reason),
		cmocka_unit_test(a_registry_that_cannot_answer_is_asked_again),
		cmocka_unit_test(more_schemas_than_are_kept_are_a_limit),
		cmocka_unit_test(our_schema_is_announced_for_each_topic_of_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
