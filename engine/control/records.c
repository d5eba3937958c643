/* records.c: see records.h. */
#include "control/records.h"

#include <inttypes.h>

static _Atomic uint64_t schema_names[11]; /* of the forms below */

#define FIELD(kind, record, member) {.type = RECORD_FIELD_##kind, .offset = offsetof(record, member)}
#define ADDED(number, kind, record, member)                                                                                        \
	{                                                                                                                          \
		.type = RECORD_FIELD_##kind, .offset = offsetof(record, member), .since = (number)                                 \
	}
#define CHOICE(record, member, count) {.type = RECORD_FIELD_CHOICE, .choices = (count), .offset = offsetof(record, member)}
#define LIST(record, member, rows, item)                                                                                           \
	{.type = RECORD_FIELD_LIST, .offset = offsetof(record, member), .fields = (rows), .item_bytes = sizeof(item)}
#define END {.type = RECORD_FIELD_END}

static const struct record_field label_fields[] = {
	FIELD(TEXT, struct control_label, key),
	FIELD(TEXT, struct control_label, value),
	END,
};

static const struct record_field resource_fields[] = {
	FIELD(TEXT, struct resource_version, kind),
	FIELD(TEXT, struct resource_version, name),
	FIELD(NUMBER, struct resource_version, version),
	END,
};

static const struct record_field version_fields[] = {
	FIELD(TEXT, struct control_version, kind),
	FIELD(TEXT, struct control_version, name),
	FIELD(TEXT, struct control_version, namespace),
	FIELD(NUMBER, struct control_version, version),
	CHOICE(struct control_version, action, CONTROL_DELETE + 1),
	FIELD(TEXT, struct control_version, document),
	FIELD(TEXT, struct control_version, author),
	FIELD(TEXT, struct control_version, reason),
	FIELD(TEXT, struct control_version, proposal),
	FIELD(NUMBER, struct control_version, time_ms),
	FIELD(TEXT, struct control_version, keeper),
	LIST(struct control_version, labels, label_fields, struct control_label),
	FIELD(NUMBER, struct control_version, change),
	FIELD(NUMBER, struct control_version, epoch),
	END,
};
const struct record_form version_form = {
	"control", "version of a resource", version_fields, sizeof(struct control_version), &schema_names[0], {0}};

static const struct record_field change_fields[] = {
	FIELD(TEXT, struct control_change, namespace),
	FIELD(NUMBER, struct control_change, number),
	CHOICE(struct control_change, phase, CHANGE_FAILED + 1),
	FIELD(TEXT, struct control_change, why),
	LIST(struct control_change, versions, resource_fields, struct resource_version),
	FIELD(TEXT, struct control_change, author),
	FIELD(TEXT, struct control_change, proposal),
	FIELD(NUMBER, struct control_change, time_ms),
	FIELD(TEXT, struct control_change, keeper),
	FIELD(NUMBER, struct control_change, epoch),
	END,
};
const struct record_form change_form = {"change", "change", change_fields, sizeof(struct control_change), &schema_names[1], {0}};

static const struct record_field fault_fields[] = {
	FIELD(TEXT, struct verdict_fault, kind),
	FIELD(TEXT, struct verdict_fault, name),
	FIELD(NUMBER, struct verdict_fault, line),
	FIELD(NUMBER, struct verdict_fault, column),
	FIELD(TEXT, struct verdict_fault, code),
	FIELD(TEXT, struct verdict_fault, text),
	END,
};

static const struct record_field verdict_fields[] = {
	FIELD(TEXT, struct control_verdict, id),
	FIELD(TEXT, struct control_verdict, namespace),
	CHOICE(struct control_verdict, outcome, VERDICT_CONFLICT + 1),
	FIELD(TEXT, struct control_verdict, why),
	FIELD(NUMBER, struct control_verdict, change),
	LIST(struct control_verdict, versions, resource_fields, struct resource_version),
	FIELD(TEXT, struct control_verdict, other),
	LIST(struct control_verdict, faults, fault_fields, struct verdict_fault),
	FIELD(NUMBER, struct control_verdict, resume),
	FIELD(NUMBER, struct control_verdict, time_ms),
	FIELD(TEXT, struct control_verdict, keeper),
	FIELD(NUMBER, struct control_verdict, epoch),
	END,
};
const struct record_form verdict_form = {"verdict",	   "verdict", verdict_fields, sizeof(struct control_verdict),
					 &schema_names[2], {0}};

static const struct record_field keeper_fields[] = {
	FIELD(TEXT, struct control_keeper, namespace),
	FIELD(NUMBER, struct control_keeper, epoch),
	FIELD(TEXT, struct control_keeper, keeper),
	FIELD(NUMBER, struct control_keeper, time_ms),
	END,
};
const struct record_form keeper_form = {
	"keeper", "record of a keeper", keeper_fields, sizeof(struct control_keeper), &schema_names[3], {0}};

