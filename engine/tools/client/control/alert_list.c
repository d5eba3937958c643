/* alert_list.c: see alert_list.h. */
#include "tools/client/control/alert_list.h"

#include "base/clock.h"
#include "base/suggest.h"
#include "kafka/consume/reader.h"
#include "observe/status.h"
#include "compiler/plan/plan.h"
#include "compiler/resources/alert_sources.h"

static struct item_list alerts_of(const struct resource *resource)
{
	if (resource->kind->type != RESOURCE_PIPELINE || !resource->spec || !resource->name.text)
		return (struct item_list){0};
	return ((const struct pipeline_spec *)resource->spec)->alerts;
}

/* Whether the condition looks at the time of `over`: whether a detector of the reference dialect is built in, so that its score is
 * a figure, the graph knows. NULL: there is none, since the files have errors. */
static bool condition_reads_time(const struct pipeline_spec *pipeline, const struct graph *graph, const struct alert_spec *alert,
				 struct arena *arena)
{
	struct alert_condition condition;
	const struct alert_sources sources = graph ? graph_figures(graph) : alert_sources_of(pipeline);
	return alert->condition && alert_condition_make(&condition, alert->condition, &sources, arena) &&
	       alert_reads_time(pipeline, &condition);
}

/* With the actions by which rollouts of the files roll back. Their number is that of the resource. */
static void alerts_add(struct alert_list *list, const struct resource *resource, struct arena *arena)
{
	const struct item_list written = alerts_of(resource);
	const struct graph *graph = written.count > 0 ? graph_build(resource, &list->spec, arena, list->spec.faults) : NULL;
	const struct alert_spec *alerts = graph ? graph->spec->alerts.items : written.items;
	for (size_t i = 0; i < written.count; i++)
		list->items[list->count++] =
			(struct listed_alert){resource, &alerts[i], condition_reads_time(resource->spec, graph, &alerts[i], arena)};
}

static bool alerts_collect(struct alert_list *list, struct arena *arena)
{
	const struct spec *spec = &list->spec;
	size_t count = 0;
	for (size_t i = 0; i < spec->count; i++)
		count += alerts_of(spec->resources[i]).count;
	list->items = ARENA_ARRAY(arena, struct listed_alert, count + 1);
	for (size_t i = 0; list->items && i < spec->count; i++)
		alerts_add(list, spec->resources[i], arena);
	return list->items;
}

/* ---- reading ---- */

/* Reads the documents that are in force, or will be. */
static bool control_read(const struct workspace *workspace, const struct pipeline_target_asked *asked,
			 const struct spec_options *options, struct alert_list *list, struct error *error)
{
	if (!control_session_open(workspace, asked, &list->control, error))
		return false;
	const struct ledger *ledger = applier_ledger(list->control.applier);
	struct spec_document *documents = ARENA_ARRAY(workspace->arena, struct spec_document, list_length(&ledger->resources) + 1);
	const struct ledger_resource *resource;
	size_t count = 0;
	if (!documents)
		return error_memory(error, ERROR_SYSTEM, "reading documents");
	LIST_EACH_RESOURCE(ledger, resource)
	{
		const struct ledger_version *version = ledger_accepted(ledger, resource);
		if (version && version->record.action != CONTROL_DELETE)
			documents[count++] = (struct spec_document){.file = "control", .text = version->record.document};
	}
	return spec_read_documents(&list->spec, documents, count, options, error);
}

bool alert_list_open(const struct workspace *workspace, const struct pipeline_target_asked *asked, bool accepted,
		     struct alert_list *list, struct error *error)
{
	const char *namespace = asked->namespace ? asked->namespace : asked->ambient_namespace;
	const struct spec_options options = {.kinds = workspace->kinds, .namespace = namespace};
	*list = (struct alert_list){0};
	list->spec_is_open = true;
	if (!(accepted ? spec_open(&list->spec, error) && control_read(workspace, asked, &options, list, error)
		       : spec_read_listed(&list->spec, asked->files, &options, error)))
		return false;
	if (faults_count(list->spec.faults, SEVERITY_ERROR) > 0)
		return false;
	return alerts_collect(list, workspace->arena) || error_memory(error, ERROR_SYSTEM, "listing alerts");
}

void alert_list_close(struct alert_list *list)
{
	if (list->spec_is_open)
		spec_close(&list->spec);
	control_session_close(&list->control);
}

