/* keeper.c: Candidate for the keeper of a namespace, in a process of its own, which can be killed and frozen.
 *   keeper BROKERS NAMESPACE ENGINE      runs until SIGTERM, and says on standard error what it becomes
 */
#include <signal.h>

#include "control/keeper/keeper_service.h"
#include "steps/kinds.h"
#include "tests/kafka/program.h"

static void line_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)fprintf(stderr, "%s\n", line->message);
}

int main(int argc, char **argv)
{
	static const struct log_sink sink = {line_write};
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	sigset_t signals;
	int signal_taken;
	if (argc != 4)
		die("BROKERS NAMESPACE ENGINE");
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	struct keeper_service_config config = {
		.brokers = argv[1], .namespace = argv[2], .engine = argv[3], .kinds = step_kinds, .log = &sink};
	if (!control_topics_name(&config.topics, "sluice", argv[2], arena, &error) ||
	    !control_topics_ensure(&config.topics, argv[1], (struct properties){0}, 0, true, &error))
		die("%s", error.text);
	struct keeper_service *service = keeper_service_open(&config, &error);
	if (!service)
		die("%s", error.text);
	sigwait(&signals, &signal_taken);
	keeper_service_close(service);
	arena_close(arena);
	return 0;
}
