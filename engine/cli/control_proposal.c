/* control_proposal.c: see control_proposal.h. */
#include "cli/control_proposal.h"

#include "cli/command.h"
#include "client/control_session.h"

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
