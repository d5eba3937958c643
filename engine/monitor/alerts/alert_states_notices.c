/* alert_states_notices.c: Records of the states of alerts, and the notices that wait. */
#include "monitor/alerts/alert_states_parts.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "monitor/alerts/notice_queue.h"
#include "monitor/alerts/notice_receiver.h"

#define RECEIVERS_BYTES_MAX ((size_t)256 << 10)
#define FULL_RECEIVERS 16
#define NAME_BYTES ((size_t)64 << 10) /* of a receiver, for the log */

static struct waiting_notice *notice_of(struct list_node *node)
{
	return node ? LIST_OWNER(node, struct waiting_notice, node) : NULL;
}

/* ---- records ---- */

bool state_record_add(struct alert_states *states, const char *key, struct text value, struct error *error)
{
	if (!states->config->is_shared) {
		states->written = ++states->added;
		return true;
	}
	struct state_record *made = memory_take(1, sizeof *made + value.length + 1);
	if (!made)
		return states_memory_failed(error);
	(void)snprintf(made->key, sizeof made->key, "%s", key);
	if (value.bytes)
		made->value = (struct text){memcpy(made + 1, value.bytes, value.length), value.length};
	list_add(&states->records, &made->node);
	states->added++;
	return true;
}

size_t alert_states_records(struct alert_states *states, struct outgoing *records, size_t most)
{
	size_t count = 0;
	for (struct list_node *node = states->records.first; node && count < most; node = node->next) {
		const struct state_record *record = LIST_OWNER(node, struct state_record, node);
		records[count++] = (struct outgoing){.key = text_of(record->key), .value = record->value};
	}
	return count;
}

void alert_states_written(struct alert_states *states, size_t count)
{
	states->written += count;
	for (; count > 0; count--) {
		struct state_record *record = LIST_OWNER(states->records.first, struct state_record, node);
		list_remove(&record->node);
		memory_give(record);
	}
}

uint64_t state_receivers_hash(struct text record)
{
	return hash_text(record, 0) | 1;
}

bool receivers_write(struct alert_states *states, struct state_alert *alert, struct error *error)
{
	const struct alert_message names = {.namespace = alert->namespace, .pipeline = alert->pipeline, .alert = alert->name};
	char key[ALERT_KEY_BYTES];
	bool fires = false, good = true;
	for (const struct state_group *group = alert->groups; group; group = group->next)
		fires = fires || group->is_announced;
	alert_receivers_key(&names, key);
	buffer_clear(&states->bytes);
	if (!fires && alert->waiting == 0) {
		good = alert->written == 0 || state_record_add(states, key, (struct text){0}, error);
		alert->written = 0;
	} else if (alert_actions_encode(&alert->actions, &names, &states->bytes) && /* without it, its receivers count as told */
		   alert->written != state_receivers_hash(buffer_view(&states->bytes))) {
		good = state_record_add(states, key, buffer_view(&states->bytes), error);
		alert->written = state_receivers_hash(buffer_view(&states->bytes));
	}
	return good;
}

/* ---- notices ---- */

bool group_message(const struct alert_states *states, const struct state_group *group, const char *status, struct alert_time time,
		   struct alert_message *message, struct alert_condition *figures)
{
	struct error damaged = {0};
	if (!alert_record_message((struct text){group->record, group->record_bytes}, message, figures, &damaged))
		return false;
	message->status = status;
	message->engine = text_of(states->config->engine);
	message->is_shared = states->config->is_shared;
	message->reason = (struct text){0};
	message->fired_at_ms = group->fired_at_ms;
	message->at_ms = time.at_ms;
	return true;
}

static struct waiting_notice *notice_find(const struct alert_states *states, const char *key)
{
	const uint64_t hash = hash_text(text_of(key), 0);
	struct waiting_notice *notice = notice_of(states->notices.first);
	while (notice && (notice->hash != hash || strcmp(notice->key, key) != 0))
		notice = notice_of(notice->node.next);
	return notice;
}

bool action_waits(const struct alert_states *states, const struct state_alert *alert, uint64_t action)
{
	const struct waiting_notice *notice = notice_of(alert->waiting > 0 ? states->notices.first : NULL);
	while (notice && (notice->alert != alert || notice->action != action))
		notice = notice_of(notice->node.next);
	return notice;
}

