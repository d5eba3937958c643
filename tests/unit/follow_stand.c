/* follow_stand.c: see follow_stand.h. */
#include "tests/unit/follow_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "message/rows.h"
#include "steps/kinds.h"

struct follow_stand follow_stand;

/* ---- log ---- */

static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static struct buffer said;

static void sink_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	pthread_mutex_lock(&said_lock);
	buffer_print(&said, "%s\n", line->message);
	pthread_mutex_unlock(&said_lock);
}

static const struct log_sink sink = {sink_write};

bool follow_was_said(const char *words)
{
	pthread_mutex_lock(&said_lock);
	buffer_append(&said, "", 1);
	said.length--;
	bool was = strstr(said.bytes, words) != NULL;
	pthread_mutex_unlock(&said_lock);
	return was;
}

/* ---- the work of the caller ---- */

static void note_faults(void *context, const struct faults *faults)
{
	for (size_t i = 0; i < faults_total(faults); i++)
		if (faults_at(faults, i)->code->severity == SEVERITY_ERROR)
			error_set(context, ERROR_CONFIG, faults_at(faults, i)->place, "%s", faults_at(faults, i)->message);
}

static void warning_ignore(void *context, const char *line)
{
	(void)context, (void)line;
}

/* The mock's thread misses a call directly after another one, and then notices it only after a second. */
static void topic_make(const char *name)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(follow_stand.mock.cluster, name, 1, 1);
	assert_true(code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS);
}

static struct revision *compile(void *context, const struct control_documents *documents, struct error *error)
{
	(void)context;
	const struct revision_options options = {.kinds = step_kinds,
						 .namespace = "default",
						 .documents = documents->documents,
						 .document_count = documents->count,
						 .tables = &documents->tables,
						 .forms = &documents->formers.forms,
						 .apart = {documents->formers.apart_count, documents->formers.apart},
						 .may_be_empty = true,
						 .has_keeper = true,
						 .insecure = true,
						 .report = {.faults = note_faults, .warning = warning_ignore, .context = error}};
	atomic_fetch_add(&follow_stand.compiles, 1);
	bool may_refuse = follow_stand.refused == 0 || follow_stand.refused == documents->change;
	if (documents->change != CONTROL_IN_FORCE && may_refuse && atomic_load(&follow_stand.refusals) > 0) {
		atomic_fetch_sub(&follow_stand.refusals, 1);
		error_set(error, ERROR_REMOTE, PLACE_NONE, "model `m` is not ready");
		return NULL;
	}
	atomic_store(&follow_stand.is_compiling, true);
	if (follow_stand.is_slow)
		nanosleep(&(struct timespec){.tv_nsec = SLOW_MS * 1000000L}, NULL);
	struct revision *revision = revision_open(&options, error);
	for (size_t i = 0; revision && i < revision->plan.count; i++)
		for (size_t j = 0; j < revision->plan.pipelines[i].topic_count; j++)
			topic_make(revision->plan.pipelines[i].topics[j].name);
	atomic_store(&follow_stand.is_compiling, false);
	return revision;
}

static void give_up(void *context)
{
	(void)context;
}

static bool activate(void *context, struct revision *revision, struct error *error)
{
	(void)context;
	if (follow_stand.failure.kind == ERROR_NONE)
		return engine_reload(follow_stand.engine, revision, error);
	revision_close(revision);
	*error = follow_stand.failure;
	return false;
}

static bool serve(void *context, struct error *error)
{
	(void)context;
	*error = follow_stand.unserved;
	return error->kind == ERROR_NONE;
}

/* ---- topics ---- */

void follow_produce(const char *topic, struct text key, struct text value)
{
	mock_append(&follow_stand.mock, topic, key, value);
}

