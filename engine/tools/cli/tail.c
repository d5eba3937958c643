/* tail.c: `sluice tail`: prints the answers of a pipeline, or the outcomes of its feedback, as they come. */
#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/client/kafka.h"
#include "kafka/consume/reader.h"
#include "compiler/expression/expression.h"
#include "tools/view/answer_view.h"
#include "tools/view/outcome_view.h"

#define RECORD_ARENA_BYTES ((size_t)1 << 30)
#define RECORD_TEXT_MAX ((size_t)1 << 30)
#define LOOK_MS 100
#define COUNT_MAX 1000000000000.0

enum tail_topic { TAIL_ANSWERS, TAIL_OUTCOMES };
enum tail_from { FROM_END, FROM_BEGINNING };

struct tail_options {
	struct pipeline_target_asked asked;
	int topic;
	const char *where;
	int from;
	int64_t count;
	int64_t idle_ns;
	int form;
};

static const struct option options[] = {
	ROW("file", NAMES, struct tail_options, asked.files, .letter = 'f', .help = PIPELINE_TARGET_FILES_HELP),
	PIPELINE_TARGET_ROWS(struct tail_options, asked),
	ROW("topic", CHOICE, struct tail_options, topic, .choices = "answers outcomes", .fallback = "answers",
	    .help = "What to show: the answers, or what became of them by feedback (`sluice schema outcome`)."),
	ROW("where", TEXT, struct tail_options, where, .help = "Shows only answers of which this expression is true."),
	ROW("from", CHOICE, struct tail_options, from, .choices = "end beginning", .fallback = "end",
	    .help = "Where to begin: with new answers, or with all that are in the topic."),
	ROW("count", INTEGER, struct tail_options, count, .least = 1, .most = COUNT_MAX, .help = "Ends after that many answers."),
	ROW("idle", DURATION, struct tail_options, idle_ns,
	    .help = "Ends when no answer has arrived for that long; default: never."),
	COMMAND_FORM(tail_options, form, "text json"),
	{.type = OPTION_END},
};

struct tailing {
	struct session *session;
	const struct tail_options *options;
	const struct expression *where; /* NULL: all */
	struct schema_lookup asker;
	struct arena *arena; /* of one record */
	struct buffer text;
	int64_t shown;
	uint64_t unjudged;
};

/* What cannot be judged, because it lacks a tensor that is asked for, is not shown. */
static bool is_wanted(struct tailing *tailing, const struct answer_view *view)
{
	const struct scope scope = {.message = &view->message, .payload = &view->answer.payload};
	struct error wrong = {0};
	bool holds = false;
	if (!tailing->where)
		return true;
	if (expression_judge(tailing->where, &scope, tailing->arena, &holds, &wrong))
		return holds;
	/* At once, since the command may be interrupted before its end. */
	if (tailing->unjudged++ == 0)
		command_note(tailing->session, "an answer for which --where fails is left out, and so are later ones: %s",
			     wrong.text);
	return false;
}

/* Leaves no text for an answer that is not wanted. */
static bool answer_print(struct tailing *tailing, const struct record *record, struct error *error)
{
	struct answer_view view;
	if (!answer_view_read(record, &tailing->asker, tailing->arena, &view, error))
		return false;
	if (is_wanted(tailing, &view))
		(tailing->options->form == OUTPUT_JSON ? answer_view_print_json : answer_view_print_text)(&view, &tailing->text);
	return true;
}

static bool outcome_print(struct tailing *tailing, const struct record *record, struct error *error)
{
	arena_reset(tailing->arena);
	return (tailing->options->form == OUTPUT_JSON ? outcome_view_print_json : outcome_view_print_text)(record, tailing->arena,
													    &tailing->text, error);
}

static bool tail_show(struct tailing *tailing, const struct record *record, struct error *error)
{
	buffer_clear(&tailing->text);
	if (!(tailing->options->topic == TAIL_OUTCOMES ? outcome_print : answer_print)(tailing, record, error))
		return false;
	if (buffer_failed(&tailing->text))
		return error_memory(error, ERROR_SYSTEM, "showing a record");
	if (tailing->text.length == 0)
		return true;
	tailing->shown++;
	fwrite(tailing->text.bytes, 1, tailing->text.length, tailing->session->out);
	return true;
}

