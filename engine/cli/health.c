/* health.c: `sluice health`: whether one engine is well, as it says itself; for the health
 * checks of containers. */
#include "base/clock.h"
#include "cli/kafka.h"
#include "log/reader.h"
#include "message/json_write.h"
#include "observe/status.h"

#define HEALTH_TEXT_MAX 4096
#define LOOK_MS 100

struct health_options {
	struct door_asked asked;
	const char *instance;
	int form;
};

static const struct option options[] = {
	DOOR_STATUS_FILES_ROW(struct health_options, asked),
	DOOR_ROWS(struct health_options, asked),
	ROW("instance", TEXT, struct health_options, instance,
	    .help = "The engine's name, as `sluice run --instance` has it; default: the name of this host."),
	COMMAND_FORM(health_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_health;

/* What the engine has said since we listen: each pipeline once. */
struct heard {
	const char *instance;
	struct text first; /* the pipeline of which it spoke first; when it comes again, all have been told */
	bool whole;
	size_t pipelines, ready, failing;
	struct text waiting, why;	   /* one that is not ready */
	struct text failing_one, reason; /* one whose results are errors */
};

static bool take(struct heard *heard, struct text json, struct arena *arena, struct error *error)
{
	struct status status;
	struct error strange = {0};
	const char *kept = arena_copy(arena, json.bytes, json.length);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "reading the status");
	if (!status_read((struct text){kept, json.length}, arena, &status, &strange) ||
	    !text_equal(status.instance, text_of(heard->instance)) || time_of_day_ms() - status.at_ms > STATUS_STALE_MS)
		return true;
	heard->whole = heard->pipelines > 0 && text_equal(status.pipeline, heard->first);
	if (heard->whole)
		return true;
	if (heard->pipelines++ == 0)
		heard->first = status.pipeline;
	if (text_is(status.state, "failing")) {
		heard->failing++;
		heard->failing_one = status.pipeline, heard->reason = status.why;
	}
	if (status.ready)
		heard->ready++;
	else
		heard->waiting = status.pipeline, heard->why = status.why;
	return true;
}

/* An engine speaks of all its pipelines each second: who has said nothing for as long as a
 * status holds is not well. */
static bool listen(struct heard *heard, const struct door *door, struct arena *arena, struct error *error)
{
	const struct reader_config config = {
		.brokers = door->kafka.brokers, .topic = door->status, .properties = door->kafka.consumer};
	struct reader *reader = reader_open(&config, error);
	int64_t until_ns = clock_ns() + (int64_t)STATUS_STALE_MS * NS_PER_MS;
	bool good = reader;
	while (good && !heard->whole && clock_ns() < until_ns) {
		struct record record;
		good = reader_next(reader, LOOK_MS, &record, error);
		if (!good || !record.held)
			continue;
		good = take(heard, record.value, arena, error);
		record_release(&record);
	}
	reader_close(reader);
	return good;
}

static bool is_well(const struct heard *heard)
{
	return heard->pipelines > 0 && heard->ready == heard->pipelines;
}

static int say_json(struct session *session, const struct heard *heard)
{
	struct buffer text;
	buffer_open(&text, HEALTH_TEXT_MAX);
	buffer_print(&text, "{\"instance\":");
	json_write_string(&text, text_of(heard->instance));
	buffer_print(&text, ",\"well\":%s,\"pipelines\":%zu,\"ready\":%zu,\"failing\":%zu}\n", is_well(heard) ? "true" : "false",
		     heard->pipelines, heard->ready, heard->failing);
	return command_write(session, &text);
}

static int say(struct session *session, const struct heard *heard, const struct door *door, int form)
{
	int code = is_well(heard) ? EXIT_GOOD : EXIT_FAULTS;
	if (form == OUTPUT_JSON)
		return say_json(session, heard) == EXIT_GOOD ? code : EXIT_FAULTS;
	if (heard->pipelines == 0)
		command_note(session, "%s has said nothing on %s for %d ms; is it running, and under this name?", heard->instance,
			     door->status, STATUS_STALE_MS);
	else if (!is_well(heard))
		command_note(session, "%s: %zu of %zu pipelines are not ready; " TEXT_FORMAT ": " TEXT_FORMAT, heard->instance,
			     heard->pipelines - heard->ready, heard->pipelines, TEXT_ARGUMENTS(heard->waiting),
			     TEXT_ARGUMENTS(heard->why));
	else
		fprintf(session->out, "%s is well: %zu of %zu pipelines ready\n", heard->instance, heard->ready, heard->pipelines);
	if (heard->failing > 0)
		command_note(session, "%s: %zu of %zu pipelines are failing; " TEXT_FORMAT ": " TEXT_FORMAT, heard->instance,
			     heard->failing, heard->pipelines, TEXT_ARGUMENTS(heard->failing_one), TEXT_ARGUMENTS(heard->reason));
	return code;
}

static int run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct health_options *self = filled;
	struct error error = {0};
	struct door door = {0};
	struct heard heard = {.instance = engine_name(self->instance, session->arena, &error)};
	(void)arguments, (void)count;
	int code;
	if (!heard.instance || !door_open(session, &self->asked, NULL, &door, &error))
		code = command_refused(session, &command_health, &error);
	else if (!listen(&heard, &door, session->arena, &error))
		code = command_failed(session, &error);
	else
		code = say(session, &heard, &door, self->form);
	door_close(&door);
	return code;
}

const struct command command_health = {
	.name = "health",
	.summary = "Says whether one engine is well: for the health checks of containers.",
	.help = "An engine says each second how its pipelines are, on the status topic of its namespace. This listens until the "
		"engine of that name has spoken, and ends with 0 when all its pipelines are ready; with 1 when one is not, or when "
		"it has said nothing for three seconds. What it waits for is told on standard error. A pipeline whose results are "
		"all errors is named there too, and does not make the engine unwell: a restart would not help it.\n"
		"\n"
		"  sluice health --brokers localhost:9092 --instance engine-1\n",
	.options = options,
	.options_size = sizeof(struct health_options),
	.group = "run",
	.run = run,
};
