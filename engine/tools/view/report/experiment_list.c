/* experiment_list.c: List of the experiments of files, as text or JSON. */
#include "tools/view/report/experiment_list.h"

#include "message/json/json_write.h"

#define PERCENT 100.0

static bool experiment_list_add(struct experiment_list *list, const struct graph_experiment *experiment, const char *pipeline)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].experiment->name, experiment->name) == 0) {
			list->items[i].pipelines = arena_print(list->arena, "%s,%s", list->items[i].pipelines, pipeline);
			return list->items[i].pipelines != NULL;
		}
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 16;
		struct listed_experiment *items = ARENA_ARRAY(list->arena, struct listed_experiment, room);
		if (!items)
			return false;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof *items);
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = (struct listed_experiment){experiment, pipeline};
	return true;
}

static bool names_have(const char *names, const char *name)
{
	struct text rest = text_of(names);
	while (rest.length > 0)
		if (text_is(text_take_until(&rest, ','), name))
			return true;
	return false;
}

/* An Experiment of pipelines splits the calls of its default, whose own graph does not have it. */
static bool defaults_add(struct experiment_list *list, const struct spec *spec)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct graph_experiment *experiment = list->items[i].experiment;
		const char *name = experiment->spec->default_name.text;
		if (!name || experiment->spec->resource_type != EXPERIMENT_PIPELINE ||
		    !spec_find(spec, RESOURCE_EXPERIMENT, experiment->name) || names_have(list->items[i].pipelines, name))
			continue;
		if (!experiment_list_add(list, experiment, name))
			return false;
	}
	return true;
}

bool experiment_list_read(struct experiment_list *list, const struct spec *spec)
{
	struct linked_graphs graphs;
	if (!linked_graphs_build(&graphs, spec, list->arena))
		return false;
	for (size_t i = 0; i < graphs.count; i++)
		for (size_t j = 0; j < graphs.items[i]->reachable_count; j++)
			if (!experiment_list_add(list, graphs.items[i]->reachable[j], graphs.items[i]->name))
				return false;
	return defaults_add(list, spec) && !arena_failed(list->arena);
}

static const char *algorithm_of(const struct graph_experiment *experiment)
{
	if (experiment->spec->bandits.here.line == 0)
		return experiment_is_staged(experiment->spec)	    ? "stages"
		       : experiment_is_rolled_out(experiment->spec) ? "promotion"
								    : "weights";
	return experiment_algorithm(experiment->spec);
}

void experiment_list_print(const struct experiment_list *list, struct buffer *out)
{
	if (list->count > 0)
		buffer_print(out, "%-32s %-16s %-24s %s\n", "EXPERIMENT", "BY", "PIPELINES", "VARIANTS");
	else
		buffer_string(out, "no experiments\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct graph_experiment *experiment = list->items[i].experiment;
		buffer_print(out, "%-32s %-16s %-24s ", experiment->name, algorithm_of(experiment), list->items[i].pipelines);
		for (size_t j = 0; j < experiment->count; j++)
			buffer_print(out, "%s%s %.4g%%", j > 0 ? ", " : "", experiment->shares[j].name,
				     PERCENT * experiment->probabilities[j]);
		if (experiment->spec->mirror_name.text)
			buffer_print(out, "; mirror %s %d%%", experiment->spec->mirror_name.text,
				     (int)experiment->spec->mirror_percent);
		buffer_byte(out, '\n');
	}
}

void experiment_list_print_json(const struct experiment_list *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct graph_experiment *experiment = list->items[i].experiment;
		const struct experiment_spec *spec = experiment->spec;
		json_write_member(out, "{", "experiment", text_of(experiment->name));
		json_write_member(out, ", ", "by", text_of(algorithm_of(experiment)));
		struct text rest = text_of(list->items[i].pipelines);
		buffer_string(out, ", \"pipelines\": [");
		while (rest.length > 0) {
			json_write_string(out, text_take_until(&rest, ','));
			buffer_string(out, rest.length > 0 ? ", " : "]");
		}
		if (spec->default_name.text)
			json_write_member(out, ", ", "default", text_of(spec->default_name.text));
		if (spec->mirror_name.text)
			json_write_member(out, ", ", "mirror", text_of(spec->mirror_name.text));
		buffer_print(out, ", \"exposures\": %s, \"variants\": [", experiment->exposes ? "true" : "false");
		for (size_t j = 0; j < experiment->count; j++) {
			json_write_member(out, j > 0 ? ", {" : "{", "name", text_of(experiment->shares[j].name));
			buffer_string(out, ", \"share\": ");
			json_write_double(out, experiment->probabilities[j]);
			buffer_byte(out, '}');
		}
		buffer_string(out, "]}\n");
	}
}
