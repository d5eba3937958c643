/* feedback.c: `sluice feedback`: writes what became of answers to a pipeline's feedback topic. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/number/moment.h"
#include "base/number/number.h"
#include "kafka/produce/sender.h"
#include "message/records/feedback.h"
#include "tools/cli/command.h"
#include "tools/client/kafka.h"
#include "tools/view/refused_lines.h"

/* ---- sending ---- */

struct feedback_sender {		      /* starts with the first three */
	const struct pipeline_target *target; /* with a feedback topic; borrowed */
	int64_t timeout_ms;		      /* within which Kafka acknowledges a record */
	struct refused_lines refused;	      /* with a workspace */
	bool was_opened;		      /* there was a connection to Kafka, and the count is known */
	uint64_t acknowledged;
	struct sender *sender;
	struct arena *arena; /* of one record */
	struct buffer record;
	uint64_t line; /* 0: the feedback has none */
};

#define LINE_ARENA_BYTES ((size_t)64 << 20)
#define SETTLE_MS 250

static void feedback_sender_on_refused(void *context, uint64_t line, const char *reason)
{
	struct feedback_sender *self = context;
	refused_lines_add(&self->refused, line, reason);
}

/* Its time is now, unless it has one. */
static bool record_send(struct feedback_sender *self, struct feedback *feedback, struct error *error)
{
	const int64_t now_ms = time_of_day_ms();
	if (feedback->time_ms == 0)
		feedback->time_ms = now_ms;
	buffer_clear(&self->record);
	if (!feedback_check(feedback, now_ms, error) || !feedback_encode(feedback, &self->record, error))
		return false;
	const struct outgoing record = {.key = feedback_key(feedback, self->arena), .value = buffer_view(&self->record)};
	return sender_send(self->sender, &record, self->line, error);
}

/* Reports the refusal of a record; false: nothing more can be produced. */
static bool refusal_report(struct feedback_sender *self, const struct error *wrong, struct error *error)
{
	if (wrong->kind == ERROR_SYSTEM)
		*error = *wrong;
	else
		feedback_sender_on_refused(self, self->line, wrong->text);
	return wrong->kind != ERROR_SYSTEM;
}

static bool line_send(struct feedback_sender *self, struct text line, struct error *error)
{
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(self->arena);
	return (feedback_read(line, self->arena, &feedback, &wrong) && record_send(self, &feedback, &wrong)) ||
	       refusal_report(self, &wrong, error);
}

static bool lines_send(struct feedback_sender *self, FILE *from, struct error *error)
{
	char *bytes = NULL;
	size_t size = 0;
	ssize_t length;
	bool good = true;
	while (good && (length = getline(&bytes, &size, from)) >= 0) {
		const struct text line = text_trimmed((struct text){bytes, (size_t)length}, " \t\r\n");
		self->line++;
		if (line.length > 0)
			good = line_send(self, line, error);
	}
	free(bytes);
	return good && (!ferror(from) || error_set(error, ERROR_SYSTEM, PLACE_NONE,
						   "the feedback could be read only up to line %" PRIu64, self->line));
}

/* Sends the lines of a file, or one feedback (the other is NULL), and waits until Kafka has acknowledged or refused each.
 * Feedback without a time has the present one. False: nothing more can be sent. */
static bool feedback_sender_run(struct feedback_sender *self, FILE *lines, struct feedback *feedback, struct error *error)
{
	const struct sender_config config = {
		.brokers = self->target->kafka.brokers,
		.topic = self->target->feedback,
		.timeout_ms = self->timeout_ms,
		.properties = self->target->kafka.producer,
		.refused = feedback_sender_on_refused,
		.context = self,
	};
	struct error wrong = {0};
	assert(!lines == !!feedback);
	self->arena = arena_open(LINE_ARENA_BYTES);
	buffer_open(&self->record, FEEDBACK_BYTES_MAX);
	bool good = self->arena || error_memory(error, ERROR_SYSTEM, "reading feedback");
	self->sender = good ? sender_open(&config, error) : NULL;
	self->was_opened = self->sender;
	if (self->sender) {
		good = lines ? lines_send(self, lines, error)
			     : record_send(self, feedback, &wrong) || refusal_report(self, &wrong, error);
		while (!sender_settled(self->sender, SETTLE_MS))
			;
		self->acknowledged = sender_acknowledged(self->sender);
		refused_lines_sum(&self->refused);
	}
	good = good && self->sender;
	sender_close(self->sender);
	buffer_close(&self->record);
	arena_close(self->arena);
	return good;
}

