/* records.c: see records.h. */
#include "control/records/records.h"

#include <inttypes.h>

static _Atomic uint64_t schema_names[11]; /* of the forms below */

static const struct record_field label_fields[] = {
	RECORD_ROW(TEXT, struct control_label, key),
	RECORD_ROW(TEXT, struct control_label, value),
	RECORD_END,
};

static const struct record_field resource_fields[] = {
	RECORD_ROW(TEXT, struct resource_version, kind),
	RECORD_ROW(TEXT, struct resource_version, name),
	RECORD_ROW(NUMBER, struct resource_version, version),
	RECORD_END,
};

static const struct record_field version_fields[] = {
	RECORD_ROW(TEXT, struct control_version, kind),
	RECORD_ROW(TEXT, struct control_version, name),
	RECORD_ROW(TEXT, struct control_version, namespace),
	RECORD_ROW(NUMBER, struct control_version, version),
	RECORD_CHOICE(struct control_version, action, CONTROL_DELETE + 1),
	RECORD_ROW(TEXT, struct control_version, document),
	RECORD_ROW(TEXT, struct control_version, author),
	RECORD_ROW(TEXT, struct control_version, reason),
	RECORD_ROW(TEXT, struct control_version, proposal),
	RECORD_ROW(NUMBER, struct control_version, time_ms),
	RECORD_ROW(TEXT, struct control_version, keeper),
	RECORD_LIST(struct control_version, labels.count, labels.items, label_fields, struct control_label),
	RECORD_ROW(NUMBER, struct control_version, change),
	RECORD_ROW(NUMBER, struct control_version, epoch),
	RECORD_END,
};
const struct record_form version_form = {
	"control", "version of a resource", version_fields, sizeof(struct control_version), &schema_names[0], {0}};

static const struct record_field change_fields[] = {
	RECORD_ROW(TEXT, struct control_change, namespace),
	RECORD_ROW(NUMBER, struct control_change, number),
	RECORD_CHOICE(struct control_change, phase, CHANGE_FAILED + 1),
	RECORD_ROW(TEXT, struct control_change, why),
	RECORD_LIST(struct control_change, versions.count, versions.items, resource_fields, struct resource_version),
	RECORD_ROW(TEXT, struct control_change, author),
	RECORD_ROW(TEXT, struct control_change, proposal),
	RECORD_ROW(NUMBER, struct control_change, time_ms),
	RECORD_ROW(TEXT, struct control_change, keeper),
	RECORD_ROW(NUMBER, struct control_change, epoch),
	RECORD_END,
};
const struct record_form change_form = {"change", "change", change_fields, sizeof(struct control_change), &schema_names[1], {0}};

static const struct record_field fault_fields[] = {
	RECORD_ROW(TEXT, struct verdict_fault, kind),
	RECORD_ROW(TEXT, struct verdict_fault, name),
	RECORD_ROW(NUMBER, struct verdict_fault, line),
	RECORD_ROW(NUMBER, struct verdict_fault, column),
	RECORD_ROW(TEXT, struct verdict_fault, code),
	RECORD_ROW(TEXT, struct verdict_fault, text),
	RECORD_END,
};

static const struct record_field verdict_fields[] = {
	RECORD_ROW(TEXT, struct control_verdict, id),
	RECORD_ROW(TEXT, struct control_verdict, namespace),
	RECORD_CHOICE(struct control_verdict, outcome, VERDICT_CONFLICT + 1),
	RECORD_ROW(TEXT, struct control_verdict, why),
	RECORD_ROW(NUMBER, struct control_verdict, change),
	RECORD_LIST(struct control_verdict, versions.count, versions.items, resource_fields, struct resource_version),
	RECORD_ROW(TEXT, struct control_verdict, other),
	RECORD_LIST(struct control_verdict, faults.count, faults.items, fault_fields, struct verdict_fault),
	RECORD_ROW(NUMBER, struct control_verdict, resume),
	RECORD_ROW(NUMBER, struct control_verdict, time_ms),
	RECORD_ROW(TEXT, struct control_verdict, keeper),
	RECORD_ROW(NUMBER, struct control_verdict, epoch),
	RECORD_END,
};
const struct record_form verdict_form = {"verdict",	   "verdict", verdict_fields, sizeof(struct control_verdict),
					 &schema_names[2], {0}};

