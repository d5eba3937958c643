/* move_notices.c: see move_notices.h. */
#include "control/keeper/move_notices.h"

#include <inttypes.h>
#include <stdio.h>

#include "compiler/conditions/alert.h"
#include "base/memory.h"
#include "base/number/moment.h"
#include "control/records/control_tables.h"
#include "message/json/json_write.h"
#include "message/rows.h"

#define DOCUMENT_BYTES_MAX ((size_t)4 << 20)
#define NUMBER_BYTES 24

struct sent_moves {
	struct list_node node;
	char *experiment;
	size_t length;
	int64_t version;		    /* of the experiment; 0: not known yet */
	int64_t numbers[MOVE_ACTIONS_MAX]; /* of the last move that each action has taken */
};

/* ---- moves that were sent ---- */

static void sent_close(struct sent_moves *sent)
{
	list_remove(&sent->node);
	memory_give(sent->experiment);
	memory_give(sent);
}

void move_notices_close(struct move_notices *notices)
{
	while (notices->sent.first)
		sent_close(LIST_OWNER(notices->sent.first, struct sent_moves, node));
}

void move_notices_begin(struct move_notices *notices, int64_t now_ms)
{
	move_notices_close(notices);
	notices->begun_ms = now_ms;
	notices->again_ms = INT64_MIN;
	notices->has_looked = false;
}

static void sent_set(struct sent_moves *sent, int64_t number)
{
	for (size_t i = 0; i < MOVE_ACTIONS_MAX; i++)
		sent->numbers[i] = number;
}

static int64_t sent_least(const struct sent_moves *sent)
{
	int64_t least = sent->numbers[0];
	for (size_t i = 1; i < MOVE_ACTIONS_MAX; i++)
		least = sent->numbers[i] < least ? sent->numbers[i] : least;
	return least;
}

static bool sent_is_of(const struct sent_moves *sent, const struct ledger_rollout *rollout)
{
	for (size_t i = 0; rollout && i < MOVE_ACTIONS_MAX; i++)
		if (rollout->count == 0 || sent->numbers[i] > rollout->moves[rollout->count - 1]->record.number)
			return false;
	return rollout;
}

/* Older moves count as sent. */
static int64_t number_before(const struct ledger_rollout *rollout, int64_t time_ms)
{
	int64_t number = 0;
	for (size_t i = 0; i < rollout->count; i++)
		if (rollout->moves[i]->record.time_ms < time_ms)
			number = rollout->moves[i]->record.number;
	return number;
}

static struct sent_moves *sent_find(const struct move_notices *notices, struct text experiment)
{
	for (struct list_node *node = notices->sent.first; node; node = node->next) {
		struct sent_moves *sent = LIST_OWNER(node, struct sent_moves, node);
		if (text_equal((struct text){sent->experiment, sent->length}, experiment))
			return sent;
	}
	return NULL;
}

static struct sent_moves *sent_add(struct move_notices *notices, const struct ledger_rollout *rollout)
{
	struct sent_moves *sent = memory_take(1, sizeof *sent);
	if (!sent || !(sent->experiment = memory_take(rollout->name.length + 1, 1))) {
		memory_give(sent);
		return NULL;
	}
	memcpy(sent->experiment, rollout->name.bytes, rollout->name.length);
	sent->length = rollout->name.length;
	sent_set(sent, number_before(rollout, notices->begun_ms - MOVE_AGAIN_MS));
	list_add(&notices->sent, &sent->node);
	return sent;
}

/* Forgets the experiments that are deleted: another one of that name begins with move 1. */
static void sent_sweep(struct move_notices *notices, const struct ledger *ledger)
{
	for (struct list_node *node = notices->sent.first, *next; node; node = next) {
		struct sent_moves *sent = LIST_OWNER(node, struct sent_moves, node);
		next = node->next;
		if (!sent_is_of(sent, ledger_rollout_find(ledger, (struct text){sent->experiment, sent->length})))
			sent_close(sent);
	}
}

/* ---- notices ---- */

static void move_id(const struct control_move *move, char id[MOVE_ID_BYTES])
{
	static_assert(MOVE_ID_BYTES >= ALERT_ID_BYTES, "the id of a notice is made as that of an alert");
	char number[NUMBER_BYTES];
	(void)snprintf(number, sizeof number, "%" PRId64, move->number);
	const struct text parts[ALERT_ID_PARTS] = {move->namespace, move->experiment, text_of(number), TEXT("move")};
	alert_id(parts, move->time_ms, id);
}

static void json_write(const struct control_move *move, const char *id, struct buffer *out)
{
	char moment[MOMENT_MS_BYTES];
	moment_print_ms(move->time_ms, moment);
	json_write_member(out, "{", "id", text_of(id));
	json_write_member(out, ", ", "namespace", move->namespace);
	json_write_member(out, ", ", "experiment", move->experiment);
	buffer_print(out, ", \"number\": %" PRId64, move->number);
	json_write_member(out, ", ", "sentence", move->sentence);
	json_write_member(out, ", ", "author", move->author);
	json_write_member(out, ", ", "reason", move->reason);
	json_write_member(out, ", ", "keeper", move->keeper);
	json_write_member(out, ", ", "at", text_of(moment));
	buffer_string(out, ", \"move\": ");
	buffer_text(out, move->evidence.length > 0 ? move->evidence : TEXT("null"));
	buffer_byte(out, '}');
}