static const struct record_field share_fields[] = {
	FIELD(TEXT, struct table_share, name),
	FIELD(NUMBER, struct table_share, buckets),
	END,
};

static const struct record_field table_fields[] = {
	FIELD(TEXT, struct control_table, choice),
	FIELD(TEXT, struct control_table, namespace),
	FIELD(NUMBER, struct control_table, version),
	FIELD(TEXT, struct control_table, kind),
	FIELD(TEXT, struct control_table, name),
	LIST(struct control_table, shares, share_fields, struct table_share),
	FIELD(TEXT, struct control_table, buckets),
	FIELD(TEXT, struct control_table, table),
	FIELD(NUMBER, struct control_table, moved),
	FIELD(NUMBER, struct control_table, change),
	FIELD(NUMBER, struct control_table, time_ms),
	FIELD(TEXT, struct control_table, keeper),
	FIELD(NUMBER, struct control_table, epoch),
	END,
};
const struct record_form table_form = {"table", "bucket table", table_fields, sizeof(struct control_table), &schema_names[7], {0}};

static const struct record_field item_fields[] = {
	FIELD(TEXT, struct proposal_item, kind),
	FIELD(TEXT, struct proposal_item, name),
	CHOICE(struct proposal_item, action, PROPOSAL_COLLECT + 1),
	FIELD(TEXT, struct proposal_item, document),
	FIELD(NUMBER, struct proposal_item, expected),
	FIELD(NUMBER, struct proposal_item, to),
	LIST(struct proposal_item, labels, label_fields, struct control_label),
	END,
};

static const struct record_field proposal_fields[] = {
	FIELD(TEXT, struct proposal, id),
	FIELD(TEXT, struct proposal, namespace),
	FIELD(TEXT, struct proposal, author),
	FIELD(TEXT, struct proposal, reason),
	FIELD(NUMBER, struct proposal, time_ms),
	FIELD(NUMBER, struct proposal, part),
	FIELD(NUMBER, struct proposal, parts),
	LIST(struct proposal, items, item_fields, struct proposal_item),
	END,
};
const struct record_form proposal_form = {"proposal", "proposal", proposal_fields, sizeof(struct proposal), &schema_names[4], {0}};

static const struct record_field number_fields[] = {{.type = RECORD_FIELD_NUMBER}, END};

static const struct record_field failed_fields[] = {
	FIELD(NUMBER, struct failed_change, change),
	FIELD(TEXT, struct failed_change, why),
	END,
};

static const struct record_field report_fields[] = {
	FIELD(TEXT, struct engine_report, namespace),
	FIELD(TEXT, struct engine_report, engine),
	FIELD(NUMBER, struct engine_report, started_ms),
	FIELD(NUMBER, struct engine_report, sequence),
	FIELD(FLAG, struct engine_report, stopped),
	LIST(struct engine_report, prepared, number_fields, int64_t),
	LIST(struct engine_report, failed, failed_fields, struct failed_change),
	END,
};
const struct record_form report_form = {
	"report", "report of an engine", report_fields, sizeof(struct engine_report), &schema_names[5], {0}};

static const struct record_field condition_fields[] = {
	FIELD(TEXT, struct engine_condition, kind),
	FIELD(TEXT, struct engine_condition, name),
	FIELD(NUMBER, struct engine_condition, version),
	FIELD(FLAG, struct engine_condition, ready),
	FIELD(TEXT, struct engine_condition, what),
	FIELD(TEXT, struct engine_condition, why),
	FIELD(NUMBER, struct engine_condition, since_ms),
	END,
};

static const struct record_field conditions_fields[] = {
	FIELD(TEXT, struct engine_conditions, namespace),
	FIELD(TEXT, struct engine_conditions, engine),
	FIELD(NUMBER, struct engine_conditions, started_ms),
	FIELD(NUMBER, struct engine_conditions, sequence),
	FIELD(NUMBER, struct engine_conditions, time_ms),
	FIELD(FLAG, struct engine_conditions, stopped),
	LIST(struct engine_conditions, conditions, condition_fields, struct engine_condition),
	END,
};
const struct record_form conditions_form = {
	"conditions", "record of conditions", conditions_fields, sizeof(struct engine_conditions), &schema_names[6], {0}};

static const struct record_field slower_fields[] = {
	FIELD(NUMBER, struct slower_count, limit_us),
	FIELD(NUMBER, struct slower_count, calls),
	END,
};

static const struct record_field variant_fields[] = {
	FIELD(TEXT, struct variant_count, name),
	FIELD(NUMBER, struct variant_count, calls),
	FIELD(NUMBER, struct variant_count, errors),
	LIST(struct variant_count, slower, slower_fields, struct slower_count),
	LIST(struct variant_count, cells, number_fields, int64_t),
	END,
};

static const struct record_field tally_fields[] = {
	FIELD(TEXT, struct engine_tally, engine),
	FIELD(NUMBER, struct engine_tally, started_ms),
	LIST(struct engine_tally, variants, variant_fields, struct variant_count),
	END,
};