static const struct record_field keeper_fields[] = {
	RECORD_ROW(TEXT, struct control_keeper, namespace),
	RECORD_ROW(NUMBER, struct control_keeper, epoch),
	RECORD_ROW(TEXT, struct control_keeper, keeper),
	RECORD_ROW(NUMBER, struct control_keeper, time_ms),
	RECORD_END,
};
const struct record_form keeper_form = {
	"keeper", "record of a keeper", keeper_fields, sizeof(struct control_keeper), &schema_names[3], {0}};

static const struct record_field share_fields[] = {
	RECORD_ROW(TEXT, struct table_share, name),
	RECORD_ROW(NUMBER, struct table_share, buckets),
	RECORD_END,
};

static const struct record_field table_fields[] = {
	RECORD_ROW(TEXT, struct control_table, choice),
	RECORD_ROW(TEXT, struct control_table, namespace),
	RECORD_ROW(NUMBER, struct control_table, version),
	RECORD_ROW(TEXT, struct control_table, kind),
	RECORD_ROW(TEXT, struct control_table, name),
	RECORD_LIST(struct control_table, shares.count, shares.items, share_fields, struct table_share),
	RECORD_ROW(TEXT, struct control_table, buckets),
	RECORD_ROW(TEXT, struct control_table, table),
	RECORD_ROW(NUMBER, struct control_table, moved),
	RECORD_ROW(NUMBER, struct control_table, change),
	RECORD_ROW(NUMBER, struct control_table, time_ms),
	RECORD_ROW(TEXT, struct control_table, keeper),
	RECORD_ROW(NUMBER, struct control_table, epoch),
	RECORD_END,
};
const struct record_form table_form = {"table", "bucket table", table_fields, sizeof(struct control_table), &schema_names[7], {0}};

static const struct record_field item_fields[] = {
	RECORD_ROW(TEXT, struct proposal_item, kind),
	RECORD_ROW(TEXT, struct proposal_item, name),
	RECORD_CHOICE(struct proposal_item, action, PROPOSAL_COLLECT + 1),
	RECORD_ROW(TEXT, struct proposal_item, document),
	RECORD_ROW(NUMBER, struct proposal_item, expected),
	RECORD_ROW(NUMBER, struct proposal_item, to),
	RECORD_LIST(struct proposal_item, labels.count, labels.items, label_fields, struct control_label),
	RECORD_END,
};

static const struct record_field proposal_fields[] = {
	RECORD_ROW(TEXT, struct proposal, id),
	RECORD_ROW(TEXT, struct proposal, namespace),
	RECORD_ROW(TEXT, struct proposal, author),
	RECORD_ROW(TEXT, struct proposal, reason),
	RECORD_ROW(NUMBER, struct proposal, time_ms),
	RECORD_ROW(NUMBER, struct proposal, part),
	RECORD_ROW(NUMBER, struct proposal, parts),
	RECORD_LIST(struct proposal, items.count, items.items, item_fields, struct proposal_item),
	RECORD_END,
};
const struct record_form proposal_form = {"proposal", "proposal", proposal_fields, sizeof(struct proposal), &schema_names[4], {0}};

static const struct record_field number_fields[] = {{.type = RECORD_FIELD_NUMBER}, RECORD_END};

static const struct record_field failed_fields[] = {
	RECORD_ROW(NUMBER, struct failed_change, change),
	RECORD_ROW(TEXT, struct failed_change, why),
	RECORD_END,
};

