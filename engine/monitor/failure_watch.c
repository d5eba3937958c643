/* failure_watch.c: see failure_watch.h. */
#include "monitor/failure_watch.h"

bool failure_watch_look(struct failure_watch *watch, uint64_t failed, uint64_t succeeded, int64_t now_ms, bool at_end,
			struct failure_window *window)
{
	bool is_over = at_end || now_ms - watch->since_ms >= FAILURE_WINDOW_MS;
	bool has_failed = failed > watch->failed;
	if (!is_over && !(has_failed && watch->is_quiet))
		return false;
	*window = (struct failure_window){.failed = failed - watch->failed,
					  .of = failed - watch->failed + succeeded - watch->succeeded,
					  .lasted_ms = now_ms - watch->since_ms};
	*watch = (struct failure_watch){failed, succeeded, now_ms, !has_failed};
	return has_failed;
}

enum outage_news outage_watch_look(struct outage_watch *watch, uint64_t acknowledged, int64_t now_ms, int64_t *lasted_ms)
{
	bool is_first = watch->last_ms == 0, is_there = acknowledged > watch->acknowledged, was_away = watch->is_away;
	*lasted_ms = is_first ? 0 : now_ms - watch->last_ms;
	watch->acknowledged = acknowledged;
	if (is_there)
		watch->last_ms = now_ms;
	watch->is_away = !is_there && !is_first && *lasted_ms >= OUTAGE_MS;
	if (watch->is_away != was_away)
		return was_away ? OUTAGE_ENDED : OUTAGE_BEGAN;
	return OUTAGE_NONE;
}
