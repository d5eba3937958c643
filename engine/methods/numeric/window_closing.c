/* window_closing.c: Rules of closing windows; see window_closing.h. */
#include "methods/numeric/window_closing.h"

static int64_t window_closing_add(int64_t left, int64_t right)
{
	int64_t sum;
	if (__builtin_add_overflow(left, right, &sum))
		return left < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static int64_t subtract(int64_t left, int64_t right)
{
	int64_t rest;
	if (__builtin_sub_overflow(left, right, &rest))
		return left < 0 ? INT64_MIN : INT64_MAX;
	return rest;
}

bool closing_is_sound(const struct closing *form)
{
	if (form->size < 1 || form->grace < 0)
		return false;
	return form->kind != CLOSING_HOPPING ||
	       (form->every >= 1 && form->every <= form->size && (form->size - 1) / form->every < CLOSING_WINDOWS_MAX);
}

/* The multiple of `every` at or before a time. */
static int64_t floor_to(int64_t time, int64_t every)
{
	int64_t rest = time % every;
	return subtract(time, rest < 0 ? rest + every : rest);
}

bool closing_window(const struct closing *form, int64_t time, size_t nth, struct span *window)
{
	/* Before all time there is no further one: it would be the last again. */
	if (nth >= CLOSING_WINDOWS_MAX ||
	    __builtin_sub_overflow(floor_to(time, form->every), (int64_t)nth * form->every, &window->start))
		return false;
	window->end = window_closing_add(window->start, form->size);
	return window->end > time;
}

bool closing_is_over(const struct closing *form, const struct span *window, int64_t stream_time)
{
	if (form->kind == CLOSING_SESSION)
		return window_closing_add(window_closing_add(window->end, form->size), form->grace) < stream_time;
	return window_closing_add(window->end, form->grace) <= stream_time;
}

bool closing_session_join(const struct closing *form, const struct span *session, int64_t time, struct span *joined)
{
	if (time > window_closing_add(session->end, form->size) || time < subtract(session->start, form->size))
		return false;
	joined->start = time < session->start ? time : session->start;
	joined->end = time > session->end ? time : session->end;
	return true;
}

int closing_order(const struct span *left, const struct span *right)
{
	if (left->end != right->end)
		return left->end < right->end ? -1 : 1;
	return (left->start > right->start) - (left->start < right->start);
}
