/* resource_description.c: see resource_description.h. */
#include "tools/view/resource_description.h"

#include "base/number/moment.h"
#include "base/quote.h"
#include "control/artifacts/artifact.h"
#include "control/records/control_tables.h"
#include "control/keeper/state_labels.h"
#include "message/json/json_write.h"
#include "compiler/step/assignment.h"

static void print_line(struct resource_description *self, const char *name, struct text value)
{
	buffer_print(self->out, "%-12s ", name);
	buffer_shown_around(self->out, "", value, "\n");
}

static void print_number(struct resource_description *self, const char *name, const struct control_version *version)
{
	if (version)
		buffer_print(self->out, "%-12s %lld\n", name, (long long)version->version);
	else
		buffer_print(self->out, "%-12s none\n", name);
}

static void print_resource(struct resource_description *self)
{
	const struct resource_view *view = self->view;
	const struct control_version *newest = view->newest;
	const struct control_label *labels = newest->labels.items;
	char moment[MOMENT_BYTES];
	moment_print(newest->time_ms, moment);
	print_line(self, "Kind", view->resource->kind);
	print_line(self, "Name", view->resource->name);
	print_line(self, "Namespace", newest->namespace);
	print_number(self, "In force", view->in_force);
	print_number(self, "Newest", newest);
	print_line(self, "Action", newest->action == CONTROL_DELETE ? TEXT("delete") : TEXT("apply"));
	print_line(self, "Phase", text_of(change_phase_name(view->phase)));
	if (view->why.length > 0)
		print_line(self, "Why", view->why);
	print_line(self, "Accepted", text_of(moment));
	buffer_print(self->out, "%-12s %s (as stated by the sender)\n", "Author", text_shown(newest->author, self->arena));
	print_line(self, "Reason", newest->reason);
	struct artifact artifact;
	struct text name;
	size_t shown = 0;
	for (size_t i = 0; i < newest->labels.count; i++) {
		if (artifact_label_read(&labels[i], &name, &artifact) || label_is_of_keeper(&labels[i]))
			continue;
		buffer_print(self->out, "%-12s ", shown++ == 0 ? "Labels" : "");
		buffer_shown(self->out, labels[i].key);
		buffer_shown_around(self->out, "=", labels[i].value, "\n");
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

/* An engine that is ready, and does not run the resource, has only a condition of its own. */
static struct text state_of(const struct engine_condition *condition)
{
	const bool is_own = text_equal(condition->kind, CONDITION_OF_ENGINE);
	return is_own && text_is(condition->what, "Ready") ? TEXT("Absent") : condition->what;
}

static void print_condition(struct resource_description *self, const struct condition_source *source, bool is_live,
			    const struct engine_condition *condition)
{
	struct arena *arena = self->arena;
	char moment[MOMENT_BYTES] = "";
	if (condition)
		moment_print(condition->since_ms, moment);
	buffer_print(self->out, "%-24s %-8lld %-9s %-20s %s\n", text_shown(source->engine, arena),
		     condition ? (long long)condition->version : 0,
		     !is_live	 ? "Silent"
		     : condition ? text_shown(state_of(condition), arena)
				 : "Unknown",
		     moment, condition ? text_shown(condition->why, arena) : "");
	const struct engine_condition *itself = is_live ? condition_of_itself(source, condition) : NULL;
	if (!itself)
		return;
	moment_print(itself->since_ms, moment);
	buffer_print(self->out, "%-24s %-8s %-9s %-20s %s\n", "  the engine itself", "", text_shown(itself->what, arena),
		     moment, text_shown(itself->why, arena));
}

static void itself_json(struct buffer *out, const struct engine_condition *itself)
{
	json_write_member(out, ", \"itself\": {", "what", itself->what);
	json_write_member(out, ", ", "why", itself->why);
	buffer_print(out, ", \"since_ms\": %lld}", (long long)itself->since_ms);
}

static void condition_json(struct resource_description *self, const struct condition_source *source, bool is_live,
			   const struct engine_condition *condition)
{
	struct buffer *out = self->out;
	json_write_member(out, "{", "engine", source->engine);
	buffer_print(out, ", \"live\": %s", is_live ? "true" : "false");
	if (condition) {
		bool is_ready = condition->ready && !text_equal(condition->kind, CONDITION_OF_ENGINE);
		buffer_print(out, ", \"version\": %lld, \"ready\": %s", (long long)condition->version,
			     is_ready ? "true" : "false");
		json_write_member(out, ", ", "what", state_of(condition));
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
static const struct control_table *table_shown(const struct resource_description *self, const struct ledger_choice *choice)
{
	const struct ledger_resource *resource = self->view->resource;
	const struct ledger_table *table = control_table_at(self->ledger, choice, CONTROL_IN_FORCE);
	if (!table || table->record.shares.count == 0 || !text_equal(table->record.kind, resource->kind) ||
	    !text_equal(table->record.name, resource->name))
		return NULL;
	return &table->record;
}

static void print_table(struct resource_description *self, const struct control_table *table)
{
	struct arena *arena = self->arena;
	const struct table_share *shares = table->shares.items;
	struct buffer *out = self->out;
	buffer_print(out, "%-24s %-8lld %-17s %-6lld ", text_shown(table->choice, arena), (long long)table->version,
		     text_shown(table->table, arena), (long long)table->moved);
	for (size_t i = 0; i < table->shares.count; i++)
		buffer_print(out, "%s%s %.2f %%", i > 0 ? ", " : "", text_shown(shares[i].name, arena),
			     (double)shares[i].buckets * 100 / ASSIGNMENT_BUCKETS);
	buffer_byte(out, '\n');
}

static void table_json(struct resource_description *self, const struct control_table *table)
{
	const struct table_share *shares = table->shares.items;
	struct buffer *out = self->out;
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

static void tables_print(struct resource_description *self)
{
	const struct ledger_choice *choice;
	bool is_json = self->json;
	size_t shown = 0;
	LIST_EACH_CHOICE(self->ledger, choice)
	{
		const struct control_table *table = table_shown(self, choice);
		if (!table)
			continue;
		if (is_json)
			buffer_string(self->out, shown > 0 ? ", " : "");
		else if (shown == 0)
			buffer_print(self->out, "\n%-24s %-8s %-17s %-6s %s\n", "CHOICE", "VERSION", "TABLE", "MOVED",
				     "SHARES");
		shown++;
		(is_json ? table_json : print_table)(self, table);
	}
}

/* ---- files ---- */

/* Those of the newest version. */
static void files_print(struct resource_description *self)
{
	const struct record_list *list = &self->view->newest->labels;
	const struct control_label *labels = list->items;
	struct buffer *out = self->out;
	const bool is_json = self->json;
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
			buffer_print(out, "%-40s %-10zu %s\n", text_shown(name, self->arena), artifact.size_bytes,
				     artifact.digest);
		}
		shown++;
	}
}

/* ---- groups ---- */

static void print_group(struct buffer *out, const struct resource_group *group)
{
	buffer_print(out, "%-40s %-9s ", group->name, group->purpose);
	if (group->lag >= 0)
		buffer_print(out, "%lld\n", (long long)group->lag);
	else
		buffer_string(out, "not known\n");
}

static void group_json(struct buffer *out, const struct resource_group *group)
{
	json_write_member(out, "{", "name", text_of(group->name));
	json_write_member(out, ", ", "purpose", text_of(group->purpose));
	if (group->lag >= 0)
		buffer_print(out, ", \"lag\": %lld}", (long long)group->lag);
	else
		buffer_string(out, ", \"lag\": null}");
}

static void groups_print(struct resource_description *self)
{
	struct buffer *out = self->out;
	if (self->group_count > 0 && !self->json)
		buffer_print(out, "\n%-40s %-9s %s\n", "GROUP", "PURPOSE", "LAG");
	for (size_t i = 0; i < self->group_count; i++) {
		if (self->json && i > 0)
			buffer_string(out, ", ");
		(self->json ? group_json : print_group)(out, &self->groups[i]);
	}
}

/* ---- engines ---- */

/* Of the engines that run, and those that disappeared lately without a last record. */
static void conditions_print(struct resource_description *self)
{
	const struct condition_source *source;
	bool is_json = self->json;
	size_t shown = 0;
	LIST_EACH_SOURCE(self->conditions, source)
	{
		const struct engine_condition *condition =
			condition_of(source, self->view->resource->kind, self->view->resource->name);
		if (source->stopped)
			continue;
		if (is_json)
			buffer_string(self->out, shown > 0 ? ", " : "");
		else if (shown == 0)
			buffer_print(self->out, "\n%-24s %-8s %-9s %-20s %s\n", "ENGINE", "VERSION", "STATE", "SINCE",
			     "WHY");
		shown++;
		bool is_live = condition_source_is_live(self->conditions, source);
		(is_json ? condition_json : print_condition)(self, source, is_live, condition);
	}
	if (shown == 0 && !is_json)
		buffer_string(self->out,
			      "\nNo engine of this namespace reports, so nothing of it runs: start one, or see in the logs of its "
			      "engines why they ended.\n");
}

void resource_description_print(struct resource_description *self)
{
	struct buffer *out = self->out;
	const struct resource_view *view = self->view;
	if (!self->json) {
		print_resource(self);
		files_print(self);
		tables_print(self);
		groups_print(self);
		conditions_print(self);
		return;
	}
	json_write_member(out, "{", "kind", view->resource->kind);
	json_write_member(out, ", ", "name", view->resource->name);
	buffer_print(out, ", \"in_force\": %lld, ", view->in_force ? (long long)view->in_force->version : 0);
	version_json(out, view->newest, view->phase, view->why);
	json_write_member(out, ", ", "document", view->newest->document);
	buffer_string(out, ", \"files\": [");
	files_print(self);
	buffer_string(out, "], \"tables\": [");
	tables_print(self);
	buffer_string(out, "], \"groups\": [");
	groups_print(self);
	buffer_string(out, "], \"conditions\": [");
	conditions_print(self);
	buffer_string(out, "]}\n");
}