static const struct record_field report_fields[] = {
	RECORD_ROW(TEXT, struct engine_report, namespace),
	RECORD_ROW(TEXT, struct engine_report, engine),
	RECORD_ROW(NUMBER, struct engine_report, started_ms),
	RECORD_ROW(NUMBER, struct engine_report, sequence),
	RECORD_ROW(FLAG, struct engine_report, stopped),
	RECORD_LIST(struct engine_report, prepared.count, prepared.items, number_fields, int64_t),
	RECORD_LIST(struct engine_report, failed.count, failed.items, failed_fields, struct failed_change),
	RECORD_END,
};
const struct record_form report_form = {
	"report", "report of an engine", report_fields, sizeof(struct engine_report), &schema_names[5], {0}};

static const struct record_field condition_fields[] = {
	RECORD_ROW(TEXT, struct engine_condition, kind),
	RECORD_ROW(TEXT, struct engine_condition, name),
	RECORD_ROW(NUMBER, struct engine_condition, version),
	RECORD_ROW(FLAG, struct engine_condition, ready),
	RECORD_ROW(TEXT, struct engine_condition, what),
	RECORD_ROW(TEXT, struct engine_condition, why),
	RECORD_ROW(NUMBER, struct engine_condition, since_ms),
	RECORD_END,
};

static const struct record_field conditions_fields[] = {
	RECORD_ROW(TEXT, struct engine_conditions, namespace),
	RECORD_ROW(TEXT, struct engine_conditions, engine),
	RECORD_ROW(NUMBER, struct engine_conditions, started_ms),
	RECORD_ROW(NUMBER, struct engine_conditions, sequence),
	RECORD_ROW(NUMBER, struct engine_conditions, time_ms),
	RECORD_ROW(FLAG, struct engine_conditions, stopped),
	RECORD_LIST(struct engine_conditions, conditions.count, conditions.items, condition_fields, struct engine_condition),
	RECORD_END,
};
const struct record_form conditions_form = {
	"conditions", "record of conditions", conditions_fields, sizeof(struct engine_conditions), &schema_names[6], {0}};

static const struct record_field slower_fields[] = {
	RECORD_ROW(NUMBER, struct slower_count, limit_us),
	RECORD_ROW(NUMBER, struct slower_count, calls),
	RECORD_END,
};

static const struct record_field variant_fields[] = {
	RECORD_ROW(TEXT, struct variant_count, name),
	RECORD_ROW(NUMBER, struct variant_count, calls),
	RECORD_ROW(NUMBER, struct variant_count, errors),
	RECORD_LIST(struct variant_count, slower.count, slower.items, slower_fields, struct slower_count),
	RECORD_LIST(struct variant_count, cells.count, cells.items, number_fields, int64_t),
	RECORD_END,
};

static const struct record_field tally_fields[] = {
	RECORD_ROW(TEXT, struct engine_tally, engine),
	RECORD_ROW(NUMBER, struct engine_tally, started_ms),
	RECORD_LIST(struct engine_tally, variants.count, variants.items, variant_fields, struct variant_count),
	RECORD_END,
};

static const struct record_field metric_truth_fields[] = {
	RECORD_ROW(TEXT, struct metric_truth, name),
	RECORD_ROW(NUMBER, struct metric_truth, requests),
	RECORD_ROW(NUMBER, struct metric_truth, units),
	RECORD_ROW(REAL, struct metric_truth, mean),
	RECORD_ROW(REAL, struct metric_truth, squares),
	RECORD_ADDED(2, NUMBER, struct metric_truth, joined),
	RECORD_ADDED(2, NUMBER, struct metric_truth, late),
	RECORD_ADDED(3, REAL, struct metric_truth, size),
	RECORD_ADDED(3, REAL, struct metric_truth, size_squares),
	RECORD_ADDED(3, REAL, struct metric_truth, products),
	RECORD_ADDED(3, NUMBER, struct metric_truth, other_values),
	RECORD_END,
};

