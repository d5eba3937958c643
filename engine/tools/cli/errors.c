/* errors.c: `sluice errors list|show`: the failed requests of a pipeline, which its errors topic contains completely. */
#include "tools/cli/command.h"
#include "tools/client/data/dead_letter_view.h"
#include "tools/client/kafka.h"

struct errors_options {
	struct pipeline_target_asked asked;
	struct dead_letters_wanted wanted;
	bool counts; /* of `list` */
	int form;
};

#define ERRORS_ROWS                                                                                                                \
	{.name = "file",                                                                                                           \
	 .letter = 'f',                                                                                                            \
	 .type = OPTION_NAMES,                                                                                                     \
	 .offset = offsetof(struct errors_options, asked.files),                                                                   \
	 .help = PIPELINE_TARGET_FILES_HELP},                                                                                      \
		PIPELINE_TARGET_ROWS(struct errors_options, asked), LETTERS_ROWS(struct errors_options, wanted)

static const struct option show_options[] = {
	ERRORS_ROWS,
	COMMAND_FORM(errors_options, form, "text json"),
	{.type = OPTION_END},
};

static const struct option list_options[] = {
	ERRORS_ROWS,
	ROW("counts", FLAG, struct errors_options, counts, .help = "Shows only the counts by reason."),
	COMMAND_FORM(errors_options, form, "text json"),
	{.type = OPTION_END},
};

/* `letters` has no context yet. `end` shows what was collected; NULL: it is shown already. */
static int letters_show(struct session *session, const struct errors_options *self, const struct dead_letters_wanted *wanted,
			const char *pipeline, struct dead_letters_reader letters,
			bool (*end)(struct dead_letter_view *view, struct error *error))
{
	struct dead_letter_view view = {
		.out = session->out, .columns = session->columns, .json = self->form == OUTPUT_JSON, .counts = self->counts};
	struct error error = {0};
	struct pipeline_target target = {0};
	letters.context = &view;
	bool good = dead_letter_view_open(&view, &error) &&
		    pipeline_target_open(command_workspace(session), &self->asked, pipeline, &target, &error) &&
		    dead_letters_read(command_workspace(session), &target, wanted, &letters, &error) &&
		    (!end || end(&view, &error));
	pipeline_target_close(&target);
	if (good && view.shown == 0 && self->form == OUTPUT_TEXT)
		fprintf(session->out, "no dead letters\n");
	dead_letter_view_close(&view);
	return good ? EXIT_GOOD : command_refused(session, &error);
}

static int run_list(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	(void)count;
	return letters_show(session, self, &self->wanted, arguments[0],
			    (struct dead_letters_reader){.found = dead_letter_view_add, .replayed = dead_letter_view_mark},
			    dead_letter_view_list);
}

static int run_show(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct errors_options *self = filled;
	struct dead_letters_wanted wanted = self->wanted;
	wanted.names = arguments + 1;
	wanted.name_count = count - 1;
	return letters_show(session, self, &wanted, arguments[0],
			    (struct dead_letters_reader){.found = dead_letter_view_show}, NULL);
}

const struct command command_errors_list = {
	.name = "errors list",
	.arguments = "PIPELINE",
	.summary = "Lists the failed requests in a pipeline's errors topic.",
	.help = "Reads the pipeline's errors topic from its beginning to its present end. `AT` is the position of the dead "
		"letter; `errors show` and `errors replay` accept it, or the request's id. Dead letters are sorted by the time "
		"of the failure, and marked if they were replayed. Below them are the counts by reason; reasons that differ "
		"only in numbers are counted together.\n"
		"\n"
		"  sluice errors list hello --brokers localhost:9092\n"
		"  sluice errors list hello --kind REMOTE --step score -f pipelines/ -o json\n"
		"  sluice errors list hello --since 1h --counts --brokers localhost:9092\n",
	.options = list_options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_list,
};

const struct command command_errors_show = {
	.name = "errors show",
	.arguments = "PIPELINE [AT|ID]...",
	.summary = "Shows failed requests in full.",
	.help = "Shows the reason, the step and its attempts, the topic and offset of the request, its key and headers, and "
		"its content: text as it is, other formats as JSON. Without a name it shows all.\n"
		"\n"
		"  sluice errors show hello 0:17 --brokers localhost:9092\n"
		"  sluice errors show hello order-4711 -f pipelines/ -o json\n",
	.options = show_options,
	.options_size = sizeof(struct errors_options),
	.group = "run",
	.run = run_show,
};
