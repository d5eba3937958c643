/* screen_keys.h: Keys pressed at a terminal, one by one and without an echo, and the signals to stop, for commands that redraw a
 * screen.
 */
#ifndef SLUICE_CLI_SCREEN_KEYS_H
#define SLUICE_CLI_SCREEN_KEYS_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#define SCREEN_KEYS_STOP (-1) /* SIGINT or SIGTERM came */

/* Zeroed it is not open. */
struct screen_keys {
	bool is_open, is_raw;
	struct termios before;
	sigset_t signals_before;
	int signals; /* a descriptor; -1: none could be had */
};

/* Standard input is read key by key from now on, where it is a terminal; signals wait to be asked for. */
void screen_keys_open(struct screen_keys *keys);
void screen_keys_close(struct screen_keys *keys); /* the terminal is as it was; fine when it is not open */

/* The next key, SCREEN_KEYS_STOP, or 0: none was pressed. Does not wait. */
int screen_keys_next(struct screen_keys *keys);

#endif
