/* alerts_silence.c: `sluice alerts silence`: a Silence of an alert, proposed to the control plane or written as a file. */
#include "base/file.h"
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/alert_list.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "tools/client/control/silence_document.h"
#include "message/json/json_write.h"

struct alerts_silence_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	const char *pipeline, *group, *out;
	int64_t for_ns;
	int form;
};

static const struct option silence_options[] = {
	ROW("for", DURATION, struct alerts_silence_options, for_ns, .word = "TIME", .required = true,
	    .help = "How long, from now: 30m, 2h, 7d."),
	ROW("pipeline", TEXT, struct alerts_silence_options, pipeline, .word = "NAME",
	    .help = "The alert's pipeline; default: any pipeline with an alert of that name."),
	ROW("group", TEXT, struct alerts_silence_options, group, .word = "VALUE",
	    .help = "For an alert with `groupBy`: the group that is silenced, as notices name it; default: all of them."),
	ROW("out", TEXT, struct alerts_silence_options, out, .word = "FILE",
	    .help = "Writes the Silence to a file, for an engine that runs files: in their folder it is read on SIGHUP. Default: "
		    "it is proposed to the engines that run with --control."),
	ROW("file", NAMES, struct alerts_silence_options, asked.files, .letter = 'f',
	    .help = ALERT_FILES_HELP " With --out, the alert must be in them; else they say where Kafka is."),
	PIPELINE_TARGET_ROWS(struct alerts_silence_options, asked),
	CONTROL_AUTHOR_ROWS(struct alerts_silence_options, author),
	COMMAND_FORM(alerts_silence_options, form, "text json"),
	{.type = OPTION_END},
};

static int written_print(struct session *session, const struct alerts_silence_options *self,
			 const struct silence_document *document, const char *alert)
{
	struct buffer out;
	buffer_open(&out, SILENCE_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		json_write_member(&out, "{", "alert", text_of(alert));
		json_write_member(&out, ", ", "until", text_of(document->until));
		json_write_member(&out, ", ", "file", text_of(self->out));
		buffer_string(&out, "}\n");
	} else
		buffer_print(&out, "%s: silences the alert until %s, in engines that read this file\n", self->out, document->until);
	return command_write(session, &out);
}

static int document_propose(struct session *session, const struct alerts_silence_options *self, struct alert_list *list,
			    const struct silence_document *document)
{
	const struct ledger *ledger = applier_ledger(list->control.applier);
	const struct text kind = TEXT("Silence"), name = text_of(document->name);
	const struct proposal_item item = {
		.kind = kind,
		.name = name,
		.action = PROPOSAL_APPLY,
		.document = buffer_view(&document->text),
		.expected = resource_expected(ledger, ledger_resource_find(ledger, kind, name)),
	};
	return control_session_propose(session, &list->control, &self->author, (struct record_list){1, &item},
				       (struct document_places){0});
}

static int document_put(struct session *session, const struct alerts_silence_options *self, const struct silence_document *document,
			const char *alert)
{
	struct error error = {0};
	if (!file_write(self->out, buffer_view(&document->text), &error))
		return command_refused(session, &error);
	return written_print(session, self, document, alert);
}

#define PIPELINES_NAMED 5 /* the others are counted */

/* Many pipelines may have an alert of one name, and somebody else's is silenced without a word. */
static void pipelines_note(struct session *session, const struct alert_list *list, const char *alert)
{
	struct buffer names;
	size_t count = 0;
	buffer_open(&names, SILENCE_BYTES_MAX);
	for (size_t i = 0; i < list->count; i++) {
		if (!list->items[i].spec->name.text || strcmp(list->items[i].spec->name.text, alert) != 0)
			continue;
		if (count++ < PIPELINES_NAMED)
			buffer_print(&names, "%s%s", count > 1 ? ", " : "", list->items[i].resource->name.text);
	}
	if (count > PIPELINES_NAMED)
		buffer_print(&names, " and %zu more", count - PIPELINES_NAMED);
	buffer_byte(&names, '\0');
	if (count > 1 && !buffer_failed(&names))
		command_note(session,
			     "%zu pipelines have an alert of that name, and it is silenced in all of them: %s. --pipeline "
			     "silences it in one",
			     count, names.bytes);
	buffer_close(&names);
}

static int alert_silence(struct session *session, const struct alerts_silence_options *self, struct alert_list *list,
			 const char *alert)
{
	const struct silence_asked asked = {
		.alert = alert, .pipeline = self->pipeline, .group = self->group, .author = &self->author, .for_ns = self->for_ns};
	struct silence_document document = {0};
	struct error error = {0};
	int code;
	if ((list->spec_is_open && !alert_list_has(list, self->pipeline, alert, self->group, &error)) ||
	    !silence_document_make(&document, &asked, session->arena, &error))
		code = command_refused(session, &error);
	else
		code = self->out ? document_put(session, self, &document, alert) : document_propose(session, self, list, &document);
	if (code == EXIT_GOOD && !self->pipeline)
		pipelines_note(session, list, alert);
	buffer_close(&document.text);
	return code;
}

static int silence_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct alerts_silence_options *self = filled;
	struct alert_list list = {0};
	int code = EXIT_GOOD;
	(void)count;
	if (!self->author.reason || !self->author.reason[0])
		return command_misuse(session, "give the reason, for those who wonder: --reason TEXT");
	struct error error = {0};
	if ((!self->out || self->asked.files.count > 0) &&
	    !alert_list_open(command_workspace(session), &self->asked, !self->out, &list, &error))
		code = command_unread(session, &list.spec, &error);
	if (code == EXIT_GOOD)
		code = alert_silence(session, self, &list, arguments[0]);
	alert_list_close(&list);
	return code;
}

const struct command command_alerts_silence = {
	.name = "alerts silence",
	.arguments = "ALERT",
	.summary = "Silences an alert for some time.",
	.help = "Makes a resource of kind Silence, which has an end, an author and a reason. A silenced alert keeps its state, and "
		"sends no notice of a firing. If it still fires at the end, the notice is sent then. Another silence of the same "
		"alert, or of the same group of it, replaces this one; `sluice delete silence/NAME` ends it early, and `sluice "
		"get` has its name. `sluice alerts list` shows silences.\n\n"
		"  sluice alerts silence slow --for 2h --reason 'moving the models' --brokers kafka:9092\n"
		"  sluice alerts silence late --group XNYS --for 8h --reason 'closed today' --brokers kafka:9092\n"
		"  sluice alerts silence slow --for 2h --reason moving --out pipelines/silence-slow.yaml\n",
	.options = silence_options,
	.options_size = sizeof(struct alerts_silence_options),
	.group = "run",
	.run = silence_run,
};
