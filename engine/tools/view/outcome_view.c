/* outcome_view.c: see outcome_view.h. */
#include "tools/view/outcome_view.h"

#include <math.h>

#include "base/quote.h"
#include "message/json/json_write.h"
#include "message/json/tensor_json.h"

/* ---- text ---- */

static void outcome_lines(const struct outcome *outcome, const struct record *record, struct arena *arena, struct buffer *out)
{
	const struct exposure *exposure = &outcome->exposure;
	const struct text who = exposure->id.length > 0 ? exposure->id : exposure->unit;
	buffer_print(out, "%s  %d:%lld  %s", text_shown(who, arena), (int)record->partition, (long long)record->offset,
		     outcome_kind_name(outcome->kind));
	if (exposure->experiment.length > 0)
		buffer_print(out, "  %s  %s", text_shown(exposure->experiment, arena), text_shown(exposure->variant, arena));
	if (outcome->weight > 1)
		buffer_print(out, "  for %lld", (long long)outcome->weight);
	buffer_string(out, outcome->by_unit ? "  by its unit\n" : "\n");
	for (size_t i = 0; i < outcome->metric_count; i++) {
		const struct outcome_metric *metric = &outcome->metrics[i];
		buffer_print(out, "  %s  ", text_shown(metric->name, arena));
		json_write_double(out, metric->value);
		buffer_print(out, "  %s\n", outcome_how_name(metric->how));
	}
	for (size_t i = 0; i < outcome->truth.count; i++) {
		buffer_print(out, "  truth %s  ", text_shown(outcome->truth.items[i]->name, arena));
		tensor_json_write_nested(out, outcome->truth.items[i], BYTES_AS_EITHER);
		buffer_byte(out, '\n');
	}
}

bool outcome_view_print_text(const struct record *record, struct arena *arena, struct buffer *out, struct error *error)
{
	struct outcome outcome;
	struct buffer lines;
	if (!outcome_decode(record->value, arena, &outcome, error))
		return false;
	buffer_open(&lines, out->ceiling_bytes);
	outcome_lines(&outcome, record, arena, &lines);
	buffer_shown_lines(out, buffer_view(&lines));
	out->failed = out->failed || buffer_failed(&lines);
	buffer_close(&lines);
	return true;
}

/* ---- JSON ---- */

static void put_name(struct buffer *out, const char *name)
{
	buffer_print(out, ", \"%s\": ", name);
}

static void put_text(struct buffer *out, const char *name, struct text text)
{
	if (text.length > 0)
		json_write_member(out, ", ", name, text);
}

static void put_number(struct buffer *out, const char *name, int64_t number)
{
	if (number != 0)
		buffer_print(out, ", \"%s\": %lld", name, (long long)number);
}

static void put_origin(struct buffer *out, const char *name, const struct origin *origin)
{
	if (origin->topic.length == 0)
		return;
	put_name(out, name);
	json_write_member(out, "{", "topic", origin->topic);
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld}", (int)origin->partition, (long long)origin->offset);
}

static void put_tensors(struct buffer *out, const char *name, const struct tensors *tensors)
{
	for (size_t i = 0; i < tensors->count; i++) {
		if (i == 0)
			put_name(out, name);
		buffer_string(out, i == 0 ? "{" : ", ");
		json_write_string(out, tensors->items[i]->name);
		buffer_string(out, ": ");
		tensor_json_write_nested(out, tensors->items[i], BYTES_AS_EITHER);
	}
	buffer_string(out, tensors->count > 0 ? "}" : "");
}

static void put_features(struct buffer *out, const struct exposure *exposure)
{
	if (exposure->feature_count + exposure->text_count == 0)
		return;
	put_name(out, "context");
	for (size_t i = 0; i < exposure->feature_count; i++) {
		buffer_string(out, i == 0 ? "{" : ", ");
		json_write_string(out, exposure->features[i].name);
		buffer_string(out, ": ");
		json_write_double(out, exposure->features[i].value);
	}
	for (size_t i = 0; i < exposure->text_count; i++) {
		buffer_string(out, exposure->feature_count + i == 0 ? "{" : ", ");
		json_write_string(out, exposure->texts[i].name);
		buffer_string(out, ": ");
		json_write_string(out, exposure->texts[i].value);
	}
	buffer_byte(out, '}');
}

