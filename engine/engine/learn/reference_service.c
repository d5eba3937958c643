/* reference_service.c: see reference_service.h. All but `thread` belongs to the thread. */
#include "engine/learn/reference_service.h"

#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/memory.h"
#include "kafka/consume/reader.h"
#include "kafka/topics/schema_lookup.h"
#include "message/records/record_payload.h"
#include "message/rows.h"
#include "observe/repeated_failure.h"
#include "compiler/plan/plan.h"
#include "engine/run/service_thread.h"

#define LEARNING_BYTES ((size_t)256 << 20) /* of one step: categories, and the file */
#define TURN_MS 100

struct reference_service {
	struct reference_service_config config;
	struct service_thread thread;
	struct error last_logged; /* last failure that was logged: the same one is not logged again */
};

/* A topic that is being learnt from. */
struct reference_learning {
	struct reference_service *service;
	const struct graph_step *step;
	const char *topic;
	size_t background_rows; /* that are learnt of the newest requests; 0: it is a reference */
	struct schema_lookup asker;
	struct reader *reader;
	int64_t time_ms; /* of the event that was read last */
	struct text origin; /* of its record, in the arena of its message */
	uint64_t left_out, refused;
	bool is_news; /* what was learnt: of a topic with few requests, as of a new pipeline, nothing is logged */
	struct error why; /* of the first that was left out, or refused */
};

/* ---- steps ---- */

/* Whether the board lacks what the step has to learn, which is set in `learning`. */
static bool learning_find(const struct reference_service_config *config, size_t step, struct reference_learning *learning)
{
	struct verdict_entry *entry;
	struct text file;
	learning->step = &config->graph->steps[step];
	learning->background_rows = config->requests ? graph_background_rows(config->graph, learning->step) : 0;
	learning->topic = learning->background_rows	? config->requests
			  : config->has_observers ? graph_reference_topic(learning->step)
						  : NULL;
	if (!learning->topic)
		return false;
	entry = verdict_board_entry(config->board, config->graph->name, learning->step->name);
	return !entry || !(learning->background_rows ? verdict_entry_has_background(entry)
						     : verdict_entry_learnt(entry, learning->topic, &file));
}

bool reference_service_is_needed(const struct reference_service_config *config)
{
	struct reference_learning learning;
	for (size_t i = 0; i < config->graph->count; i++)
		if (learning_find(config, i, &learning))
			return true;
	return false;
}

/* ---- messages ---- */

static void learning_rewind(void *context)
{
	(void)context; /* it is gone through once */
}

static void reason_keep(struct reference_learning *learning, const struct error *error)
{
	if (learning->why.kind == ERROR_NONE)
		learning->why = *error;
}

/* The payload of a record. False without an error: it cannot be read. */
static bool record_decode(struct reference_learning *learning, const struct record *record, struct arena *arena,
			  struct payload *payload, struct error *error)
{
	const struct mapping *mapping = learning->service->config.graph->mapping;
	struct record_payload made;
	struct error wrong = {0};
	for (;;) {
		struct headers headers;
		const struct text value = text_copied(arena, record->value);
		if (!record_headers(record, arena, &headers, &wrong))
			break;
		headers = headers_copied(arena, headers);
		if (arena_failed(arena))
			return error_memory(error, ERROR_SYSTEM, "learning a reference");
		if (record_payload_decode(headers, value, record->time_ms, mapping, schema_lookup_source(&learning->asker), arena,
					  &made, &wrong)) {
			*payload = made.payload;
			learning->time_ms = made.time_ms;
			return true;
		}
		if (!schema_lookup_again(&learning->asker, &wrong))
			break;
		arena_reset(arena);
		wrong = (struct error){0};
	}
	if (wrong.kind == ERROR_SYSTEM)
		return error_set(error, wrong.kind, wrong.place, "%s", wrong.text);
	learning->left_out++;
	reason_keep(learning, &wrong);
	arena_reset(arena);
	return false;
}

