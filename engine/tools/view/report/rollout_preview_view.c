/* rollout_preview_view.c: Preview of a rollout's next move, as text or JSON. */
#include "tools/view/report/rollout_preview_view.h"

#include "base/quote.h"
#include "control/records/records.h"
#include "message/json/json_write.h"

#define PERCENT 100.0

static double percent_of(const struct control_table *table, size_t i)
{
	return PERCENT * (double)((const struct table_share *)table->shares.items)[i].buckets / ASSIGNMENT_BUCKETS;
}

void rollout_preview_print(const struct rollout_preview *preview, struct arena *arena, struct buffer *out)
{
	const struct table_share *shares = preview->after.shares.items;
	buffer_print(out, "dry run, nothing is changed: %s\n", text_shown(preview->sentence, arena));
	for (size_t i = 0; i < preview->after.shares.count; i++)
		buffer_print(out, "  %-32s %7.2f%% -> %7.2f%%\n", text_shown(shares[i].name, arena),
			     percent_of(&preview->before, i), percent_of(&preview->after, i));
	buffer_print(out, "  %lld of %d buckets would move\n", (long long)preview->after.moved, ASSIGNMENT_BUCKETS);
}

void rollout_preview_print_json(const struct rollout_preview *preview, struct buffer *out)
{
	const struct table_share *shares = preview->after.shares.items;
	json_write_member(out, "{\"dry_run\": true, ", "sentence", preview->sentence);
	buffer_print(out, ", \"moved\": %lld, \"shares\": [", (long long)preview->after.moved);
	for (size_t i = 0; i < preview->after.shares.count; i++) {
		json_write_member(out, i > 0 ? ", {" : "{", "name", shares[i].name);
		buffer_string(out, ", \"percent\": ");
		json_write_double(out, percent_of(&preview->before, i));
		buffer_string(out, ", \"would_be\": ");
		json_write_double(out, percent_of(&preview->after, i));
		buffer_byte(out, '}');
	}
	buffer_string(out, "], \"move\": ");
	buffer_text(out, preview->evidence);
	buffer_string(out, "}\n");
}
