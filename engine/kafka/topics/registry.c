/* registry.c: Requests to a schema registry; see registry.h. A question is the request of one schema, or the
 * announcement of ours to one subject. */
#include "kafka/topics/registry.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/avro/schemas.h"

#define REPLY_BYTES_MAX ((size_t)16 << 20)
#define ARENA_BYTES_MAX ((size_t)256 << 20)
#define ASK_TIMEOUT_MS 10000
#define CONNECT_MS 3000
#define CONNECTIONS 4
#define IDLE_S 60
#define AGAIN_FIRST_MS 200
#define AGAIN_LAST_MS 10000
#define UNKNOWN_KEPT_MS 60000 /* it may be registered meanwhile */
#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

enum registry_question_state { QUESTION_ASKED, QUESTION_ANSWERED, QUESTION_UNKNOWN };

struct registry_question {
	struct http_request request;
	struct loop_timer timer; /* until the next request */
	struct registry *registry;
	struct registry_question *next;
	int64_t again_ms;
	enum registry_question_state state;
	bool announces; /* announces our schema; else requests a schema: */
	uint32_t id;
	int64_t unknown_until_ms; /* QUESTION_UNKNOWN */
	const char *schema;	  /* QUESTION_ANSWERED */
	struct error why;	  /* QUESTION_UNKNOWN */
};

struct registry {
	const struct registry_config *config;
	struct loop *loop;
	struct http *http;
	struct arena *arena;
	struct registry_question *questions;
	size_t schema_count;
	struct text announcement;
	size_t announced, announced_wanted;
	struct schema_source source;
	bool missed;
	char trouble[ERROR_TEXT_MAX];
};

/* ---- requests ---- */

static void registry_request(struct registry_question *question);

static void registry_on_due(void *context)
{
	registry_request(context);
}

static void ask_again(struct registry_question *question, const char *why)
{
	struct registry *registry = question->registry;
	struct error error = {0};
	snprintf(registry->trouble, sizeof registry->trouble, "%s", why);
	int64_t due_ms = loop_now_ms(registry->loop) + question->again_ms;
	question->again_ms = question->again_ms * 2 > AGAIN_LAST_MS ? AGAIN_LAST_MS : question->again_ms * 2;
	if (!loop_timer_set(registry->loop, &question->timer, due_ms, &error))
		snprintf(registry->trouble, sizeof registry->trouble, "%s", error.text);
}

static void registry_request(struct registry_question *question)
{
	struct error error = {0};
	if (!http_start(question->registry->http, &question->request, &error))
		ask_again(question, error.text);
}

static void on_reply(struct http_request *request, const struct http_reply *reply);

static struct registry_question *question_add(struct registry *registry, const char *url)
{
	struct registry_question *question = ARENA_NEW(registry->arena, struct registry_question);
	if (!question || !url)
		return NULL;
	*question = (struct registry_question){
		.request = {.url = url,
			    .content_type = CONTENT_TYPE,
			    .login = registry->config->login,
			    .timeout_ms = ASK_TIMEOUT_MS,
			    .done = on_reply,
			    .context = question},
		.timer = {.due = registry_on_due, .context = question},
		.registry = registry,
		.next = registry->questions,
		.again_ms = AGAIN_FIRST_MS,
	};
	registry->questions = question;
	return question;
}

/* ---- replies ---- */

struct registry_answer {
	struct text schema;
	struct text type; /* empty: AVRO */
	struct text words;
	uint64_t id;
	bool refers; /* references other schemas */
};

static void take_references(struct json_scan *scan, struct registry_answer *answer)
{
	if (json_peek(scan) != JSON_ARRAY) {
		json_skip(scan);
		return;
	}
	json_enter(scan);
	while (json_item(scan))
		answer->refers |= json_skip(scan);
}

