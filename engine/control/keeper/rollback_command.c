/* rollback_command.c: see rollback_command.h. */
#include "control/keeper/rollback_command.h"

#include "message/record_form.h"
#include "control/records/records.h"

#define AUTHOR_BYTES_MAX 120 /* of names in the record of a move */

/* Its first bytes, without a part of a character. */
static struct text text_shortened(struct text text, size_t most)
{
	struct text shortened = {text.bytes, text.length < most ? text.length : most};
	while (!text_is_utf8(shortened))
		shortened.length--;
	return shortened;
}

/* The condition, and the figures by which it was judged. */
static void reason_write(const struct alert_message *message, struct buffer *out)
{
	buffer_text(out, message->condition);
	if (!message->figures_of)
		return;
	buffer_string(out, ", with ");
	notice_write_values(message, out);
}

bool rollback_command_encode(const struct alert_message *message, const char *experiment, struct buffer *record,
			     struct error *error)
{
	char id[NOTICE_ID_BYTES];
	struct buffer author, reason;
	const struct proposal_item item = {.kind = ROLLOUT_COMMAND_KIND,
					   .name = text_of(experiment),
					   .document = TEXT("rollback"),
					   .expected = PROPOSAL_EXPECTS_ANY};
	notice_id(message, id);
	buffer_open(&author, NOTICE_BYTES_MAX);
	buffer_open(&reason, NOTICE_BYTES_MAX);
	buffer_print(&author, "alert " TEXT_FORMAT " of " TEXT_FORMAT, TEXT_ARGUMENTS(message->alert),
		     TEXT_ARGUMENTS(message->pipeline));
	reason_write(message, &reason);
	const struct proposal proposal = {.id = text_of(id),
					  .namespace = message->namespace,
					  .author = text_shortened(buffer_view(&author), AUTHOR_BYTES_MAX),
					  .reason = text_shortened(buffer_view(&reason), PROPOSAL_REASON_BYTES_MAX),
					  .time_ms = message->at_ms,
					  .parts = 1,
					  .items = {1, &item}};
	const bool good = !buffer_failed(&author) && !buffer_failed(&reason)
				  ? record_encode(&proposal_form, &proposal, record, error)
				  : error_memory(error, ERROR_SYSTEM, "making a command");
	buffer_close(&author);
	buffer_close(&reason);
	return good;
}