/* False: it is too long, or memory ran out. */
static bool body_write(const struct move_action *action, const struct control_move *move, const char *id, struct buffer *out,
		       struct error *error)
{
	buffer_close(out);
	buffer_open(out, MOVE_NOTICE_BYTES_MAX);
	if (action->type == MOVE_TOPIC)
		return record_encode(&move_form, move, out, error);
	json_write(move, id, out);
	return !buffer_failed(out) || error_set(error, ERROR_LIMIT, PLACE_NONE, "its notice is longer than %zu KiB",
						MOVE_NOTICE_BYTES_MAX >> 10);
}

static bool body_fit(const struct move_action *action, const struct control_move *move, char id[MOVE_ID_BYTES],
		     struct buffer *body, struct error *error)
{
	struct error too_long = {0};
	struct control_move without = *move;
	without.evidence = (struct text){0};
	move_id(move, id);
	return body_write(action, move, id, body, &too_long) || body_write(action, &without, id, body, error);
}

bool move_notice_write(const struct control_move *move, char id[MOVE_ID_BYTES], struct buffer *body, struct error *error)
{
	static const struct move_action webhook = {.type = MOVE_WEBHOOK};
	return body_fit(&webhook, move, id, body, error);
}

static bool move_tell(const struct move_notices *notices, const struct move_action *action, const char *experiment,
		      const struct control_move *move, struct error *error)
{
	char id[MOVE_ID_BYTES];
	struct buffer body;
	buffer_open(&body, MOVE_NOTICE_BYTES_MAX);
	bool good = body_fit(action, move, id, &body, error);
	const struct move_notice notice = {experiment, move->number, id, buffer_view(&body)};
	good = good && notices->sender.send(notices->sender.context, action, &notice, error);
	buffer_close(&body);
	return good;
}

/* Tells an action its next moves, in their order. */
static bool action_send(const struct move_notices *notices, const struct move_action *action, const struct ledger_rollout *rollout,
			const char *experiment, int64_t *number, struct error *error)
{
	for (size_t i = 0; i < rollout->count; i++) {
		const struct control_move *move = &rollout->moves[i]->record;
		if (move->number <= *number)
			continue;
		if (!move_tell(notices, action, experiment, move, error))
			return false;
		*number = move->number;
	}
	return true;
}

/* ---- looks ---- */

static bool actions_send(const struct move_notices *notices, const struct rollout_document *document, int64_t version,
			 const struct ledger_rollout *rollout, struct sent_moves *sent, struct error *error)
{
	bool good = true;
	if (sent->version != version)
		sent_set(sent, sent_least(sent));
	sent->version = version;
	for (size_t i = 0; i < MOVE_ACTIONS_MAX; i++)
		if (i < document->action_count)
			good = action_send(notices, &document->actions[i], rollout, sent->experiment, &sent->numbers[i], error) &&
			       good;
		else
			sent->numbers[i] = rollout->moves[rollout->count - 1]->record.number;
	return good;
}

/* Reads the experiment in force. Without one, or without actions, its moves count as sent. */
static bool rollout_send(const struct move_notices *notices, const struct ledger *ledger, const struct ledger_rollout *rollout,
			 struct sent_moves *sent, struct arena *arena, struct error *error)
{
	const struct control_version *version = control_choice_version(ledger, rollout->name);
	const char *experiment = arena_copy(arena, rollout->name.bytes, rollout->name.length);
	struct rollout_document document = {0};
	struct error ignored = {0};
	bool is_rollout = false;
	if (!experiment || (version && !notices->reader.read(notices->reader.context, version->document, experiment, arena,
							     &document, &is_rollout, &ignored)))
		return error_memory(error, ERROR_SYSTEM, "telling a move");
	if (!is_rollout)
		document.action_count = 0;
	return actions_send(notices, &document, version ? version->version : sent->version, rollout, sent, error);
}

static bool rollout_look_at(struct move_notices *notices, const struct ledger *ledger, const struct ledger_rollout *rollout,
			    struct error *error)
{
	struct sent_moves *sent = sent_find(notices, rollout->name);
	if (rollout->count == 0)
		return true;
	if (!sent && !(sent = sent_add(notices, rollout)))
		return error_memory(error, ERROR_SYSTEM, "telling a move");
	if (rollout->moves[rollout->count - 1]->record.number <= sent_least(sent))
		return true;
	struct arena *arena = arena_open(DOCUMENT_BYTES_MAX);
	const bool good = arena ? rollout_send(notices, ledger, rollout, sent, arena, error)
				: error_memory(error, ERROR_SYSTEM, "telling a move");
	arena_close(arena);
	return good;
}

bool move_notices_look(struct move_notices *notices, const struct ledger *ledger, int64_t now_ms, struct error *error)
{
	const struct ledger_rollout *rollout;
	bool good = true;
	if (now_ms < notices->again_ms || (notices->has_looked && notices->records == ledger->move_records))
		return true;
	sent_sweep(notices, ledger);
	LIST_EACH_ROLLOUT(ledger, rollout)
		good = rollout_look_at(notices, ledger, rollout, error) && good;
	notices->has_looked = good;
	notices->records = ledger->move_records;
	notices->again_ms = good ? INT64_MIN : now_ms + MOVE_PAUSE_MS;
	return good;
}
