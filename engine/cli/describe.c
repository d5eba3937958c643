/* describe.c: `sluice describe`: one resource, its files and bucket tables, and its condition in each engine. */
#include "base/clock.h"
#include "base/moment.h"
#include "base/quote.h"
#include "cli/command.h"
#include "client/control_session.h"
#include "client/kafka.h"
#include "control/artifact.h"
#include "control/condition_table.h"
#include "control/control_tables.h"
#include "control/state_labels.h"
#include "message/json_write.h"
#include "view/resource_view.h"

#define SETTLE_MS 1500 /* an engine reports each second */
#define DESCRIBE_BYTES_MAX ((size_t)16 << 20)

struct describe_options {
	struct door_asked asked;
	int form;
};

static const struct option options[] = {
	DOOR_STATUS_FILES_ROW(struct describe_options, asked),
	DOOR_ROWS(struct describe_options, asked),
	COMMAND_FORM(describe_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_describe;

struct describing {
	struct session *session;
	struct control_session control;
	struct condition_table table;
	const struct ledger *ledger;
	struct resource_view view;
	struct buffer out;
};

static void print_line(struct describing *describing, const char *name, struct text value)
{
	buffer_print(&describing->out, "%-12s ", name);
	buffer_shown(&describing->out, value);
	buffer_byte(&describing->out, '\n');
}

static void print_number(struct describing *describing, const char *name, const struct control_version *version)
{
	if (version)
		buffer_print(&describing->out, "%-12s %lld\n", name, (long long)version->version);
	else
		buffer_print(&describing->out, "%-12s none\n", name);
}

static void print_resource(struct describing *describing)
{
	const struct resource_view *view = &describing->view;
	const struct control_version *newest = view->newest;
	const struct control_label *labels = newest->labels.items;
	char moment[MOMENT_BYTES];
	moment_print(newest->time_ms, moment);
	print_line(describing, "Kind", view->resource->kind);
	print_line(describing, "Name", view->resource->name);
	print_line(describing, "Namespace", newest->namespace);
	print_number(describing, "In force", view->in_force);
	print_number(describing, "Newest", newest);
	print_line(describing, "Action", newest->action == CONTROL_DELETE ? TEXT("delete") : TEXT("apply"));
	print_line(describing, "Phase", text_of(change_phase_name(view->phase)));
	if (view->why.length > 0)
		print_line(describing, "Why", view->why);
	print_line(describing, "Accepted", text_of(moment));
	print_line(describing, "Author", newest->author);
	print_line(describing, "Reason", newest->reason);
	struct artifact artifact;
	struct text name;
	size_t shown = 0;
	for (size_t i = 0; i < newest->labels.count; i++) {
		if (artifact_label_read(&labels[i], &name, &artifact) || label_is_of_keeper(&labels[i]))
			continue;
		buffer_print(&describing->out, "%-12s ", shown++ == 0 ? "Labels" : "");
		buffer_shown(&describing->out, labels[i].key);
		buffer_byte(&describing->out, '=');
		buffer_shown(&describing->out, labels[i].value);
		buffer_byte(&describing->out, '\n');
	}
}

/* The condition of the engine itself, if the one shown is another and it is not simply ready: for example, it cannot
 * prepare a newer version. NULL: none. */
static const struct engine_condition *condition_of_itself(const struct condition_source *source,
							  const struct engine_condition *shown)
{
	const struct engine_condition *itself = condition_of(source, CONDITION_OF_ENGINE, source->engine);
	return itself && itself != shown && !text_is(itself->what, "Ready") ? itself : NULL;
}

static void print_condition(struct describing *describing, const struct condition_source *source, bool is_live,
			    const struct engine_condition *condition)
{
	struct arena *arena = describing->session->arena;
	char moment[MOMENT_BYTES] = "";
	if (condition)
		moment_print(condition->since_ms, moment);
	buffer_print(&describing->out, "%-24s %-8lld %-9s %-20s %s\n", text_shown(source->engine, arena),
		     condition ? (long long)condition->version : 0,
		     !is_live	 ? "Silent"
		     : condition ? text_shown(condition->what, arena)
				 : "Unknown",
		     moment, condition ? text_shown(condition->why, arena) : "");
	const struct engine_condition *itself = is_live ? condition_of_itself(source, condition) : NULL;
	if (!itself)
		return;
	moment_print(itself->since_ms, moment);
	buffer_print(&describing->out, "%-24s %-8s %-9s %-20s %s\n", "  the engine itself", "", text_shown(itself->what, arena),
		     moment, text_shown(itself->why, arena));
}

static void itself_json(struct buffer *out, const struct engine_condition *itself)
{
	json_write_member(out, ", \"itself\": {", "what", itself->what);
	json_write_member(out, ", ", "why", itself->why);
	buffer_print(out, ", \"since_ms\": %lld}", (long long)itself->since_ms);
}

static void condition_json(struct describing *describing, const struct condition_source *source, bool is_live,
			   const struct engine_condition *condition)
{
	struct buffer *out = &describing->out;
	json_write_member(out, "{", "engine", source->engine);
	buffer_print(out, ", \"live\": %s", is_live ? "true" : "false");
	if (condition) {
		bool is_ready = condition->ready && !text_equal(condition->kind, CONDITION_OF_ENGINE);
		buffer_print(out, ", \"version\": %lld, \"ready\": %s", (long long)condition->version,
			     is_ready ? "true" : "false");
		json_write_member(out, ", ", "what", condition->what);
		json_write_member(out, ", ", "why", condition->why);
		buffer_print(out, ", \"since_ms\": %lld", (long long)condition->since_ms);
	}
	const struct engine_condition *itself = is_live ? condition_of_itself(source, condition) : NULL;
	if (itself)
		itself_json(out, itself);
	buffer_byte(out, '}');
}

/* ---- bucket tables ---- */

/* The table in force of a choice of the resource; NULL: the resource has not that choice. */
static const struct control_table *table_shown(const struct describing *describing, const struct ledger_choice *choice)
{
	const struct ledger_resource *resource = describing->view.resource;
	const struct ledger_table *table = control_table_at(describing->ledger, choice, CONTROL_IN_FORCE);
	if (!table || table->record.shares.count == 0 || !text_equal(table->record.kind, resource->kind) ||
	    !text_equal(table->record.name, resource->name))
		return NULL;
	return &table->record;
}

static void print_table(struct describing *describing, const struct control_table *table)
{
	struct arena *arena = describing->session->arena;
	const struct table_share *shares = table->shares.items;
	struct buffer *out = &describing->out;
	buffer_print(out, "%-24s %-8lld %-17s %-6lld ", text_shown(table->choice, arena), (long long)table->version,
		     text_shown(table->table, arena), (long long)table->moved);
	for (size_t i = 0; i < table->shares.count; i++)
		buffer_print(out, "%s%s %.2f %%", i > 0 ? ", " : "", text_shown(shares[i].name, arena),
			     (double)shares[i].buckets * 100 / ASSIGNMENT_BUCKETS);
	buffer_byte(out, '\n');
}

static void table_json(struct describing *describing, const struct control_table *table)
{
	const struct table_share *shares = table->shares.items;
	struct buffer *out = &describing->out;
	json_write_member(out, "{", "choice", table->choice);
	buffer_print(out, ", \"version\": %lld", (long long)table->version);
	json_write_member(out, ", ", "table", table->table);
	buffer_print(out, ", \"moved\": %lld, \"shares\": [", (long long)table->moved);
	for (size_t i = 0; i < table->shares.count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", shares[i].name);
		buffer_print(out, ", \"buckets\": %lld}", (long long)shares[i].buckets);
	}
	buffer_string(out, "]}");
}

static void tables_print(struct describing *describing)
{
	const struct ledger_choice *choice;
	bool is_json = describing->session->form == OUTPUT_JSON;
	size_t shown = 0;
	LIST_EACH_CHOICE(describing->ledger, choice)
	{
		const struct control_table *table = table_shown(describing, choice);
		if (!table)
			continue;
		if (is_json)
			buffer_string(&describing->out, shown > 0 ? ", " : "");
		else if (shown == 0)
			buffer_print(&describing->out, "\n%-24s %-8s %-17s %-6s %s\n", "CHOICE", "VERSION", "TABLE", "MOVED",
				     "SHARES");
		shown++;
		(is_json ? table_json : print_table)(describing, table);
	}
}

/* ---- files ---- */

/* Those of the newest version. */
static void files_print(struct describing *describing)
{
	const struct record_list *list = &describing->view.newest->labels;
	const struct control_label *labels = list->items;
	struct buffer *out = &describing->out;
	const bool is_json = describing->session->form == OUTPUT_JSON;
	struct artifact artifact;
	struct text name;
	size_t shown = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!artifact_label_read(&labels[i], &name, &artifact))
			continue;
		if (is_json) {
			json_write_member(out, shown > 0 ? ", {" : "{", "name", name);
			buffer_print(out, ", \"size_bytes\": %zu, \"sha256\": \"%s\"}", artifact.size_bytes, artifact.digest);
		} else {
			if (shown == 0)
				buffer_print(out, "\n%-40s %-10s %s\n", "FILE", "BYTES", "SHA-256");
			buffer_print(out, "%-40s %-10zu %s\n", text_shown(name, describing->session->arena), artifact.size_bytes,
				     artifact.digest);
		}
		shown++;
	}
}

