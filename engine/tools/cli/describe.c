/* describe.c: `sluice describe`: one resource, its files and bucket tables, and its condition in each engine. */
#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"
#include "tools/client/control/resource_groups.h"
#include "tools/view/resource_description.h"

#define SETTLE_MS 1500 /* an engine reports each second */
#define DESCRIBE_BYTES_MAX ((size_t)16 << 20)

struct describe_options {
	struct pipeline_target_asked asked;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct describe_options, asked),
	PIPELINE_TARGET_ROWS(struct describe_options, asked),
	COMMAND_FORM(describe_options, form, "text json"),
	{.type = OPTION_END},
};

struct describing {
	struct session *session;
	struct control_session control;
	struct condition_table table;
	const struct ledger *ledger;
	struct resource_view view;
	struct resource_groups groups;
};

static int describe_print(struct describing *describing)
{
	struct session *session = describing->session;
	struct buffer out;
	struct resource_description description = {.view = &describing->view,
						   .ledger = describing->ledger,
						   .conditions = &describing->table,
						   .group_count = describing->groups.count,
						   .groups = describing->groups.items,
						   .arena = session->arena,
						   .json = session->form == OUTPUT_JSON,
						   .out = &out};
	buffer_open(&out, DESCRIBE_BYTES_MAX);
	resource_description_print(&description);
	return description.json ? command_write_lines(session, &out) : command_write(session, &out);
}

/* Of a pipeline in force. */
static bool groups_measure(struct describing *describing, const char *name, struct error *error)
{
	const struct workspace *workspace = command_workspace(describing->session);
	const struct control_session *control = &describing->control;
	const struct resource_groups_config config = {.kinds = workspace->kinds,
						      .prefix = control->target.prefix,
						      .namespace = control->config.namespace,
						      .arena = workspace->arena};
	if (!resource_groups_find(&config, describing->ledger, name, &describing->groups, error))
		return false;
	resource_groups_measure(&describing->groups, &control->kafka);
	return true;
}

static bool describe_open(struct describing *describing, const struct describe_options *self, const char *word, struct error *error)
{
	struct control_session *control = &describing->control;
	struct resource_reference reference;
	const struct ledger_resource *resource =
		control_session_open_at(command_workspace(describing->session), &self->asked, word, control, &reference, error);
	if (!resource)
		return false;
	describing->ledger = applier_ledger(control->applier);
	describing->view = resource_view(describing->ledger, resource);
	if (strcmp(reference.kind, "Pipeline") == 0 && describing->view.in_force &&
	    !groups_measure(describing, reference.name, error))
		return false;
	return condition_table_open(&describing->table, control->kafka.brokers, control->kafka.consumer,
				    control->config.topics.status, control->config.namespace, error) &&
	       condition_table_settle(&describing->table, SETTLE_MS, error);
}

static int describe_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct describing describing = {.session = session};
	struct error error = {0};
	(void)count;
	int code = describe_open(&describing, filled, arguments[0], &error) ? describe_print(&describing)
									     : command_refused(session, &error);
	condition_table_close(&describing.table);
	control_session_close(&describing.control);
	return code;
}

const struct command command_describe = {
	.name = "describe",
	.arguments = "KIND/NAME",
	.summary = "Shows a resource, and its condition in each engine.",
	.help = "An engine publishes the conditions of its resources when they change, and every 10 s: `Ready` means that a "
		"request that is sent now is answered. An engine that has not reported for 5 s is `Silent`.\n\n"
		"Traffic and experiments split their units by a table of 10,000 buckets. The command shows the table in force: "
		"its version, its name in exposures, how many buckets it moved, and the share of each candidate.\n\n"
		"A pipeline in force is shown with the consumer groups that read for it, and the records that wait for each: "
		"of the stages that answer, of the observers of its namespace, and of its explainers.\n\n"
		"  sluice describe pipeline/fraud --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct describe_options),
	.group = "deploy",
	.run = describe_run,
};