void follow_deny_reading(size_t count)
{
	static const int16_t fetch = 1; /* Kafka's number of that request */
	follow_stand.is_denied = true;
	for (size_t i = 0; i < count; i++)
		rd_kafka_mock_push_request_errors(follow_stand.mock.cluster, fetch, 1,
						  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

void follow_carry(void)
{
	for (; follow_stand.carried < follow_stand.control.control_count; follow_stand.carried++) {
		const struct keeper_record *record = &follow_stand.control.control[follow_stand.carried];
		follow_produce(CONTROL, record->key, record->value);
	}
}

void follow_beat(void)
{
	const struct control_keeper record = {
		.namespace = TEXT("default"), .epoch = 1, .keeper = TEXT("engine-1"), .time_ms = time_of_day_ms()};
	follow_produce(STATUS, KEEPER_KEY, control_encode(&follow_stand.control, &keeper_form, &record));
}

void follow_propose(struct proposal_item item)
{
	follow_stand.control.now_ms = time_of_day_ms() - follow_stand.behind_ms;
	const struct control_verdict *verdict = control_ask(&follow_stand.control, (struct proposal){.items = {1, &item}});
	assert_non_null(verdict);
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	follow_carry();
}

void follow_apply(const char *name, int64_t expected, const char *yaml)
{
	follow_propose((struct proposal_item){
		.kind = TEXT("Pipeline"), .name = text_of(name), .document = text_of(yaml), .expected = expected});
}

/* A reader ends with its first error. Another one reads from the beginning: the newest records count. */
static void status_read_again(void)
{
	struct error error = {0};
	reader_close(follow_stand.status);
	follow_stand.status = reader_open(&follow_stand.status_config, &error);
	assert_non_null(follow_stand.status);
}

void follow_read_status(void)
{
	struct error error = {0};
	struct record record;
	while (reader_next(follow_stand.status, 0, &record, &error) && record.held) {
		const struct text value = text_copied(follow_stand.arena, record.value);
		if (record_schema(value) == record_fingerprint(&conditions_form))
			assert_true(record_decode(&conditions_form, value, follow_stand.arena, &follow_stand.conditions, &error));
		if (record_schema(value) == record_fingerprint(&report_form)) {
			assert_true(record_decode(&report_form, value, follow_stand.arena, &follow_stand.report, &error));
			follow_stand.control.now_ms = time_of_day_ms() - follow_stand.behind_ms;
			if (follow_stand.is_reporting)
				control_report(&follow_stand.control, follow_stand.report);
			follow_carry();
		}
		record_release(&record);
	}
	assert_true(error.kind == ERROR_NONE || follow_stand.is_denied);
	if (error.kind != ERROR_NONE)
		status_read_again();
}

/* ---- the stand ---- */

static void scene_begin(void)
{
	follow_stand.end_ms = loop_now_ms(follow_stand.loop) + WAIT_MS;
	if (follow_stand.scene->what && follow_stand.scene->act)
		follow_stand.scene->act();
}

static void on_tick(void *context)
{
	struct error error = {0};
	int64_t now_ms = loop_now_ms(follow_stand.loop);
	(void)context;
	follow_stand.turns += atomic_load(&follow_stand.is_compiling);
	follow_read_status();
	if (follow_stand.scene->until()) {
		follow_stand.scene++;
		scene_begin();
	}
	if (!follow_stand.scene->what || now_ms >= follow_stand.end_ms)
		engine_stop(follow_stand.engine);
	else
		assert_true(loop_timer_set(follow_stand.loop, &follow_stand.timer, now_ms + TICK_MS, &error));
}

void follow_play(const struct scene *scenes)
{
	struct error error = {0};
	const struct control_documents none = {0};
	struct revision *revision = compile(NULL, &none, &error);
	assert_non_null(revision);
	follow_stand.engine = engine_open(revision, &follow_stand.config, &error);
	assert_non_null(follow_stand.engine);
	if (follow_stand.topics_config.every_ms > 0)
		follow_stand.topics = topic_watch_open(&follow_stand.topics_config, follow_stand.engine, &error);
	follow_stand.follower_config.topics = follow_stand.topics;
	follow_stand.follower = follower_open(&follow_stand.follower_config, &error);
	if (!follow_stand.follower)
		fail_msg("%s", error.text);
	assert_true(follower_start(follow_stand.follower, follow_stand.engine, &error));
	follow_stand.scene = scenes;
	scene_begin();
	assert_true(loop_timer_set(follow_stand.loop, &follow_stand.timer, loop_now_ms(follow_stand.loop), &error));
	bool good = engine_run(follow_stand.engine, &error);
	follower_close(follow_stand.follower);
	if (follow_stand.closing)
		follow_stand.closing();
	topic_watch_close(follow_stand.topics);
	engine_close(follow_stand.engine);
	if (!good || follow_stand.scene->what)
		fail_msg("%s: did not come; %s; said:\n%s", follow_stand.scene->what, error.text, said.bytes ? said.bytes : "");
}

int follow_open(void **state)
{
	struct error error = {0};
	(void)state;
	follow_stand = (struct follow_stand){.arena = arena_open((size_t)256 << 20), .is_reporting = true};
	buffer_open(&said, (size_t)16 << 20);
	control_open(&follow_stand.control);
	follow_stand.control.now_ms = time_of_day_ms() - KEEPER_SILENT_MS; /* a new keeper does not activate before */
	mock_open(&follow_stand.mock);
	follow_stand.loop = loop_open(&error);
	topic_make(CONTROL);
	topic_make(STATUS);
	const char *brokers = follow_stand.mock.brokers;
	control_keeper_start(&follow_stand.control);
	follow_carry();
	follow_stand.config = (struct engine_config){.brokers = brokers,
						     .instance = "one",
						     .consumer = embedded_consumer_settings,
						     .producer = embedded_producer_settings,
						     .kinds = step_kinds,
						     .workers = 1,
						     .memory_bytes = (size_t)64 << 20,
						     .state_bytes = (size_t)16 << 20,
						     .partitions = 1,
						     .at_least_once = true,
						     .drain_ms = 2000,
						     .log = &sink,
						     .loop = follow_stand.loop};
	follow_stand.follower_config = (struct follower_config){.brokers = follow_stand.config.brokers,
								.consumer = embedded_consumer_settings,
								.producer = embedded_producer_settings,
								.namespace = "default",
								.engine = "one",
								.control = CONTROL,
								.status = STATUS,
								.log = &sink,
								.names = follow_stand.arena,
								.work = {compile, give_up, activate, serve, NULL, NULL},
								.state = &follow_stand.state};
	follow_stand.topics_config = (struct topic_watch_config){
		.brokers = follow_stand.config.brokers, .properties = embedded_producer_settings, .log = &sink};
	follow_stand.timer = (struct loop_timer){.due = on_tick};
	follow_stand.status_config =
		(struct reader_config){.brokers = follow_stand.config.brokers, .topic = STATUS, .from_beginning = true};
	follow_stand.status = reader_open(&follow_stand.status_config, &error);
	assert_non_null(follow_stand.status);
	return 0;
}

int follow_close(void **state)
{
	(void)state;
	reader_close(follow_stand.status);
	loop_close(follow_stand.loop);
	mock_close(&follow_stand.mock);
	control_close(&follow_stand.control);
	buffer_close(&said);
	arena_close(follow_stand.arena);
	return 0;
}