static void notice_remove(struct alert_states *states, struct waiting_notice *notice)
{
	struct state_alert *alert = notice->alert;
	const struct alert_copy *copy = alert_actions_find(&alert->actions, notice->action);
	alert->waiting--;
	alert->is_former = alert->is_former || (copy && copy->is_former);
	states->restored -= notice->number == 0;
	states->unhanded -= !notice->is_handed;
	list_remove(&notice->node);
	memory_give(notice);
}

static struct waiting_notice *notice_make(struct alert_states *states, struct state_alert *alert, const char *key, uint64_t action,
					  struct text record)
{
	struct waiting_notice *made = memory_take(1, sizeof *made + record.length + 1);
	if (!made)
		return NULL;
	*made = (struct waiting_notice){.alert = alert, .action = action, .hash = hash_text(text_of(key), 0)};
	(void)snprintf(made->key, sizeof made->key, "%s", key);
	made->record = (struct text){memcpy(made + 1, record.bytes, record.length), record.length};
	list_add(&states->notices, &made->node);
	alert->waiting++;
	states->unhanded++;
	return made;
}

bool notice_restore(struct alert_states *states, struct state_alert *alert, const struct feed_alert *former, struct error *error)
{
	if (!notice_make(states, alert, former->key, former->action, former->record))
		return states_memory_failed(error);
	states->restored++;
	return true;
}

/* The notice of the firing that the message ends, if the sender could not take it. */
static struct waiting_notice *firing_unhanded(const struct alert_states *states, const struct alert_message *end, uint64_t action)
{
	struct alert_message firing = *end;
	char id[NOTICE_ID_BYTES], key[ALERT_KEY_BYTES];
	if (states->unhanded == 0)
		return NULL;
	firing.status = "firing";
	notice_id(&firing, id);
	alert_notice_key(action, id, key);
	struct waiting_notice *found = notice_find(states, key);
	return found && !found->is_handed && found->is_refused ? found : NULL;
}

bool notice_add(struct alert_states *states, struct state_alert *alert, const struct alert_message *message, uint64_t action,
		struct error *error)
{
	const bool fires = strcmp(message->status, "firing") == 0;
	struct waiting_notice *unhanded = fires ? NULL : firing_unhanded(states, message, action);
	struct error too_long = {0};
	char id[NOTICE_ID_BYTES], key[ALERT_KEY_BYTES];
	if (unhanded) {
		(void)snprintf(key, sizeof key, "%s", unhanded->key);
		notice_remove(states, unhanded);
		return state_record_add(states, key, (struct text){0}, error);
	}
	notice_id(message, id);
	alert_notice_key(action, id, key);
	buffer_clear(&states->bytes);
	if (!alert_record_encode(message, &states->bytes, &too_long) || (states->restored > 0 && notice_find(states, key)))
		return true;
	struct waiting_notice *made = notice_make(states, alert, key, action, buffer_view(&states->bytes));
	if (!made)
		return states_memory_failed(error);
	if (!state_record_add(states, key, made->record, error))
		return false;
	made->number = states->added;
	return true;
}

static bool notice_settle(struct alert_states *states, struct waiting_notice *notice, struct error *error)
{
	char key[ALERT_KEY_BYTES];
	(void)snprintf(key, sizeof key, "%s", notice->key);
	struct state_alert *alert = notice->alert;
	notice_remove(states, notice);
	if (alert->is_former || !alert->definition)
		states->due_ms = 0; /* it may be over */
	return state_record_add(states, key, (struct text){0}, error) &&
	       (alert->waiting > 0 || receivers_write(states, alert, error));
}

bool alert_states_settle(struct alert_states *states, const char *key, struct error *error)
{
	struct waiting_notice *notice = notice_find(states, key);
	return !notice || notice_settle(states, notice, error);
}

void notices_clear(struct alert_states *states)
{
	while (states->notices.first)
		notice_remove(states, notice_of(states->notices.first));
	alert_states_written(states, list_length(&states->records));
}

/* ---- handing over ---- */

/* Receivers for which too many notices wait: none overtakes those. */
struct full_receivers {
	size_t count; /* beyond the array: all are */
	uint64_t actions[FULL_RECEIVERS];
};