static bool tail_follow(struct tailing *tailing, struct reader *reader, struct error *error)
{
	const struct tail_options *self = tailing->options;
	int64_t heard_ns = clock_ns();
	bool good = true;
	while (good && (self->count == 0 || tailing->shown < self->count)) {
		struct record record;
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		if (record.held) {
			heard_ns = clock_ns();
			good = tail_show(tailing, &record, error);
			record_release(&record);
		} else if (self->idle_ns > 0 && clock_ns() - heard_ns >= self->idle_ns) {
			break;
		}
		fflush(tailing->session->out);
		if (ferror(tailing->session->out))
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the output cannot be written; check where it goes");
	}
	return good;
}

/* NULL: there is none. */
static const char *tail_topic_name(const struct tailing *tailing, const struct pipeline_target *target, struct error *error)
{
	const bool shows_outcomes = tailing->options->topic == TAIL_OUTCOMES;
	const char *topic = shows_outcomes ? target->outcomes : target->outputs;
	if (!topic && shows_outcomes)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the pipeline has no outcomes: no bandits, rollout or metric of it needs feedback");
	else if (!topic)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "the pipeline has no output; name one of its steps, as in PIPELINE.STEP");
	return topic;
}

static bool tail(struct tailing *tailing, const struct pipeline_target *target, struct error *error)
{
	const struct reader_config config = {
		.brokers = target->kafka.brokers,
		.topic = tail_topic_name(tailing, target, error),
		.from_beginning = tailing->options->from == FROM_BEGINNING,
		.properties = target->kafka.consumer,
	};
	if (!config.topic)
		return false;
	tailing->arena = arena_open(RECORD_ARENA_BYTES);
	if (!tailing->arena)
		return error_memory(error, ERROR_SYSTEM, "reading records");
	struct reader *reader = reader_open(&config, error);
	buffer_open(&tailing->text, RECORD_TEXT_MAX);
	bool good = reader && schema_lookup_open(&tailing->asker, kafka_registry(&target->kafka), error) &&
		    tail_follow(tailing, reader, error);
	schema_lookup_close(&tailing->asker);
	buffer_close(&tailing->text);
	reader_close(reader);
	arena_close(tailing->arena);
	return good;
}

static int tail_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct tail_options *self = filled;
	struct tailing tailing = {.session = session, .options = self};
	struct error error = {0};
	struct value_type type;
	struct pipeline_target target;
	(void)count;
	if (self->topic == TAIL_OUTCOMES && (self->where || strchr(arguments[0], '.')))
		return command_misuse(session, "--topic outcomes takes a PIPELINE, and no --where");
	if (self->where) {
		tailing.where = expression_compile(session->arena, text_of(self->where), (struct place){"--where", 1, 1},
						   USE_MESSAGE, &error);
		if (!tailing.where || !expression_check(tailing.where, NULL, session->arena, &type, &error))
			return command_misuse(session, "--where, column %u: %s", error.place.column, error.text);
	}
	bool good = pipeline_target_open(command_workspace(session), &self->asked, arguments[0], &target, &error) &&
		    tail(&tailing, &target, &error);
	pipeline_target_close(&target);
	if (tailing.unjudged > 1)
		command_note(session, "%llu answers for which --where fails were left out", (unsigned long long)tailing.unjudged);
	return good ? EXIT_GOOD : command_refused(session, &error);
}

const struct command command_tail = {
	.name = "tail",
	.arguments = "PIPELINE",
	.summary = "Shows the answers of a pipeline, or their outcomes, as they arrive.",
	.help = "Reads the topic of a pipeline's answers. With PIPELINE.STEP it reads that of a step, if the step has one. It "
		"reads any format, only committed records, and joins no group, so it does not disturb other readers. An "
		"expression selects answers by tensors, headers, key and id. The command runs until it is interrupted, unless "
		"an option ends it. With `--topic outcomes` it shows what became of answers: the numbers that feedback gave "
		"to each exposure of an experiment, and exposures whose outcomeWindow ended without any.\n"
		"\n"
		"  sluice tail hello --brokers localhost:9092\n"
		"  sluice tail hello --from beginning --where 'max(score) > 0.9' --count 10 -o json -f pipelines/\n"
		"  sluice tail hello --topic outcomes --from beginning --idle 1s\n",
	.options = options,
	.options_size = sizeof(struct tail_options),
	.group = "run",
	.run = tail_run,
};
