/* keeper_verdict.c: Verdicts about proposals; see keeper_parts.h. */
#include "control/keeper/keeper_parts.h"

struct text keeper_words(struct text words)
{
	size_t length = words.length;
	if (length >= ERROR_TEXT_MAX)
		for (length = ERROR_TEXT_MAX; length > 0 && ((unsigned char)words.bytes[length] & 0xC0) == 0x80;)
			length--;
	return (struct text){words.bytes, length};
}

bool keeper_verdict_write(struct keeper *keeper, struct control_verdict *verdict, int64_t now_ms, struct error *error)
{
	struct text key = keeper_key_of_verdict(keeper, verdict->id);
	verdict->namespace = text_of(keeper->options.namespace);
	verdict->resume = keeper_resume(keeper);
	verdict->time_ms = now_ms;
	verdict->keeper = text_of(keeper->options.engine);
	verdict->epoch = keeper->ledger.epoch;
	return keeper_write(keeper, &verdict_form, verdict, key, now_ms, error) && keeper_collect_verdicts(keeper, now_ms, error);
}

bool keeper_refuse(struct keeper *keeper, struct text id, const char *why, int64_t now_ms, struct error *error)
{
	struct control_verdict verdict = {.id = id, .outcome = VERDICT_REFUSED, .why = keeper_words(text_of(why))};
	return keeper_verdict_write(keeper, &verdict, now_ms, error);
}