static const struct record_field truth_fields[] = {
	RECORD_ROW(TEXT, struct variant_truth, name),
	RECORD_ROW(NUMBER, struct variant_truth, units),
	RECORD_ROW(NUMBER, struct variant_truth, sum),
	RECORD_ROW(NUMBER, struct variant_truth, squares),
	RECORD_ROW(NUMBER, struct variant_truth, requests),
	RECORD_LIST(struct variant_truth, metrics.count, metrics.items, metric_truth_fields, struct metric_truth),
	RECORD_ADDED(2, NUMBER, struct variant_truth, joined),
	RECORD_ADDED(2, NUMBER, struct variant_truth, late),
	RECORD_END,
};

static const struct record_field pipeline_truth_fields[] = {
	RECORD_ROW(TEXT, struct pipeline_truth, pipeline),
	RECORD_LIST(struct pipeline_truth, variants.count, variants.items, truth_fields, struct variant_truth),
	RECORD_END,
};

static const struct record_field rollout_fields[] = {
	RECORD_ROW(TEXT, struct control_rollout, experiment),
	RECORD_ROW(TEXT, struct control_rollout, namespace),
	RECORD_ROW(NUMBER, struct control_rollout, version),
	RECORD_ROW(NUMBER, struct control_rollout, table),
	RECORD_ROW(TEXT, struct control_rollout, phase),
	RECORD_ROW(NUMBER, struct control_rollout, stage),
	RECORD_ROW(NUMBER, struct control_rollout, stages),
	RECORD_ROW(NUMBER, struct control_rollout, buckets),
	RECORD_ROW(FLAG, struct control_rollout, waiting),
	RECORD_ROW(NUMBER, struct control_rollout, moves),
	RECORD_ROW(NUMBER, struct control_rollout, began_ms),
	RECORD_ROW(NUMBER, struct control_rollout, looked_ms),
	RECORD_ROW(TEXT, struct control_rollout, state),
	RECORD_LIST(struct control_rollout, limits.count, limits.items, number_fields, int64_t),
	RECORD_LIST(struct control_rollout, engines.count, engines.items, tally_fields, struct engine_tally),
	RECORD_LIST(struct control_rollout, truths.count, truths.items, pipeline_truth_fields, struct pipeline_truth),
	RECORD_ROW(NUMBER, struct control_rollout, time_ms),
	RECORD_ROW(TEXT, struct control_rollout, keeper),
	RECORD_ROW(NUMBER, struct control_rollout, epoch),
	RECORD_END,
};
const struct record_form rollout_form = {.schema = "rollout",
					 .called = "state of a rollout",
					 .fields = rollout_fields,
					 .bytes = sizeof(struct control_rollout),
					 .schema_name = &schema_names[8],
					 .formers = {UINT64_C(0x4cfe611c9ee93a54), UINT64_C(0x932b908038f9dfce)}};

static const struct record_field move_fields[] = {
	RECORD_ROW(TEXT, struct control_move, experiment),
	RECORD_ROW(TEXT, struct control_move, namespace),
	RECORD_ROW(NUMBER, struct control_move, number),
	RECORD_ROW(NUMBER, struct control_move, version),
	RECORD_ROW(NUMBER, struct control_move, table),
	RECORD_ROW(NUMBER, struct control_move, moved),
	RECORD_ROW(TEXT, struct control_move, sentence),
	RECORD_ROW(TEXT, struct control_move, evidence),
	RECORD_ROW(TEXT, struct control_move, author),
	RECORD_ROW(TEXT, struct control_move, reason),
	RECORD_ROW(NUMBER, struct control_move, time_ms),
	RECORD_ROW(TEXT, struct control_move, keeper),
	RECORD_ROW(NUMBER, struct control_move, epoch),
	RECORD_END,
};
const struct record_form move_form = {"move", "move of a rollout", move_fields, sizeof(struct control_move), &schema_names[9], {0}};

static const struct record_field experiment_fields[] = {
	RECORD_ROW(TEXT, struct experiment_tally, experiment),
	RECORD_ROW(NUMBER, struct experiment_tally, table),
	RECORD_LIST(struct experiment_tally, variants.count, variants.items, variant_fields, struct variant_count),
	RECORD_LIST(struct experiment_tally, truths.count, truths.items, pipeline_truth_fields, struct pipeline_truth),
	RECORD_END,
};