static const struct record_field metric_truth_fields[] = {
	FIELD(TEXT, struct metric_truth, name),
	FIELD(NUMBER, struct metric_truth, requests),
	FIELD(NUMBER, struct metric_truth, units),
	FIELD(REAL, struct metric_truth, mean),
	FIELD(REAL, struct metric_truth, squares),
	ADDED(2, NUMBER, struct metric_truth, joined),
	ADDED(2, NUMBER, struct metric_truth, late),
	ADDED(3, REAL, struct metric_truth, size),
	ADDED(3, REAL, struct metric_truth, size_squares),
	ADDED(3, REAL, struct metric_truth, products),
	ADDED(3, NUMBER, struct metric_truth, other_values),
	END,
};

static const struct record_field truth_fields[] = {
	FIELD(TEXT, struct variant_truth, name),
	FIELD(NUMBER, struct variant_truth, units),
	FIELD(NUMBER, struct variant_truth, sum),
	FIELD(NUMBER, struct variant_truth, squares),
	FIELD(NUMBER, struct variant_truth, requests),
	LIST(struct variant_truth, metrics, metric_truth_fields, struct metric_truth),
	ADDED(2, NUMBER, struct variant_truth, joined),
	ADDED(2, NUMBER, struct variant_truth, late),
	END,
};

static const struct record_field pipeline_truth_fields[] = {
	FIELD(TEXT, struct pipeline_truth, pipeline),
	LIST(struct pipeline_truth, variants, truth_fields, struct variant_truth),
	END,
};

static const struct record_field rollout_fields[] = {
	FIELD(TEXT, struct control_rollout, experiment),
	FIELD(TEXT, struct control_rollout, namespace),
	FIELD(NUMBER, struct control_rollout, version),
	FIELD(NUMBER, struct control_rollout, table),
	FIELD(TEXT, struct control_rollout, phase),
	FIELD(NUMBER, struct control_rollout, stage),
	FIELD(NUMBER, struct control_rollout, stages),
	FIELD(NUMBER, struct control_rollout, buckets),
	FIELD(FLAG, struct control_rollout, waiting),
	FIELD(NUMBER, struct control_rollout, moves),
	FIELD(NUMBER, struct control_rollout, began_ms),
	FIELD(NUMBER, struct control_rollout, looked_ms),
	FIELD(TEXT, struct control_rollout, state),
	LIST(struct control_rollout, limits, number_fields, int64_t),
	LIST(struct control_rollout, engines, tally_fields, struct engine_tally),
	LIST(struct control_rollout, truths, pipeline_truth_fields, struct pipeline_truth),
	FIELD(NUMBER, struct control_rollout, time_ms),
	FIELD(TEXT, struct control_rollout, keeper),
	FIELD(NUMBER, struct control_rollout, epoch),
	END,
};
const struct record_form rollout_form = {.schema = "rollout",
					 .called = "state of a rollout",
					 .fields = rollout_fields,
					 .bytes = sizeof(struct control_rollout),
					 .schema_name = &schema_names[8],
					 .formers = {UINT64_C(0x4cfe611c9ee93a54), UINT64_C(0x932b908038f9dfce)}};

static const struct record_field move_fields[] = {
	FIELD(TEXT, struct control_move, experiment),
	FIELD(TEXT, struct control_move, namespace),
	FIELD(NUMBER, struct control_move, number),
	FIELD(NUMBER, struct control_move, version),
	FIELD(NUMBER, struct control_move, table),
	FIELD(NUMBER, struct control_move, moved),
	FIELD(TEXT, struct control_move, sentence),
	FIELD(TEXT, struct control_move, evidence),
	FIELD(TEXT, struct control_move, author),
	FIELD(TEXT, struct control_move, reason),
	FIELD(NUMBER, struct control_move, time_ms),
	FIELD(TEXT, struct control_move, keeper),
	FIELD(NUMBER, struct control_move, epoch),
	END,
};
const struct record_form move_form = {"move", "move of a rollout", move_fields, sizeof(struct control_move), &schema_names[9], {0}};

static const struct record_field experiment_fields[] = {
	FIELD(TEXT, struct experiment_tally, experiment),
	FIELD(NUMBER, struct experiment_tally, table),
	LIST(struct experiment_tally, variants, variant_fields, struct variant_count),
	LIST(struct experiment_tally, truths, pipeline_truth_fields, struct pipeline_truth),
	END,
};

static const struct record_field tallies_fields[] = {
	FIELD(TEXT, struct engine_tallies, namespace),
	FIELD(TEXT, struct engine_tallies, engine),
	FIELD(NUMBER, struct engine_tallies, started_ms),
	FIELD(NUMBER, struct engine_tallies, sequence),
	LIST(struct engine_tallies, experiments, experiment_fields, struct experiment_tally),
	END,
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
