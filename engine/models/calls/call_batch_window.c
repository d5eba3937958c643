/* call_batch_window.c: see call_batch_window.h. */
#include "models/calls/call_batch_window.h"

#include <assert.h>

int64_t call_batch_window_due_us(const struct call_batch_window *window, int64_t since_us, size_t under_way)
{
	return under_way == 0 ? since_us : since_us + window->us;
}

void call_batch_window_left(struct call_batch_window *window, size_t calls, bool backlog)
{
	assert(calls > 0);
	if (backlog)
		window->us = window->us ? window->us * 2 : CALL_BATCH_WINDOW_START_US;
	else if (calls <= 1)
		window->us = window->us / 2 < CALL_BATCH_WINDOW_START_US ? 0 : window->us / 2;
	if (window->us > window->most_us)
		window->us = window->most_us;
}