static bool read_reply(struct registry *registry, struct text body, struct registry_answer *answer, struct error *error)
{
	struct json_scan scan;
	struct text key, number;
	*answer = (struct registry_answer){0};
	json_begin(&scan, body, "the registry's answer", registry->arena, error);
	if (json_peek(&scan) == JSON_OBJECT) {
		json_enter(&scan);
		while (json_key(&scan, &key)) {
			if (text_is(key, "schema"))
				json_take_text(&scan, &answer->schema);
			else if (text_is(key, "schemaType"))
				json_take_text(&scan, &answer->type);
			else if (text_is(key, "message"))
				json_take_text(&scan, &answer->words);
			else if (text_is(key, "references"))
				take_references(&scan, answer);
			else if (text_is(key, "id") && json_span(&scan, &number))
				(void)number_read_uint64(number, &answer->id);
			else if (!text_is(key, "id"))
				json_skip(&scan);
		}
	} else {
		json_skip(&scan);
	}
	return json_end(&scan);
}

static void settle_unknown(struct registry_question *question, const char *why)
{
	question->state = QUESTION_UNKNOWN;
	question->why = (struct error){0};
	error_set(&question->why, ERROR_INPUT, PLACE_NONE, "the record's schema has the number %u, and %s", question->id, why);
	question->unknown_until_ms = loop_now_ms(question->registry->loop) + UNKNOWN_KEPT_MS;
}

static void settle_schema(struct registry_question *question, const struct registry_answer *answer)
{
	if (answer->type.length > 0 && !text_is(answer->type, "AVRO")) {
		settle_unknown(question, "it is not an Avro schema; only Avro is read by number");
	} else if (answer->refers) {
		settle_unknown(question, "it refers to other schemas, which is not supported; register it as one schema");
	} else {
		question->schema = arena_copy(question->registry->arena, answer->schema.bytes, answer->schema.length);
		question->state = QUESTION_ANSWERED;
	}
}

static void settle_announcement(struct registry_question *question, const struct registry_answer *answer)
{
	struct registry *registry = question->registry;
	question->state = QUESTION_ANSWERED;
	registry->announced++;
	registry->source.answer_id = (uint32_t)answer->id;
}

static void registry_explain(struct registry_question *question, const struct http_reply *reply, struct text words)
{
	const char *hint = reply->status == 401 || reply->status == 403 ? "; correct the login" : "";
	char why[ERROR_TEXT_MAX];
	snprintf(why, sizeof why, "the schema registry answers %s with %ld: %.*s%s", question->request.url, reply->status,
		 (int)(words.length < ERROR_TEXT_MAX / 2 ? words.length : ERROR_TEXT_MAX / 2), words.bytes ? words.bytes : "",
		 hint);
	ask_again(question, why);
}

/* Whether the question is answered; otherwise it is asked again. The body belongs to the client, so what is kept is
 * copied. */
static bool take_reply(struct registry_question *question, const struct http_reply *reply)
{
	struct error error = {0};
	struct registry_answer answer;
	if (reply->status == 0) {
		ask_again(question, reply->error.text);
		return false;
	}
	bool read = read_reply(question->registry, reply->body, &answer, &error);
	if (!question->announces && reply->status == 404) {
		settle_unknown(question, "the registry does not have it; register it, or correct its writer");
		return true;
	}
	bool whole = read && (question->announces ? answer.id > 0 && answer.id <= UINT32_MAX : answer.schema.bytes != NULL);
	if (reply->status != 200 || !whole) {
		registry_explain(question, reply, !read ? text_of(error.text) : answer.words);
		return false;
	}
	(question->announces ? settle_announcement : settle_schema)(question, &answer);
	return true;
}

static void on_reply(struct http_request *request, const struct http_reply *reply)
{
	struct registry_question *question = request->context;
	struct registry *registry = question->registry;
	if (!take_reply(question, reply))
		return;
	registry->trouble[0] = '\0';
	registry->config->news(registry->config->context);
}

/* ---- the source ---- */

static struct registry_question *registry_find(const struct registry *registry, uint32_t id)
{
	struct registry_question *question = registry->questions;
	while (question && (question->announces || question->id != id))
		question = question->next;
	return question;
}

static bool ask_first(struct registry *registry, uint32_t id, struct error *error)
{
	if (registry->schema_count == REGISTRY_SCHEMAS_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "schema %u would be one more than the %d that are kept", id,
				 REGISTRY_SCHEMAS_MAX);
	struct registry_question *question =
		question_add(registry, arena_print(registry->arena, "%s/schemas/ids/%u", registry->config->url, id));
	if (!question)
		return error_memory(error, ERROR_LIMIT, "asking for a schema");
	registry->schema_count++;
	question->id = id;
	registry_request(question);
	return true;
}

