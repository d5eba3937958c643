/* screen_keys.c: see screen_keys.h. */
#include "view/screen_keys.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

void screen_keys_open(struct screen_keys *keys)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &keys->signals_before);
	keys->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	keys->is_open = true;
	if (keys->signals < 0)
		pthread_sigmask(SIG_SETMASK, &keys->signals_before, NULL); /* they end the command at once */
	keys->is_raw = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &keys->before) == 0;
	if (!keys->is_raw)
		return;
	struct termios raw = keys->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void screen_keys_close(struct screen_keys *keys)
{
	if (!keys->is_open)
		return;
	if (keys->is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &keys->before);
	if (keys->signals >= 0)
		close(keys->signals);
	pthread_sigmask(SIG_SETMASK, &keys->signals_before, NULL);
	keys->is_open = false;
}

int screen_keys_next(struct screen_keys *keys)
{
	struct signalfd_siginfo which;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char key;
	if (!keys->is_open)
		return 0;
	if (keys->signals >= 0 && read(keys->signals, &which, sizeof which) == (ssize_t)sizeof which)
		return SCREEN_KEYS_STOP;
	if (!keys->is_raw || poll(&input, 1, 0) <= 0 || !(input.revents & POLLIN) || read(STDIN_FILENO, &key, 1) != 1)
		return 0;
	return key;
}