static void put_exposure(struct buffer *out, const struct exposure *exposure)
{
	json_write_member(out, ", \"exposure\": {", "id", exposure->id);
	put_origin(out, "origin", &exposure->origin);
	put_number(out, "time_ms", exposure->time_ms);
	put_text(out, "experiment", exposure->experiment);
	put_text(out, "variant", exposure->variant);
	if (exposure->experiment.length > 0) {
		json_write_finite_member(out, ", ", "probability", exposure->probability);
		put_text(out, "reason", text_of(assigned_reason_name(exposure->reason)));
	}
	put_text(out, "unit", exposure->unit);
	put_features(out, exposure);
	put_text(out, "versions", exposure->versions);
	put_text(out, "table", exposure->table);
	put_text(out, "prediction", exposure->prediction);
	if (!isnan(exposure->latency_ms))
		json_write_finite_member(out, ", ", "latency_ms", exposure->latency_ms);
	put_number(out, "stage", exposure->stage);
	put_text(out, "layer", exposure->layer);
	put_text(out, "error", exposure->error);
	buffer_byte(out, '}');
}

static void put_metrics(struct buffer *out, const struct outcome *outcome)
{
	put_name(out, "metrics");
	for (size_t i = 0; i < outcome->metric_count; i++) {
		const struct outcome_metric *metric = &outcome->metrics[i];
		json_write_member(out, i == 0 ? "[{" : ", {", "name", metric->name);
		put_name(out, "value");
		json_write_double(out, metric->value);
		json_write_member(out, ", ", "how", text_of(outcome_how_name(metric->how)));
		buffer_byte(out, '}');
	}
	buffer_string(out, outcome->metric_count > 0 ? "]" : "[]");
}

static void put_observed(struct buffer *out, const struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->observed_count; i++) {
		const struct observed_row *row = &outcome->observed[i];
		if (i == 0)
			put_name(out, "observed");
		json_write_member(out, i == 0 ? "[{" : ", {", "step", row->step);
		put_text(out, "segment", row->segment);
		buffer_print(out, ", \"window\": %lld, \"row\": %d, \"class\": %d, \"classes\": %d", (long long)row->window,
			     (int)row->row, (int)row->class, (int)row->classes);
		json_write_finite_member(out, ", ", "first", row->first);
		json_write_finite_member(out, ", ", "second", row->second);
		buffer_byte(out, '}');
	}
	buffer_string(out, outcome->observed_count > 0 ? "]" : "");
}

bool outcome_view_print_json(const struct record *record, struct arena *arena, struct buffer *out, struct error *error)
{
	struct outcome outcome;
	if (!outcome_decode(record->value, arena, &outcome, error))
		return false;
	json_write_member(out, "{", "kind", text_of(outcome_kind_name(outcome.kind)));
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld", (int)record->partition, (long long)record->offset);
	put_exposure(out, &outcome.exposure);
	put_number(out, "happened_ms", outcome.happened_ms);
	put_number(out, "written_ms", outcome.written_ms);
	put_origin(out, "source", &outcome.source);
	put_text(out, "feedback_id", outcome.feedback_id);
	if (outcome.by_unit)
		buffer_string(out, ", \"by_unit\": true");
	put_metrics(out, &outcome);
	if (outcome.weight != 1)
		put_number(out, "weight", outcome.weight);
	put_tensors(out, "truth", &outcome.truth);
	put_tensors(out, "answer", &outcome.answer);
	put_tensors(out, "request", &outcome.request);
	put_observed(out, &outcome);
	if (outcome.unjudged)
		buffer_string(out, ", \"unjudged\": true");
	buffer_string(out, "}\n");
	return true;
}