static const char *by_id(void *context, uint32_t id, struct error *error)
{
	struct registry *registry = context;
	struct registry_question *question = registry_find(registry, id);
	if (question && question->state == QUESTION_ANSWERED)
		return question->schema;
	if (question && question->state == QUESTION_UNKNOWN) {
		if (loop_now_ms(registry->loop) < question->unknown_until_ms) {
			*error = question->why;
			return NULL;
		}
		question->state = QUESTION_ASKED;
		registry_request(question);
	}
	if (!question && !ask_first(registry, id, error))
		return NULL;
	registry->missed = true;
	error_set(error, ERROR_REMOTE, PLACE_NONE, "schema %u is being asked for", id);
	return NULL;
}

const struct schema_source *registry_source(const struct registry *registry)
{
	return &registry->source;
}

bool registry_was_missed(struct registry *registry)
{
	bool missed = registry->missed;
	registry->missed = false;
	return missed;
}

bool registry_is_ready(const struct registry *registry)
{
	return registry->announced == registry->announced_wanted;
}

const char *registry_trouble(const struct registry *registry)
{
	return registry->trouble;
}

/* ---- opening and closing ---- */

/* Writes the request that announces our schema; it is the same for all subjects. */
static bool write_announcement(struct registry *registry)
{
	struct buffer body;
	buffer_open(&body, REPLY_BYTES_MAX);
	buffer_string(&body, "{\"schema\": ");
	json_write_string(&body, text_of(schema_json("response")));
	buffer_byte(&body, '}');
	struct text text = buffer_view(&body);
	const char *kept = buffer_failed(&body) ? NULL : arena_copy(registry->arena, text.bytes, text.length);
	registry->announcement = (struct text){kept, text.length};
	buffer_close(&body);
	return kept != NULL;
}

static bool is_announced(const struct registry *registry, const char *url)
{
	const struct registry_question *question = registry->questions;
	while (question && !(question->announces && strcmp(question->request.url, url) == 0))
		question = question->next;
	return question != NULL;
}

bool registry_announce(struct registry *registry, const char *topic, struct error *error)
{
	const char *url = arena_print(registry->arena, "%s/subjects/%s-value/versions", registry->config->url, topic);
	if (url && is_announced(registry, url))
		return true;
	struct registry_question *question = url ? question_add(registry, url) : NULL;
	if (!question)
		return error_memory(error, ERROR_SYSTEM, "announcing the schema of answers");
	registry->announced_wanted++;
	question->announces = true;
	question->request.body = registry->announcement;
	registry_request(question);
	return true;
}

struct registry *registry_open(struct loop *loop, const struct registry_config *config, struct error *error)
{
	assert(loop && config->url);
	const struct http_limits limits = {.connections_a_host = CONNECTIONS,
					   .connection_idle_s = IDLE_S,
					   .reply_bytes = REPLY_BYTES_MAX,
					   .connect_ms = CONNECT_MS,
					   .tls = config->files};
	struct registry *registry = memory_take(1, sizeof *registry);
	if (!registry) {
		error_memory(error, ERROR_SYSTEM, "opening a schema registry");
		return NULL;
	}
	*registry = (struct registry){.config = config, .loop = loop};
	registry->arena = arena_open(ARENA_BYTES_MAX);
	registry->source = (struct schema_source){.context = registry, .by_id = by_id, .cache = avro_cache_open()};
	if (registry->arena && registry->source.cache && (registry->http = http_open(loop, &limits, error)) &&
	    write_announcement(registry))
		return registry;
	error_memory(error, ERROR_SYSTEM, "opening a schema registry");
	registry_close(registry);
	return NULL;
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	for (struct registry_question *question = registry->questions; question; question = question->next)
		loop_timer_stop(registry->loop, &question->timer);
	http_close(registry->http);
	avro_cache_close(registry->source.cache);
	arena_close(registry->arena);
	memory_give(registry);
}
