/* verdict_view.c: see verdict_view.h. */
#include "tools/view/report/verdict_view.h"

#include "base/quote.h"
#include "message/json/json_write.h"

static const struct document_place *place_find(struct document_places places, const struct verdict_fault *fault)
{
	for (size_t i = 0; i < places.count; i++)
		if (text_equal(places.items[i].kind, fault->kind) && text_equal(places.items[i].name, fault->name))
			return &places.items[i];
	return NULL;
}

/* KIND/NAME */
static void name_print(struct buffer *out, struct text kind, struct text name)
{
	buffer_shown(out, kind);
	buffer_shown_around(out, "/", name, "");
}

static void fault_text(struct buffer *out, const struct verdict_fault *fault, const char *level, struct document_places places)
{
	const struct document_place *place = place_find(places, fault);
	if (place)
		buffer_print(out, "%s:%lld:%lld: ", place->file, (long long)place->line + (fault->line > 0 ? fault->line - 1 : 0),
			     (long long)fault->column);
	else if (fault->kind.length > 0) {
		name_print(out, fault->kind, fault->name);
		buffer_print(out, ":%lld:%lld: ", (long long)fault->line, (long long)fault->column);
	}
	buffer_shown_around(out, level, fault->text, "");
	if (fault->code.length > 0)
		buffer_shown_around(out, " (`sluice help ", fault->code, "`)");
	buffer_byte(out, '\n');
}

static void fault_json(struct buffer *out, const struct verdict_fault *fault, struct document_places places)
{
	const struct document_place *place = place_find(places, fault);
	json_write_member(out, "{", "kind", fault->kind);
	json_write_member(out, ", ", "name", fault->name);
	if (place)
		json_write_member(out, ", ", "file", text_of(place->file));
	buffer_print(out, ", \"line\": %lld, \"column\": %lld",
		     (long long)(place && fault->line > 0 ? place->line + fault->line - 1 : fault->line), (long long)fault->column);
	json_write_member(out, ", ", "code", fault->code);
	json_write_member(out, ", ", "message", fault->text);
	buffer_byte(out, '}');
}

static void versions_json(struct buffer *out, const struct control_verdict *verdict)
{
	const struct resource_version *versions = verdict->versions.items;
	buffer_string(out, ", \"versions\": [");
	for (size_t i = 0; i < verdict->versions.count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		json_write_member(out, "{", "kind", versions[i].kind);
		json_write_member(out, ", ", "name", versions[i].name);
		buffer_print(out, ", \"version\": %lld}", (long long)versions[i].version);
	}
	buffer_byte(out, ']');
}

static void faults_json(struct buffer *out, const struct control_verdict *verdict, struct document_places places)
{
	const struct verdict_fault *faults = verdict->faults.items;
	buffer_string(out, ", \"faults\": [");
	for (size_t i = 0; i < verdict->faults.count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		fault_json(out, &faults[i], places);
	}
	buffer_byte(out, ']');
}

void verdict_refusal_json(const struct control_verdict *verdict, struct document_places places, struct buffer *out)
{
	bool is_conflict = verdict->outcome == VERDICT_CONFLICT;
	json_write_member(out, "{", "outcome", is_conflict ? TEXT("conflict") : TEXT("refused"));
	json_write_member(out, ", ", "why", verdict->why);
	if (is_conflict) {
		json_write_member(out, ", ", "other", verdict->other);
		versions_json(out, verdict);
	} else {
		faults_json(out, verdict, places);
	}
	buffer_string(out, "}\n");
}

void verdict_refusal_print(const struct control_verdict *verdict, struct document_places places, struct buffer *out)
{
	const struct verdict_fault *faults = verdict->faults.items;
	for (size_t i = 0; i < verdict->faults.count; i++)
		fault_text(out, &faults[i], "", places);
	buffer_shown_around(out, verdict->outcome == VERDICT_CONFLICT ? "sluice: conflict: " : "sluice: ", verdict->why, "\n");
}

void verdict_accepted_json(const struct control_verdict *verdict, struct buffer *out)
{
	buffer_print(out, "{\"outcome\": \"accepted\", \"change\": %lld", (long long)verdict->change);
	versions_json(out, verdict);
	buffer_string(out, "}\n");
}

void verdict_accepted_print(const struct control_verdict *verdict, struct buffer *out)
{
	const struct resource_version *versions = verdict->versions.items;
	for (size_t i = 0; i < verdict->versions.count; i++) {
		name_print(out, versions[i].kind, versions[i].name);
		buffer_print(out, " version %lld accepted (change %lld)\n", (long long)versions[i].version,
			     (long long)verdict->change);
	}
}

void verdict_warnings_print(const struct record_list *warnings, struct document_places places, struct buffer *out)
{
	const struct verdict_fault *faults = warnings->items;
	for (size_t i = 0; i < warnings->count; i++)
		fault_text(out, &faults[i], "warning: ", places);
}
