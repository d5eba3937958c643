/* control_proposal.c: see control_proposal.h. */
#include "tools/cli/control_proposal.h"

#include "tools/client/control/version_wait.h"

#define VERDICT_BYTES_MAX ((size_t)4 << 20)

static int refusal_print(struct session *session, const struct control_verdict *verdict, struct document_places places)
{
	struct buffer out;
	buffer_open(&out, VERDICT_BYTES_MAX);
	if (session->form == OUTPUT_JSON) {
		verdict_refusal_json(verdict, places, &out);
		(void)command_write(session, &out);
		return EXIT_FAULTS;
	}
	verdict_refusal_print(verdict, places, &out);
	(void)fwrite(out.bytes, 1, out.length, session->err);
	buffer_close(&out);
	return EXIT_FAULTS;
}

static int acceptance_print(struct session *session, const struct control_verdict *verdict)
{
	struct buffer out;
	buffer_open(&out, VERDICT_BYTES_MAX);
	(session->form == OUTPUT_JSON ? verdict_accepted_json : verdict_accepted_print)(verdict, &out);
	return command_write(session, &out);
}

int control_session_faults(struct session *session, struct text why, const struct record_list *faults,
			   struct document_places places)
{
	return refusal_print(session, &(struct control_verdict){.outcome = VERDICT_REFUSED, .why = why, .faults = *faults}, places);
}

void control_session_warnings(struct session *session, const struct record_list *warnings, struct document_places places)
{
	struct buffer out;
	buffer_open(&out, VERDICT_BYTES_MAX);
	verdict_warnings_print(warnings, places, &out);
	if (!buffer_failed(&out) && out.length > 0)
		(void)fwrite(out.bytes, 1, out.length, session->err);
	buffer_close(&out);
}

int control_session_propose(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items, struct document_places places)
{
	struct error error = {0};
	const struct control_verdict *verdict = control_session_decide(control, author, items, session->arena, &error);
	if (!verdict)
		return command_failed(session, &error);
	return verdict->outcome == VERDICT_ACCEPTED ? acceptance_print(session, verdict) : refusal_print(session, verdict, places);
}

int control_session_command(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items)
{
	struct error error = {0};
	const struct control_verdict *verdict = control_session_decide(control, author, items, session->arena, &error);
	if (!verdict)
		return command_failed(session, &error);
	return verdict->outcome == VERDICT_ACCEPTED ? EXIT_GOOD : refusal_print(session, verdict, (struct document_places){0});
}

static bool items_wait(struct session *session, struct version_wait *waiting, const struct record_list *items, struct error *error)
{
	const struct proposal_item *list = items->items;
	for (size_t i = 0; i < items->count; i++) {
		const struct resource_reference reference = {
			arena_copy(session->arena, list[i].kind.bytes, list[i].kind.length),
			arena_copy(session->arena, list[i].name.bytes, list[i].name.length)};
		struct buffer out;
		if (!reference.kind || !reference.name)
			return error_memory(error, ERROR_SYSTEM, "waiting for versions");
		if (!version_wait_next(waiting, reference, error))
			return false;
		buffer_open(&out, VERDICT_BYTES_MAX);
		version_wait_print(waiting, session->form == OUTPUT_JSON, &out);
		(void)command_write(session, &out);
	}
	return true;
}

int control_session_wait(struct session *session, struct control_session *control, const struct control_author *author,
			 const struct record_list *items)
{
	struct error error = {0};
	struct version_wait waiting = {.timeout_ns = author->timeout_ns > VERSION_WAIT_NS ? author->timeout_ns : VERSION_WAIT_NS};
	const bool good = items->count == 0 || (version_wait_open(&waiting, control, &error) &&
						items_wait(session, &waiting, items, &error));
	version_wait_close(&waiting);
	return good ? EXIT_GOOD : command_failed(session, &error);
}
