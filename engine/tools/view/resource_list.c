/* resource_list.c: see resource_list.h. */
#include "tools/view/resource_list.h"

#include <stdio.h>

#include "base/number/moment.h"
#include "base/quote.h"
#include "message/json/json_write.h"

static const char *state_words(struct resource_list *list, const struct resource_view *view)
{
	if (view->in_force == view->newest)
		return "active";
	return arena_print(list->arena, "version %lld%s %s", (long long)view->newest->version,
			   view->newest->action == CONTROL_DELETE ? " (deletion)" : "", change_phase_name(view->phase));
}

/* The engines in which it is not simply ready, and why. */
static void print_conditions(struct resource_list *list, const struct resource_view *view)
{
	const struct condition_source *source;
	LIST_EACH_SOURCE(list->conditions, source)
	{
		const struct engine_condition *condition = condition_of(source, view->resource->kind, view->resource->name);
		if (!condition || source->stopped || text_is(condition->what, "Ready") ||
		    text_equal(condition->kind, CONDITION_OF_ENGINE) || !condition_source_is_live(list->conditions, source))
			continue;
		buffer_print(list->out, "\n    engine %s: %s: ", text_shown(source->engine, list->arena),
			     text_shown(condition->what, list->arena));
		buffer_shown(list->out, condition->why);
	}
}

/* Engines that do not report, or cannot run what is in force. */
static void print_engines(struct resource_list *list)
{
	const struct condition_source *source;
	size_t reporting = 0;
	LIST_EACH_SOURCE(list->conditions, source)
	{
		const struct engine_condition *own = condition_of(source, CONDITION_OF_ENGINE, source->engine);
		if (source->stopped)
			continue;
		const bool is_live = condition_source_is_live(list->conditions, source);
		reporting += is_live;
		if (is_live && (!own || text_is(own->what, "Ready")))
			continue;
		buffer_print(list->out, "engine %s: ", text_shown(source->engine, list->arena));
		if (is_live) {
			buffer_print(list->out, "%s: ", text_shown(own->what, list->arena));
			buffer_shown(list->out, own->why);
		} else {
			buffer_string(list->out, "Silent: it has not reported for some seconds; does it run, and reach Kafka?");
		}
		buffer_byte(list->out, '\n');
	}
	if (reporting == 0)
		buffer_string(list->out,
			      "no engine of this namespace reports, so nothing of it runs: start one, or see in the logs "
			      "of its engines why they ended\n");
}

static void print_row(struct resource_list *list, const struct resource_view *view)
{
	char moment[MOMENT_BYTES], version[24] = "-";
	const char *name = arena_print(list->arena, "%s/%s", text_shown(view->resource->kind, list->arena),
				       text_shown(view->resource->name, list->arena));
	const char *state = state_words(list, view);
	struct buffer *out = list->out;
	moment_print(view->newest->time_ms, moment);
	if (view->in_force)
		(void)snprintf(version, sizeof version, "%lld", (long long)view->in_force->version);
	if (list->shown == 0)
		buffer_print(out, "%-32s %-8s %-24s %-20s %s%s\n", "NAME", "VERSION", "STATE", "CHANGED", RESOURCE_AUTHOR_TITLE,
			     list->form == RESOURCE_LIST_WIDE ? "  REASON" : "");
	buffer_print(out, "%-32s %-8s %-24s %-20s %s", name ? name : "", version, state ? state : "", moment,
		     text_shown(view->newest->author, list->arena));
	if (list->form == RESOURCE_LIST_WIDE)
		buffer_print(out, "  %s", text_shown(view->newest->reason, list->arena));
	if (view->phase == CHANGE_FAILED && view->why.length > 0)
		buffer_print(out, "\n    %s", text_shown(view->why, list->arena));
	print_conditions(list, view);
	buffer_byte(out, '\n');
	out->failed |= arena_failed(list->arena);
}

static void print_json(struct resource_list *list, const struct resource_view *view)
{
	struct buffer *out = list->out;
	json_write_member(out, "{", "kind", view->resource->kind);
	json_write_member(out, ", ", "name", view->resource->name);
	buffer_print(out, ", \"in_force\": %lld, ", view->in_force ? (long long)view->in_force->version : 0);
	version_json(out, view->newest, view->phase, view->why);
	buffer_string(out, "}\n");
}

/* The document in force, or, if none is yet, the newest one. */
static void print_yaml(struct resource_list *list, const struct resource_view *view)
{
	const struct text document = view->in_force ? view->in_force->document : view->newest->document;
	if (list->shown > 0)
		buffer_string(list->out, "---\n");
	buffer_shown_lines(list->out, document);
	if (!text_ends_with(document, TEXT("\n")))
		buffer_byte(list->out, '\n');
}

void resource_list_add(struct resource_list *list, const struct resource_view *view)
{
	switch (list->form) {
	case RESOURCE_LIST_JSON:
		print_json(list, view);
		break;
	case RESOURCE_LIST_YAML:
		print_yaml(list, view);
		break;
	case RESOURCE_LIST_NAME:
		buffer_print(list->out, "%s/%s\n", text_shown(view->resource->kind, list->arena),
			     text_shown(view->resource->name, list->arena));
		break;
	case RESOURCE_LIST_TEXT:
	case RESOURCE_LIST_WIDE:
		print_row(list, view);
		break;
	}
	list->shown++;
}

void resource_list_end(struct resource_list *list)
{
	if (list->form == RESOURCE_LIST_WIDE && list->shown > 0)
		print_engines(list);
}