struct feedback_options {
	struct pipeline_target_asked asked;
	const char *lines;
	const char *id;
	const char *origin;
	const char *unit;
	const char *experiment;
	const char *feedback_id;
	const char *reward;
	struct name_list metrics;
	const char *truth;
	const char *time;
	int64_t timeout_ns;
	int form;
};

static const struct option options[] = {
	ROW("file", TEXT, struct feedback_options, lines, .letter = 'f',
	    .help = "Feedback, a JSON object in each line (`-`: from standard input)."),
	ROW("id", TEXT, struct feedback_options, id, .help = "The id of the request."),
	ROW("origin", TEXT, struct feedback_options, origin, .word = "TOPIC-PARTITION-OFFSET",
	    .help = "The position of the request, as its exposure has it."),
	ROW("unit", TEXT, struct feedback_options, unit, .help = "The unit of the experiment: a customer, for example."),
	ROW("experiment", TEXT, struct feedback_options, experiment, .word = "NAME",
	    .help = "The experiment that it is for; default: each experiment of the pipeline that chose for the request or the "
		    "unit."),
	ROW("feedback-id", TEXT, struct feedback_options, feedback_id, .word = "ID",
	    .help = "An id of this feedback: the same one twice counts once."),
	ROW("reward", TEXT, struct feedback_options, reward, .word = "NUMBER", .help = "The reward."),
	ROW("metric", NAMES, struct feedback_options, metrics, .word = "NAME=VALUE", .help = "Another number by its name."),
	ROW("truth", TEXT, struct feedback_options, truth, .word = "JSON",
	    .help = "What the answer should have been: a value, a list, or an object of lists."),
	ROW("time", TEXT, struct feedback_options, time,
	    .help = "When it happened: 2026-01-31T09:30:00Z, or milliseconds since 1970; default: now."),
	ROW("pipelines", NAMES, struct feedback_options, asked.files, .help = PIPELINE_TARGET_FILES_HELP),
	PIPELINE_TARGET_ROWS(struct feedback_options, asked),
	ROW("timeout", DURATION, struct feedback_options, timeout_ns, .word = "TIME", .fallback = "30s",
	    .help = "How long Kafka may take to acknowledge a record before it counts as refused."),
	COMMAND_FORM(feedback_options, form, "text json"),
	{.type = OPTION_END},
};

/* ---- feedback of the command line ---- */

static bool number_read(const char *option, const char *name, struct text text, double *number, struct error *error)
{
	return number_read_double(text, number) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "--%s%s%s is `" TEXT_FORMAT "`, and must be a finite number", option,
			 *name ? " " : "", name, TEXT_ARGUMENTS(text));
}

static bool metrics_read(const struct feedback_options *self, struct arena *arena, struct feedback *feedback, struct error *error)
{
	struct feedback_metric *metrics = ARENA_ARRAY(arena, struct feedback_metric, self->metrics.count + 1);
	if (!metrics)
		return error_memory(error, ERROR_SYSTEM, "reading metrics");
	feedback->metrics = metrics;
	for (size_t i = 0; i < self->metrics.count; i++) {
		const char *metric = self->metrics.items[i].text, *sign = strchr(metric, '=');
		const char *name = sign ? arena_copy(arena, metric, (size_t)(sign - metric)) : NULL;
		if (!sign)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "--metric is `%s`; write NAME=VALUE, such as profit=3.5",
					 metric);
		if (!name)
			return error_memory(error, ERROR_SYSTEM, "reading metrics");
		metrics[i].name = text_of(name);
		if (!number_read("metric", name, text_of(sign + 1), &metrics[i].value, error))
			return false;
		feedback->metric_count++;
	}
	return true;
}

static bool truth_read(const struct feedback_options *self, struct arena *arena, struct feedback *feedback, struct error *error)
{
	struct feedback read;
	const char *json = self->truth ? arena_print(arena, "{\"truth\":%s}", self->truth) : NULL;
	if (!self->truth)
		return true;
	if (!json)
		return error_memory(error, ERROR_SYSTEM, "reading the truth");
	if (!feedback_read(text_of(json), arena, &read, error))
		return false;
	feedback->truth = read.truth;
	return true;
}