/* ---- all ---- */

/* Of the engines that run, and those that disappeared lately without a last record. */
static void conditions_print(struct describing *describing)
{
	const struct condition_source *source;
	bool is_json = describing->session->form == OUTPUT_JSON;
	size_t shown = 0;
	LIST_EACH_SOURCE(&describing->table, source)
	{
		const struct engine_condition *condition =
			condition_of(source, describing->view.resource->kind, describing->view.resource->name);
		if (source->stopped)
			continue;
		if (is_json)
			buffer_string(&describing->out, shown > 0 ? ", " : "");
		else if (shown == 0)
			buffer_print(&describing->out, "\n%-24s %-8s %-9s %-20s %s\n", "ENGINE", "VERSION", "STATE", "SINCE",
			     "WHY");
		shown++;
		bool is_live = condition_source_is_live(&describing->table, source);
		(is_json ? condition_json : print_condition)(describing, source, is_live, condition);
	}
	if (shown == 0 && !is_json)
		buffer_string(&describing->out, "\nNo engine of this namespace reports.\n");
}

static int describe_print(struct describing *describing)
{
	struct buffer *out = &describing->out;
	const struct resource_view *view = &describing->view;
	buffer_open(out, DESCRIBE_BYTES_MAX);
	if (describing->session->form != OUTPUT_JSON) {
		print_resource(describing);
		files_print(describing);
		tables_print(describing);
		conditions_print(describing);
		return command_write(describing->session, out);
	}
	json_write_member(out, "{", "kind", view->resource->kind);
	json_write_member(out, ", ", "name", view->resource->name);
	buffer_print(out, ", \"in_force\": %lld, ", view->in_force ? (long long)view->in_force->version : 0);
	version_json(out, view->newest, view->phase, view->why);
	json_write_member(out, ", ", "document", view->newest->document);
	buffer_string(out, ", \"files\": [");
	files_print(describing);
	buffer_string(out, "], \"tables\": [");
	tables_print(describing);
	buffer_string(out, "], \"conditions\": [");
	conditions_print(describing);
	buffer_string(out, "]}\n");
	return command_write_lines(describing->session, out);
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
									     : command_refused(session, &command_describe, &error);
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
		"Traffic and experiments split their units by a table of 10,000 buckets, which is a record: its version in "
		"force, its name in exposures, the buckets that it moved, and the share of each candidate are shown.\n\n"
		"  sluice describe pipeline/fraud --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct describe_options),
	.group = "deploy",
	.run = describe_run,
};