static bool learning_next(void *context, struct arena *arena, struct payload *payload, struct error *error)
{
	struct reference_learning *learning = context;
	struct record record = {0};
	bool good = false;
	while (!good && error->kind == ERROR_NONE) {
		if (service_thread_is_stopping(&learning->service->thread))
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the engine ends");
		if (!reader_next(learning->reader, TURN_MS, &record, error))
			return false;
		if (!record.held && reader_is_at_end(learning->reader))
			return false;
		if (!record.held)
			continue;
		if (learning->background_rows && record.offset >= reader_end_of(learning->reader, record.partition)) {
			record_release(&record); /* written since: a topic that is written to all the time has no other end */
			return false;
		}
		good = record_decode(learning, &record, arena, payload, error);
		learning->origin = origin_text(&(struct origin){text_of(learning->topic), record.partition, record.offset}, arena);
		record_release(&record);
	}
	return good;
}

static bool learning_refused(void *context, const struct tensor *texts, struct error *error)
{
	struct reference_learning *learning = context;
	(void)texts;
	learning->refused++;
	reason_keep(learning, error);
	return true;
}

static int64_t learning_time_ms(void *context)
{
	const struct reference_learning *learning = context;
	return learning->time_ms;
}

static struct fit_name learning_name(void *context)
{
	const struct reference_learning *learning = context;
	return (struct fit_name){.origin = learning->origin};
}

/* ---- learning ---- */

static const char *learnt_name(const struct reference_learning *learning)
{
	return learning->background_rows ? "background" : "reference";
}

static void learnt_say(const struct reference_learning *learning)
{
	const struct log_sink *log = learning->service->config.log;
	const struct log_fields fields = {.pipeline = learning->service->config.graph->name, .step = learning->step->name};
	const uint64_t without = learning->left_out + learning->refused;
	if (without > 0)
		log_say(log, LOG_LEVEL_WARN, &fields,
			"the %s was learnt from topic %s without %" PRIu64 " records that cannot be used; the first: %s",
			learnt_name(learning), learning->topic, without, learning->why.text);
	else
		log_say(log, LOG_LEVEL_INFO, &fields, "the %s was learnt from topic %s", learnt_name(learning), learning->topic);
}

static struct verdict_entry *entry_of(const struct reference_service *service, const struct graph_step *step)
{
	return verdict_board_entry(service->config.board, service->config.graph->name, step->name);
}

/* Puts what was written to the file on the board. */
static bool file_keep(struct reference_learning *learning, struct step *step, const struct fit_source *source,
		      struct buffer *file, struct error *error)
{
	struct verdict_entry *entry = entry_of(learning->service, learning->step);
	bool enough = true;
	const bool good = learning->background_rows ? step->kind->learns->background(step, source, file, &enough, error)
						    : step->kind->learns->fit(step, source, file, error);
	if (!good)
		return false;
	const struct text made = buffer_view(file);
	const bool kept = entry && (learning->background_rows ? verdict_entry_set_background(entry, made, enough)
							      : verdict_entry_learn(entry, learning->topic, made));
	learning->is_news = enough || learning->left_out + learning->refused > 0;
	return kept || error_memory(error, ERROR_SYSTEM, "learning a reference");
}

static bool file_learn(struct reference_learning *learning, struct arena *arena, struct buffer *file, struct error *error)
{
	const struct graph *graph = learning->service->config.graph;
	const struct step_spec *spec = learning->step->spec;
	/* The times of records are when the topic was filled, perhaps all at once; those of events say how fast they came. */
	const bool timed = mapping_time_path(graph->mapping).bytes;
	const struct fit_source source = {.context = learning,
					  .passes_once = true,
					  .rewind = learning_rewind,
					  .next = learning_next,
					  .refused = learning_refused,
					  .time_ms = timed ? learning_time_ms : NULL,
					  .name = learning_name,
					  .rows_most = learning->background_rows ? learning->background_rows : REFERENCE_ROWS_MAX};
	struct step step = {.kind = spec->kind,
			    .name = learning->step->name,
			    .pipeline = graph->name,
			    .options = spec->options,
			    .place = spec->here,
			    .explained = learning->step->explained,
			    .arena = arena};
	return file_keep(learning, &step, &source, file, error);
}