static bool time_read(const char *text, int64_t *ms, struct error *error)
{
	return !text || number_read_int64(text_of(text), ms) || moment_read(text_of(text), ms) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "--time is `%s`; write it as 2026-01-31T09:30:00Z, or as milliseconds since 1970", text);
}

static bool options_read(const struct feedback_options *self, struct arena *arena, struct feedback *feedback, struct error *error)
{
	*feedback = (struct feedback){.id = text_of(self->id),
				      .unit = text_of(self->unit),
				      .experiment = text_of(self->experiment),
				      .feedback_id = text_of(self->feedback_id),
				      .has_reward = self->reward != NULL};
	if (self->origin && !feedback_read_origin(text_of(self->origin), &feedback->origin))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--origin is `%s`; write TOPIC-PARTITION-OFFSET, such as orders-0-17", self->origin);
	return (!self->reward || number_read("reward", "", text_of(self->reward), &feedback->reward, error)) &&
	       metrics_read(self, arena, feedback, error) && truth_read(self, arena, feedback, error) &&
	       time_read(self->time, &feedback->time_ms, error);
}

static bool has_feedback_options(const struct feedback_options *self)
{
	return self->id || self->origin || self->unit || self->experiment || self->feedback_id || self->reward ||
	       self->metrics.count > 0 || self->truth || self->time;
}

/* ---- the command ---- */

static bool feedback_send(struct session *session, const struct feedback_options *self, const char *pipeline, FILE *lines,
			  uint64_t *refused, struct error *error)
{
	struct feedback feedback = {0};
	struct pipeline_target target = {0};
	struct feedback_sender sender = {.target = &target,
					 .timeout_ms = self->timeout_ns / NS_PER_MS,
					 .refused = {.workspace = command_workspace(session)}};
	bool good = lines ||
		    (options_read(self, session->arena, &feedback, error) && feedback_check(&feedback, time_of_day_ms(), error));
	good = good && pipeline_target_open(command_workspace(session), &self->asked, pipeline, &target, error) &&
	       pipeline_target_see_feedback(&target, pipeline, error) &&
	       feedback_sender_run(&sender, lines, lines ? NULL : &feedback, error);
	if (sender.was_opened)
		command_sent(session, (enum output_form)self->form, target.feedback, sender.acknowledged, sender.refused.count);
	pipeline_target_close(&target);
	*refused = sender.refused.count;
	return good;
}

static int feedback_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct feedback_options *self = filled;
	struct error error = {0};
	uint64_t refused;
	(void)count;
	if (strchr(arguments[0], '.'))
		return command_misuse(session, "feedback is for a pipeline, and `%s` is one of its steps", arguments[0]);
	if (self->lines && has_feedback_options(self))
		return command_misuse(session, "feedback comes from --file or from other options, not from both");
	const bool standard = self->lines && strcmp(self->lines, "-") == 0;
	FILE *from = !self->lines ? NULL : standard ? stdin : fopen(self->lines, "r");
	if (self->lines && !from)
		return command_misuse(session, "%s cannot be read: %s", self->lines, strerror(errno));
	bool good = feedback_send(session, self, arguments[0], from, &refused, &error);
	if (from && !standard)
		fclose(from);
	if (!good)
		return command_refused(session, &error);
	return refused == 0 ? EXIT_GOOD : EXIT_FAULTS;
}

const struct command command_feedback = {
	.name = "feedback",
	.arguments = "PIPELINE",
	.summary = "Writes the outcomes of answers, such as rewards, as feedback.",
	.help = "Feedback names a request by its id or its origin, or a unit of an experiment, and has a reward, other numbers, or "
		"the truth. Bandits choose for each request, so what a unit earns is of its last request before. It may "
		"come minutes or days after the answer. Options give one; a file gives one in each line, a JSON "
		"object with the members id, origin, unit, experiment, feedback_id, time (or time_ms), reward, metrics (an object) "
		"and truth. Ids are texts; a unit may be a number. The command waits until Kafka has acknowledged each record. If "
		"feedback is refused, the exit code is 1. The command prints the line numbers of the first 20, and then only how "
		"many were refused for each reason. Only pipelines with an experiment, with metrics of truth or reward, or with a "
		"drift step whose estimate has an outcomeWindow have a topic of feedback.\n"
		"\n"
		"  sluice feedback orders --id r-17 --reward 1 --metric profit=3.25\n"
		"  sluice feedback orders -f outcomes.jsonl --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct feedback_options),
	.group = "run",
	.run = feedback_run,
};
