/* window.c: see window.h. */
#include "serving/window.h"

int64_t window_due_us(const struct window *window, int64_t since_us, size_t under_way)
{
	return under_way == 0 ? since_us : since_us + window->us;
}

void window_left(struct window *window, size_t calls, bool backlog)
{
	if (backlog)
		window->us = window->us ? window->us * 2 : WINDOW_START_US;
	else if (calls <= 1)
		window->us = window->us / 2 < WINDOW_START_US ? 0 : window->us / 2;
	if (window->us > window->most_us)
		window->us = window->most_us;
}
