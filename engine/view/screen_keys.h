/* screen_keys.h: Reader of single keys at a terminal, without echo, and of the signals to stop. For commands that
 * redraw a screen. */
#ifndef SLUICE_VIEW_SCREEN_KEYS_H
#define SLUICE_VIEW_SCREEN_KEYS_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#define SCREEN_KEYS_STOP (-1) /* SIGINT or SIGTERM came */

/* A zeroed struct is not open. */
struct screen_keys {
	bool is_open, is_raw;
	struct termios before;
	sigset_t signals_before;
	int signals; /* a descriptor; -1: none was available */
};

/* Reads standard input key by key from now on, if it is a terminal. Signals are held for screen_keys_next(). */
void screen_keys_open(struct screen_keys *keys);
void screen_keys_close(struct screen_keys *keys); /* restores the terminal; allowed when it is not open */

/* The next key, SCREEN_KEYS_STOP, or 0: no key was pressed. Does not wait. */
int screen_keys_next(struct screen_keys *keys);

#endif