static bool receiver_is_full(const struct full_receivers *full, uint64_t action)
{
	bool is = full->count > FULL_RECEIVERS;
	for (size_t i = 0; i < full->count && i < FULL_RECEIVERS; i++)
		is = is || full->actions[i] == action;
	return is;
}

static void receiver_note_full(struct full_receivers *full, uint64_t action)
{
	if (full->count < FULL_RECEIVERS)
		full->actions[full->count] = action;
	full->count++;
}

static void failure_log(const struct alert_states *states, const struct waiting_notice *notice, const struct alert_copy *copy,
			const char *then, const char *why)
{
	struct state_alert *alert = notice->alert;
	struct arena *arena = arena_open(NAME_BYTES);
	const char *pipeline = arena ? arena_copy(arena, alert->pipeline.bytes, alert->pipeline.length) : NULL;
	const struct log_fields fields = {.pipeline = pipeline, .place = copy ? copy->action.here : PLACE_NONE};
	const char *receiver = arena && copy ? notice_receiver_name(&copy->action, alert->actions.topic, NULL, arena)
					     : "a former receiver";
	log_say(states->config->log, copy ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, &fields,
		TEXT_FORMAT ": notices of the alert " TEXT_FORMAT " cannot be sent to %s, and are %s: %s",
		TEXT_ARGUMENTS(alert->pipeline), TEXT_ARGUMENTS(alert->name), receiver, then, why);
	arena_close(arena);
}

/* A rollback is of the rollout that the alert was about, which may have ended with the firing. */
static bool rollback_is_over(const struct waiting_notice *notice, const struct alert_copy *copy,
			     const struct alert_message *message)
{
	const struct state_group *group = state_group_find(notice->alert, message->group);
	return copy->action.type == ALERT_ROLLBACK &&
	       !(group && group->is_announced && group->fired_at_ms == message->fired_at_ms);
}

/* Whether it is never sent. */
static bool notice_is_over(const struct alert_states *states, const struct waiting_notice *notice, const struct alert_copy *copy,
			   const struct alert_message *message, struct alert_time time)
{
	if (!copy)
		failure_log(states, notice, NULL, "not sent", "it is not among its actions any more");
	else if (time.at_ms - message->at_ms >= NOTICE_AGE_MS_MAX)
		failure_log(states, notice, copy, "given up", "the notice was not delivered within a day");
	else
		return rollback_is_over(notice, copy, message);
	return true;
}

bool alert_states_hand(struct alert_states *states, notice_taker *take, void *context, struct alert_time time, struct error *error)
{
	struct full_receivers full = {0};
	struct waiting_notice *next;
	struct list_node *first = states->unhanded > 0 ? states->notices.first : NULL;
	for (struct waiting_notice *notice = notice_of(first); notice; notice = next) {
		struct alert_condition figures;
		struct alert_message message;
		struct error why = {0};
		next = notice_of(notice->node.next);
		if (notice->is_handed || notice->number > states->written)
			continue;
		notice->is_refused = notice->is_refused || receiver_is_full(&full, notice->action);
		if (receiver_is_full(&full, notice->action))
			continue;
		struct state_alert *alert = notice->alert;
		struct alert_copy *copy = alert_actions_find(&alert->actions, notice->action);
		const bool good = alert_record_message(notice->record, &message, &figures, &why);
		if (!good || notice_is_over(states, notice, copy, &message, time)) {
			if (!notice_settle(states, notice, error))
				return false;
			continue;
		}
		message.is_shared = states->config->is_shared;
		message.topic = alert->actions.topic;
		const struct due_notice due = {notice->key, &copy->action, &message};
		notice->is_handed = true; /* before its receipt */
		if (take(context, &due, &why)) {
			states->unhanded--;
			copy->has_failed = false;
			continue;
		}
		notice->is_handed = false;
		notice->is_refused = true;
		if (!copy->has_failed && why.kind != ERROR_NONE) /* else the sender closes */
			failure_log(states, notice, copy, "tried again", why.text);
		copy->has_failed = copy->has_failed || why.kind != ERROR_NONE;
		if (why.kind == ERROR_REMOTE)
			receiver_note_full(&full, notice->action);
	}
	return true;
}