static bool topic_learn(struct reference_learning *learning, struct error *error)
{
	struct reference_service *service = learning->service;
	const struct reader_config config = {.brokers = service->config.brokers,
					     .topic = learning->topic,
					     .from_beginning = learning->background_rows == 0,
					     .newest = (int64_t)learning->background_rows,
					     .by_time = true,
					     .stopping = &service->thread.stopping,
					     .properties = service->config.consumer};
	struct arena *arena = arena_open(LEARNING_BYTES);
	struct buffer file;
	buffer_open(&file, LEARNING_BYTES);
	bool good = arena || error_memory(error, ERROR_SYSTEM, "learning a reference");
	good = good && schema_lookup_open(&learning->asker, service->config.registry, error);
	good = good && (learning->reader = reader_open(&config, error)) && file_learn(learning, arena, &file, error);
	reader_close(learning->reader);
	schema_lookup_close(&learning->asker);
	buffer_close(&file);
	arena_close(arena);
	return good;
}

/* For those that look at the state of the pipeline now. */
static void failure_note(struct reference_service *service, const struct reference_learning *learning, const struct error *error)
{
	struct verdict_entry *entry = entry_of(service, learning->step);
	if (entry && !service_thread_is_stopping(&service->thread))
		verdict_entry_note_unlearnt(entry, learning->topic, error->text);
}

static void references_log_failure(struct reference_service *service, const struct reference_learning *learning,
				   const struct error *error)
{
	if (service_thread_is_stopping(&service->thread) || !failure_is_news(&service->last_logged, error))
		return;
	const struct log_fields fields = {.pipeline = service->config.graph->name, .step = learning->step->name};
	log_say(service->config.log, LOG_LEVEL_WARN, &fields, "no %s can be learnt from topic %s, so %s: %s; it tries again",
		learnt_name(learning), learning->topic,
		learning->background_rows ? "the first requests are not explained" : "the verdict stays `learning`", error->text);
}

/* Learns what is not learnt yet. Whether all is. */
static bool steps_learn(struct reference_service *service)
{
	const struct graph *graph = service->config.graph;
	bool all = true;
	for (size_t i = 0; i < graph->count && !service_thread_is_stopping(&service->thread); i++) {
		struct reference_learning learning = {.service = service};
		struct error error = {0};
		if (!learning_find(&service->config, i, &learning))
			continue;
		if (topic_learn(&learning, &error)) {
			if (learning.is_news)
				learnt_say(&learning);
			continue;
		}
		failure_note(service, &learning, &error);
		references_log_failure(service, &learning, &error);
		all = false;
	}
	return all;
}

/* ---- the thread ---- */

/* What is not tried any more fails no more. */
static void notes_end(struct reference_service *service)
{
	const struct graph *graph = service->config.graph;
	for (size_t i = 0; i < graph->count; i++) {
		const struct graph_step *step = &graph->steps[i];
		const bool learns = step->explained || graph_reference_topic(step);
		struct verdict_entry *entry = learns ? entry_of(service, step) : NULL;
		if (entry)
			verdict_entry_note_unlearnt(entry, NULL, NULL);
	}
}

static void *references_run(void *context)
{
	struct reference_service *service = context;
	const int64_t retry_ms = service->config.retry_ms ? service->config.retry_ms : REFERENCE_RETRY_MS;
	while (!service_thread_is_stopping(&service->thread) && !steps_learn(service))
		service_thread_rest(&service->thread, retry_ms);
	notes_end(service);
	service_thread_end(&service->thread);
	return NULL;
}

struct reference_service *reference_service_open(const struct reference_service_config *config, struct error *error)
{
	assert(config->brokers && config->graph && config->board);
	struct reference_service *service = memory_take(1, sizeof *service);
	if (service) {
		service->config = *config;
		if (service_thread_begin(&service->thread, references_run, service))
			return service;
	}
	error_set(error, ERROR_SYSTEM, PLACE_NONE,
		  "a thread for the references of `%s` could not be started; raise the limits on threads and memory",
		  config->graph->name);
	memory_give(service);
	return NULL;
}

void reference_service_stop(struct reference_service *service)
{
	service_thread_stop(&service->thread);
}

bool reference_service_has_ended(const struct reference_service *service)
{
	return service_thread_has_ended(&service->thread);
}

void reference_service_close(struct reference_service *service)
{
	if (!service)
		return;
	service_thread_join(&service->thread);
	memory_give(service);
}
