/* gc.c: `sluice gc`: removes old versions of resources. */
#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/cli/control_proposal.h"
#include "tools/client/control/applied_artifacts.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "control/keeper/keeper.h"
#include "control/keeper/state_labels.h"
#include "kafka/topics/topic_facts.h"
#include "kafka/topics/topic_setup.h"

struct gc_options {
	struct pipeline_target_asked asked;
	struct control_author author;
	int64_t keep, file_age_ns;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct gc_options, asked),
	PIPELINE_TARGET_ROWS(struct gc_options, asked),
	ROW("keep", INTEGER, struct gc_options, keep, .word = "N", .fallback = "10", .least = 1, .most = KEEPER_VERSIONS,
	    .help = "How many versions of each resource are kept. Those that engines run or prepare are kept in any case."),
	ROW("file-age", DURATION, struct gc_options, file_age_ns, .word = "TIME", .fallback = "1h",
	    .help = "Files that were sent within this time are kept: the proposal that names them may not be decided yet."),
	CONTROL_AUTHOR_ROWS(struct gc_options, author),
	COMMAND_FORM(gc_options, form, "text json"),
	{.type = OPTION_END},
};

static size_t versions_count(const struct ledger *ledger)
{
	const struct ledger_resource *resource;
	size_t count = 0;
	LIST_EACH_RESOURCE(ledger, resource)
	count += resource->count;
	return count;
}

/* Removes the files that no kept version names. Without the topic there are none. */
static int files_sweep(struct session *session, const struct control_session *control, int64_t age_ms)
{
	const struct artifact_topic topic = control_session_artifact_topic(control);
	const struct control_topics *topics = &control->config.topics;
	struct error error = {0};
	size_t removed, kept;
	if (!control_topics_ensure_artifacts(topics, topic.brokers, topic.consumer, 0, false, &error) &&
	    error.kind == ERROR_CONFIG) {
		command_note(session, "no files are removed: %s", error.text);
		return EXIT_GOOD;
	}
	if (error.kind != ERROR_NONE ||
	    !artifact_topic_sweep(&topic, applier_ledger(control->applier), time_of_day_ms() - age_ms, &removed, &kept, &error))
		return command_failed(session, &error);
	if (session->form == OUTPUT_TEXT)
		fprintf(session->out, "%zu file%s removed, %zu kept\n", removed, removed == 1 ? "" : "s", kept);
	else
		fprintf(session->out, "{\"files_removed\": %zu, \"files_kept\": %zu}\n", removed, kept);
	return EXIT_GOOD;
}

/* ---- changelogs of former forms ---- */

/* Keeps those of the list that no kept version names. */
static void changelogs_choose(const struct ledger *ledger, const char *prefix, struct topic_names *list)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++)
		if (state_labels_miss(ledger, text_of(list->names[i] + strlen(prefix))))
			list->names[count++] = list->names[i];
	list->count = count;
}

/* The topics of the namespace's pipelines, whose names begin with `*prefix`. */
static bool changelogs_list(struct session *session, const struct control_session *control, const char **prefix,
			    struct topic_names *list, struct error *error)
{
	const struct applier_config *config = &control->config;
	*prefix = arena_print(session->arena, "%s.%s.pipeline.", config->topics.prefix, config->namespace);
	return *prefix ? topic_names_read(config->brokers, config->producer, *prefix, session->arena, list, error)
		       : error_memory(error, ERROR_SYSTEM, "listing changelogs");
}

/* Removes the changelogs of the list that no kept version names (control/keeper/state_labels.h). */
static int changelogs_sweep(struct session *session, const struct control_session *control, const char *prefix,
			    struct topic_names *list)
{
	const struct applier_config *config = &control->config;
	struct error error = {0};
	changelogs_choose(applier_ledger(control->applier), prefix, list);
	if (list->count > 0 && !topics_remove(config->brokers, config->producer, list->names, list->count, &error))
		return command_failed(session, &error);
	for (size_t i = 0; i < list->count && session->form == OUTPUT_TEXT; i++)
		fprintf(session->out, "changelog %s removed\n", list->names[i]);
	return EXIT_GOOD;
}

/* Topics are listed before the keeper is asked: a changelog that an engine creates later, for a version which is accepted
 * meanwhile, is not in the list, and of all others the ledger has the versions when the keeper has decided. */
static int gc_propose(struct session *session, struct control_session *control, const struct gc_options *self,
		      struct resource_reference reference)
{
	const struct proposal_item item = {.kind = text_of(reference.kind ? reference.kind : ""),
					   .name = text_of(reference.name ? reference.name : ""),
					   .action = PROPOSAL_COLLECT,
					   .expected = PROPOSAL_EXPECTS_ANY,
					   .to = self->keep};
	const char *prefix;
	struct topic_names topics = {0};
	struct error error = {0};
	if (!changelogs_list(session, control, &prefix, &topics, &error))
		return command_failed(session, &error);
	size_t before = versions_count(applier_ledger(control->applier));
	int code = control_session_propose(session, control, &self->author, (struct record_list){1, &item},
					   (struct document_places){0});
	size_t after = versions_count(applier_ledger(control->applier)), removed = before > after ? before - after : 0;
	if (code == EXIT_GOOD && session->form == OUTPUT_TEXT)
		fprintf(session->out, "%zu version%s removed, %zu kept\n", removed, removed == 1 ? "" : "s", after);
	if (code == EXIT_GOOD)
		code = changelogs_sweep(session, control, prefix, &topics);
	return code == EXIT_GOOD ? files_sweep(session, control, self->file_age_ns / NS_PER_MS) : code;
}

static int gc_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct gc_options *self = filled;
	struct control_session control = {0};
	struct resource_reference reference = {0};
	struct error error = {0};
	bool good = (count == 0 || resource_reference_read(arguments[0], true, &reference, &error)) &&
		    control_session_open(command_workspace(session), &self->asked, &control, &error) &&
		    (count == 0 || control_session_find(&control, reference, &error));
	int code = good ? gc_propose(session, &control, self, reference) : command_refused(session, &error);
	control_session_close(&control);
	return code;
}

const struct command command_gc = {
	.name = "gc",
	.arguments = "[KIND/NAME]",
	.summary = "Removes old versions of resources, their files and their state.",
	.help = "Without this command, the newest 50 versions of each resource are kept. `sluice rollback` cannot return to a "
		"version that was removed. Files that no kept version names are removed too. If the state of a stage now has "
		"another form, its former changelog is removed, unless a kept version has the former form.\n\n"
		"  sluice gc --keep 5\n"
		"  sluice gc pipeline/fraud --keep 1\n",
	.options = options,
	.options_size = sizeof(struct gc_options),
	.group = "deploy",
	.run = gc_run,
};
