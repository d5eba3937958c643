/* silence.c: Option rows and checks of a Silence, and the silence in which an alert is. */
#include "base/number/moment.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

const struct option silence_resource_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct silence_spec, here)},
	ROW("alert", NAME, struct silence_spec, alert, .required = true, .help = "The name of the alert."),
	ROW("pipeline", NAME, struct silence_spec, pipeline, .help = "Its pipeline; default: any pipeline with such an alert."),
	ROW("group", TEXT, struct silence_spec, group,
	    .help = "For an alert with `groupBy`: the group that is silenced; default: all of them."),
	ROW("until", NAME, struct silence_spec, until, .required = true, .help = "The end: a time of day, ISO 8601."),
	ROW("reason", TEXT, struct silence_spec, reason, .required = true, .help = "Why, for those who read the list of alerts."),
	ROW("author", TEXT, struct silence_spec, author, .help = "Who silenced it."),
	{.type = OPTION_END},
};

void silence_check(const struct resource *resource, struct faults *faults)
{
	const struct silence_spec *silence = resource->spec;
	int64_t until_ms;
	if (silence->until.text && !moment_read(text_of(silence->until.text), &until_ms))
		fault_add(faults, CODE_BAD_DURATION, silence->until.place, NULL,
			  "`until` is not a time of day, as in 2026-11-30T18:00Z");
}

static void end_check(const struct name *until, int64_t now_ms, struct faults *faults)
{
	int64_t until_ms;
	if (until->text && moment_read(text_of(until->text), &until_ms) && until_ms <= now_ms)
		fault_add(faults, CODE_ENDED_SILENCE, until->place, NULL,
			  "the silence has ended, so it silences nothing; delete it, or give a later `until`");
}

void spec_check_silences(const struct spec *spec, int64_t now_ms)
{
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_SILENCE, &at));)
		if (resource->spec)
			end_check(&((const struct silence_spec *)resource->spec)->until, now_ms, spec->faults);
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_PIPELINE, &at));) {
		const struct pipeline_spec *pipeline = resource->spec;
		const struct alert_spec *alerts = pipeline ? pipeline->alerts.items : NULL;
		for (size_t i = 0; alerts && i < pipeline->alerts.count; i++)
			end_check(&alerts[i].silence.until, now_ms, spec->faults);
	}
}

bool silence_is_of(const struct resource *resource, const char *namespace, const char *pipeline, const char *alert)
{
	const struct silence_spec *silence = resource->kind->type == RESOURCE_SILENCE ? resource->spec : NULL;
	if (!silence || (resource->namespace && namespace && strcmp(resource->namespace, namespace) != 0))
		return false;
	return silence->alert.text && strcmp(silence->alert.text, alert) == 0 &&
	       (!silence->pipeline.text || strcmp(silence->pipeline.text, pipeline) == 0);
}

int64_t alert_silenced_until(const struct spec *spec, const char *namespace, const char *pipeline, const struct alert_spec *alert)
{
	int64_t last_ms = 0, until_ms;
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(spec, RESOURCE_SILENCE, &at));) {
		const struct silence_spec *silence = resource->spec;
		if (silence_is_of(resource, namespace, pipeline, alert->name.text) && !silence->group && silence->until.text &&
		    moment_read(text_of(silence->until.text), &until_ms) && until_ms > last_ms)
			last_ms = until_ms;
	}
	if (alert->silence.until.text && moment_read(text_of(alert->silence.until.text), &until_ms) && until_ms > last_ms)
		last_ms = until_ms;
	return last_ms;
}
