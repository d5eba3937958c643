/* resource_view.c: see resource_view.h. */
#include "tools/view/resource_view.h"

#include "message/json/json_write.h"

const char *change_phase_name(enum change_phase phase)
{
	static const char *const names[] = {
		[CHANGE_ACCEPTED] = "preparing", [CHANGE_ACTIVE] = "active", [CHANGE_FAILED] = "failed"};
	return names[phase];
}

enum change_phase version_phase(const struct ledger *ledger, const struct ledger_version *version, struct text *why)
{
	const struct ledger_change *change = ledger_change_find(ledger, version->record.change);
	*why = change ? change->record.why : (struct text){0};
	return ledger_phase(ledger, version);
}

struct resource_view resource_view(const struct ledger *ledger, const struct ledger_resource *resource)
{
	const struct ledger_version *newest = ledger_newest(resource), *in_force = ledger_in_force(ledger, resource);
	struct resource_view view = {.resource = resource, .newest = &newest->record};
	view.phase = version_phase(ledger, newest, &view.why);
	if (in_force && in_force->record.action == CONTROL_APPLY)
		view.in_force = &in_force->record;
	return view;
}

bool resource_view_exists(const struct resource_view *view)
{
	return view->in_force || view->newest->action == CONTROL_APPLY;
}

void version_json(struct buffer *out, const struct control_version *version, enum change_phase phase, struct text why)
{
	const struct control_label *labels = version->labels.items;
	buffer_print(out, "\"version\": %lld, \"action\": \"%s\", \"phase\": \"%s\"", (long long)version->version,
		     version->action == CONTROL_DELETE ? "delete" : "apply", change_phase_name(phase));
	if (why.length > 0)
		json_write_member(out, ", ", "why", why);
	json_write_member(out, ", ", "author", version->author);
	json_write_member(out, ", ", "reason", version->reason);
	buffer_print(out, ", \"change\": %lld, \"time_ms\": %lld, \"labels\": {", (long long)version->change,
		     (long long)version->time_ms);
	for (size_t i = 0; i < version->labels.count; i++) {
		json_write_string_after(out, text_of(i > 0 ? ", " : ""), labels[i].key);
		json_write_string_after(out, TEXT(": "), labels[i].value);
	}
	buffer_byte(out, '}');
}