/* ---- reports of engines ---- */

/* Each engine reports on a pipeline within so long. */
#define REPORT_MS (STATUS_QUIET_MS + STATUS_STALE_MS)

struct report_reading {
	struct alert_list *list;
	struct arena *arena;
};

static struct alerts_report *report_of(const struct report_reading *reading, const struct status *status)
{
	for (struct alerts_report *one = reading->list->reports; one; one = one->next)
		if (text_is(status->instance, one->engine) && text_is(status->pipeline, one->pipeline))
			return one;
	struct alerts_report *made = ARENA_NEW(reading->arena, struct alerts_report);
	if (!made)
		return NULL;
	made->engine = arena_copy(reading->arena, status->instance.bytes, status->instance.length);
	made->pipeline = arena_copy(reading->arena, status->pipeline.bytes, status->pipeline.length);
	made->next = reading->list->reports;
	return made->engine && made->pipeline ? reading->list->reports = made : NULL;
}

static const char *text_reported(struct text text, struct arena *arena)
{
	return text.length > 0 ? arena_copy(arena, text.bytes, text.length) : NULL;
}

/* The latest of each engine about each pipeline. Records of other forms, and old ones, are left out. */
static bool report_take(void *context, const struct record *record, struct error *error)
{
	const struct report_reading *reading = context;
	struct status status;
	struct error strange = {0};
	if (!status_read(record->value, reading->arena, &status, &strange) || time_of_day_ms() - status.at_ms > REPORT_MS)
		return !arena_failed(reading->arena) || error_memory(error, ERROR_SYSTEM, "reading the status");
	struct alerts_report *report = report_of(reading, &status);
	if (!report)
		return error_memory(error, ERROR_SYSTEM, "reading the status");
	if (status.at_ms < report->at_ms)
		return true;
	report->at_ms = status.at_ms;
	report->firing = status.stopped ? NULL : text_reported(status.firing, reading->arena);
	report->drift = status.stopped ? NULL : text_reported(status.drift, reading->arena);
	report->receivers = status.stopped ? NULL : text_reported(status.receivers, reading->arena);
	return true;
}

bool alert_list_read_reports(struct alert_list *list, struct arena *arena, struct error *error)
{
	const struct pipeline_target *target = &list->control.target;
	struct report_reading reading = {list, arena};
	const struct reader_config config = {.brokers = target->kafka.brokers,
					     .topic = target->status,
					     .from_time = true,
					     .time_ms = time_of_day_ms() - REPORT_MS,
					     .properties = target->kafka.consumer};
	return !config.topic || topic_give_all(&config, report_take, &reading, error);
}

/* ---- finding ---- */

static bool refuse_name(const char *pipeline, const char *name, struct text nearest, struct error *error)
{
	const char *of = pipeline ? pipeline : "";
	if (nearest.bytes)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s%s%s no alert `%s`; did you mean `" TEXT_FORMAT "`?",
				 pipeline ? "pipeline " : "there is", of, pipeline ? " has" : "", name, TEXT_ARGUMENTS(nearest));
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s%s%s no alert `%s`; `sluice alerts list` lists them",
			 pipeline ? "pipeline " : "there is", of, pipeline ? " has" : "", name);
}

bool alert_list_has(const struct alert_list *list, const char *pipeline, const char *name, const char *group, struct error *error)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	bool found = false;
	for (size_t i = 0; i < list->count; i++) {
		const char *here = list->items[i].spec->name.text;
		if (pipeline && strcmp(list->items[i].resource->name.text, pipeline) != 0)
			continue;
		if (strcmp(here, name) == 0 && (!group || list->items[i].spec->group_by))
			return true;
		found = found || strcmp(here, name) == 0;
		suggest_offer(&suggestion, text_of(here));
	}
	if (found)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the alert `%s` has no `groupBy`, so it has no group `%s` to silence; leave --group out", name,
				 group);
	return refuse_name(pipeline, name, suggestion.nearest, error);
}

const struct silence_spec *alert_list_silence(const struct alert_list *list, const struct listed_alert *alert, size_t *next)
{
	while (*next < list->spec.count) {
		const struct resource *resource = list->spec.resources[(*next)++];
		if (silence_is_of(resource, alert->resource->namespace, alert->resource->name.text, alert->spec->name.text))
			return resource->spec;
	}
	return NULL;
}