static const struct record_field tallies_fields[] = {
	RECORD_ROW(TEXT, struct engine_tallies, namespace),
	RECORD_ROW(TEXT, struct engine_tallies, engine),
	RECORD_ROW(NUMBER, struct engine_tallies, started_ms),
	RECORD_ROW(NUMBER, struct engine_tallies, sequence),
	RECORD_LIST(struct engine_tallies, experiments.count, experiments.items, experiment_fields, struct experiment_tally),
	RECORD_END,
};
const struct record_form tally_form = {.schema = "tally",
				       .called = "tally of an engine",
				       .fields = tallies_fields,
				       .bytes = sizeof(struct engine_tallies),
				       .schema_name = &schema_names[10],
				       .formers = {UINT64_C(0xef56c0a589a02841), UINT64_C(0xfb39df24ccf41496)}};

bool version_has_label(const struct control_version *version, struct text key, struct text value)
{
	const struct control_label *labels = version->labels.items;
	for (size_t i = 0; i < version->labels.count; i++)
		if (text_equal(labels[i].key, key) && text_equal(labels[i].value, value))
			return true;
	return false;
}

/* ---- keys ---- */

void version_key(struct text kind, struct text name, int64_t version, struct buffer *out)
{
	buffer_text(out, kind);
	buffer_byte(out, '/');
	buffer_text(out, name);
	buffer_print(out, "@%" PRId64, version);
}

void change_key(int64_t number, struct buffer *out)
{
	buffer_print(out, "change@%" PRId64, number);
}

void verdict_key(struct text id, struct buffer *out)
{
	buffer_string(out, "verdict@");
	buffer_text(out, id);
}

void choice_key(struct text choice, struct buffer *out)
{
	buffer_text(out, TABLE_KEY_PREFIX);
	buffer_text(out, choice);
}

void table_key(struct text choice, int64_t version, struct buffer *out)
{
	choice_key(choice, out);
	buffer_print(out, "@%" PRId64, version);
}

void rollout_key(struct text experiment, struct buffer *out)
{
	buffer_text(out, ROLLOUT_KEY_PREFIX);
	buffer_text(out, experiment);
}

void move_key(struct text experiment, int64_t number, struct buffer *out)
{
	buffer_text(out, MOVE_KEY_PREFIX);
	buffer_text(out, experiment);
	buffer_print(out, "@%" PRId64, number);
}

void report_key(struct text engine, struct buffer *out)
{
	buffer_string(out, "report/");
	buffer_text(out, engine);
}

void conditions_key(struct text engine, struct buffer *out)
{
	buffer_string(out, "conditions/");
	buffer_text(out, engine);
}

void tally_key(struct text engine, struct buffer *out)
{
	buffer_string(out, "tally/");
	buffer_text(out, engine);
}

bool control_name_is_valid(struct text name)
{
	if (name.length == 0 || name.length > CONTROL_NAME_BYTES_MAX || !text_is_utf8(name) || text_is(name, ".") ||
	    text_is(name, ".."))
		return false;
	for (size_t i = 0; i < name.length; i++) {
		unsigned char byte = (unsigned char)name.bytes[i];
		if (byte <= ' ' || byte == 0x7F || byte == '/' || byte == '@')
			return false;
	}
	return true;
}

bool control_key_is_possible(struct text key)
{
	const char *at = key.length > 0 ? memchr(key.bytes, '@', key.length) : NULL;
	if (text_equal(key, KEEPER_KEY))
		return true;
	if (!at || at == key.bytes || key.bytes[key.length - 1] == '@' || !text_is_utf8(key))
		return false;
	for (size_t i = 0; i < key.length; i++)
		if ((unsigned char)key.bytes[i] <= ' ' || key.bytes[i] == 0x7F)
			return false;
	return true;
}

bool control_choice_is_valid(struct text name)
{
	struct text last = name;
	const struct text first = text_take_until(&last, '/');
	return control_name_is_valid(first) && (first.length == name.length || control_name_is_valid(last));
}
