/* top.c: `sluice top`: shows the status of the pipelines of a namespace, as reported by their engines. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/cli/command.h"
#include "tools/client/engine_reports.h"
#include "tools/client/kafka.h"
#include "tools/client/kafka_silence.h"
#include "kafka/kafka_access.h"
#include "kafka/consume/reader.h"
#include "kafka/produce/sender.h"
#include "kafka/topics/topic_facts.h"
#include "message/records/feed_record.h"
#include "observe/status.h"
#include "compiler/plan/topic_roles.h"
#include "tools/view/top_lines.h"

#define TOP_ARENA_BYTES ((size_t)16 << 20)
#define TOP_TEXT_MAX ((size_t)16 << 20)
#define LOOK_MS 100
#define BACK_MS 20000	     /* after an outage of Kafka: so long engines may take to reach it again, before they count as gone */
#define FIRST_MS 2500	     /* time in which a healthy engine has reported */
#define NEWEST_RECORDS 20000 /* of a partition, with which it begins: an engine that died is among them for a while */
#define SCREEN_CLEAR "\033[H\033[2J"
#define SCREEN_ROWS 24

/* ---- the watch ----
 *
 * Says in the feed of a namespace that somebody watches its pipelines: its engines then report on all of them each
 * second (monitor/metrics/status_publisher.h).
 *
 * Engines without a control plane do so anyway, and have no feed. Without the right to write to the feed, what is shown of a
 * pipeline is up to STATUS_QUIET_MS old.
 */

#define SAY_EVERY_MS (STATUS_WATCH_MS / 3)
#define SEND_MS 2000 /* a record that is not acknowledged by then is dropped: the next one says the same */

struct status_watch {
	struct sender *sender;
	struct sender_config config;
	int64_t said_ms; /* 0: not yet */
};

static bool feed_exists(const struct kafka *kafka, const char *topic)
{
	struct topic_facts facts = {.name = topic};
	const atomic_bool stopping = false;
	struct error error = {0};
	return topic_facts_read(kafka->brokers, kafka->consumer, &facts, 1, &stopping, &error) && facts.partitions > 0;
}

static void status_watch_on_refused(void *context, uint64_t number, const char *reason)
{
	(void)context, (void)number, (void)reason;
}

/* NULL: there is no feed, or it cannot be written to. Borrows `kafka`. */
static struct status_watch *status_watch_open(const struct kafka *kafka, const char *prefix, const char *namespace,
					      struct arena *arena)
{
	struct status_watch *watch = ARENA_NEW(arena, struct status_watch);
	struct error error = {0};
	const char *topic = topic_namespace_name(arena, prefix, namespace, "feed");
	if (!watch || !topic || !feed_exists(kafka, topic))
		return NULL;
	*watch = (struct status_watch){.config = {.brokers = kafka->brokers,
						  .topic = topic,
						  .timeout_ms = SEND_MS,
						  .properties = kafka->producer,
						  .refused = status_watch_on_refused}};
	watch->sender = sender_open(&watch->config, &error);
	return watch->sender ? watch : NULL;
}

/* Says it, if it is time to say it again. NULL is fine. */
static void status_watch_say(struct status_watch *watch)
{
	const struct outgoing record = {.key = TEXT(FEED_WATCH_KEY), .value = TEXT("top")};
	struct error error = {0};
	const int64_t now_ms = clock_ms();
	if (!watch)
		return;
	if (watch->said_ms == 0 || now_ms - watch->said_ms >= SAY_EVERY_MS) {
		(void)sender_send(watch->sender, &record, 0, &error);
		watch->said_ms = now_ms;
	}
	(void)sender_settled(watch->sender, 0);
}

/* NULL is fine. */
static void status_watch_close(struct status_watch *watch)
{
	if (watch)
		sender_close(watch->sender);
}

/* ---- keys ----
 *
 * Reader of single keys at a terminal, without echo, and of the signals to stop.
 */

#define SCREEN_KEYS_STOP (-1) /* SIGINT or SIGTERM came */

/* A zeroed struct is not open. */
struct screen_keys {
	bool is_open, is_raw;
	struct termios before;
	sigset_t signals_before;
	int signals; /* a descriptor; -1: none was available */
};

/* Reads standard input key by key from now on, if it is a terminal. Signals are held for screen_keys_next(). */
static void screen_keys_open(struct screen_keys *keys)
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

/* Restores the terminal; allowed when it is not open. */
static void screen_keys_close(struct screen_keys *keys)
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

/* The next key, SCREEN_KEYS_STOP, or 0: no key was pressed. Does not wait. */
static int screen_keys_next(struct screen_keys *keys)
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

/* ---- the command ---- */

struct top_options {
	struct pipeline_target_asked asked;
	bool once;
	int sort;
	int form;
};

static const struct option options[] = {
	PIPELINE_TARGET_STATUS_FILES_ROW(struct top_options, asked),
	PIPELINE_TARGET_ROWS(struct top_options, asked),
	ROW("once", FLAG, struct top_options, once,
	    .help = "Shows the state once, and ends. This is also the case if the output is not a terminal."),
	ROW("sort", CHOICE, struct top_options, sort, .choices = TOP_SORT_WORDS, .fallback = "name",
	    .help = "The column to sort by; on a terminal `s` selects the next."),
	COMMAND_FORM(top_options, form, "text json"),
	{.type = OPTION_END},
};

struct top {
	struct session *session;
	const struct top_options *options;
	struct engine_reports reports;
	const struct status **shown; /* of the reports, in the order in which they are shown */
	enum top_sort sort;
	struct screen_keys keys; /* of a terminal */
	struct status_watch *watch;
	int64_t read_ms; /* time of day at which the status was read: what comes while Kafka tells the lag is read later */
	int64_t silent_ms;	      /* for so long no broker had answered then */
	int64_t judged_ms;	      /* time of day at which one last answered: as of then engines are judged */
	int64_t back_ms;	      /* after an outage: until then engines are judged as of its begin */
	struct kafka_silence silence; /* without a screen */
	bool over;
	struct buffer text;
};

/* ---- showing ---- */

static void print_screen(struct top *top, size_t count, int64_t now_ms)
{
	struct winsize size = {0};
	(void)ioctl(fileno(top->session->out), TIOCGWINSZ, &size);
	const struct top_view view = {.items = top->shown,
				      .count = count,
				      .now_ms = now_ms,
				      .columns = size.ws_col > 0 ? size.ws_col : TERMINAL_COLUMNS,
				      .rows = size.ws_row > 0 ? size.ws_row : SCREEN_ROWS,
				      .sort = top->sort,
				      .judged_ms = top->judged_ms,
				      .silent_ms = top->silent_ms};
	buffer_string(&top->text, SCREEN_CLEAR);
	top_view_render(&view, &top->text);
}

static bool top_show(struct top *top, struct error *error)
{
	const int64_t now_ms = top->read_ms;
	buffer_clear(&top->text);
	for (size_t i = 0; i < top->reports.count; i++)
		top->shown[i] = &top->reports.items[i].status;
	size_t count = top_view_keep(top->shown, top->reports.count, top->judged_ms);
	top_view_sort(top->shown, count, top->sort);
	if (top->keys.is_open)
		print_screen(top, count, now_ms);
	else
		(top->options->form == OUTPUT_TEXT ? top_lines_text : top_lines_json)(top->shown, count, top->judged_ms,
										      &top->text);
	if (buffer_failed(&top->text))
		return error_memory(error, ERROR_SYSTEM, "showing how pipelines are");
	if (top->text.length > 0)
		fwrite(top->text.bytes, 1, top->text.length, top->session->out);
	fflush(top->session->out);
	return !ferror(top->session->out) ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "the output cannot be written; check where it goes");
}

/* ---- running ---- */

/* While Kafka does not answer, nothing is heard of any engine, and that is not the engines' fault. */
static void top_look_at_clock(struct top *top, const struct reader *reader)
{
	top->read_ms = time_of_day_ms();
	top->silent_ms = reader_silent_ms(reader);
	if (top->silent_ms >= TOP_KAFKA_SILENT_MS)
		top->back_ms = top->read_ms + BACK_MS;
	if (top->read_ms >= top->back_ms)
		top->judged_ms = top->read_ms - top->silent_ms;
	if (!top->keys.is_open)
		kafka_silence_look(&top->silence, top->reports.kafka->brokers, top->silent_ms);
}

/* A pressed key takes effect at once: `again` means that the view must be shown again. */
static bool top_read(struct top *top, struct reader *reader, struct arena *scratch, int64_t until_ns, struct error *error)
{
	while (clock_ns() < until_ns && !top->over) {
		struct record record;
		status_watch_say(top->watch);
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		bool good = !record.held || engine_reports_take(&top->reports, &record, scratch, error);
		record_release(&record);
		if (!good)
			return false;
		top_look_at_clock(top, reader);
		int key = screen_keys_next(&top->keys);
		top->over = key == SCREEN_KEYS_STOP || key == 'q';
		if (key != 's')
			continue;
		top->sort = (enum top_sort)((top->sort + 1) % TOP_SORTS);
		if (!top_show(top, error))
			return false;
	}
	return true;
}

static bool top_watch(struct top *top, struct reader *reader, struct arena *scratch, bool once, struct error *error)
{
	int64_t wait_ms = FIRST_MS;
	do {
		if (!top_read(top, reader, scratch, clock_ns() + wait_ms * NS_PER_MS, error))
			return false;
		if (top->over)
			break;
		if (top->silent_ms < TOP_KAFKA_SILENT_MS)
			engine_reports_measure_lag(&top->reports);
		if (!top_show(top, error))
			return false;
		wait_ms = STATUS_EVERY_MS;
	} while (!once);
	return true;
}

static bool top_read_target(struct top *top, const struct pipeline_target *target, struct error *error)
{
	const struct reader_config config = {.brokers = target->kafka.brokers,
					     .topic = target->status,
					     .newest = NEWEST_RECORDS,
					     .properties = target->kafka.consumer,
					     .is_watched = true};
	struct arena *scratch = arena_open(TOP_ARENA_BYTES);
	bool once = top->options->once || isatty(fileno(top->session->out)) != 1;
	struct reader *reader = NULL;
	top->sort = (enum top_sort)top->options->sort;
	top->shown = scratch ? ARENA_ARRAY(top->session->arena, const struct status *, ENGINE_REPORTS_MAX) : NULL;
	buffer_open(&top->text, TOP_TEXT_MAX);
	if (!once && top->options->form == OUTPUT_TEXT)
		screen_keys_open(&top->keys);
	if (!once)
		top->watch = status_watch_open(&target->kafka, target->prefix, target->namespace, top->session->arena);
	bool good = (top->shown || error_memory(error, ERROR_SYSTEM, "reading the status")) &&
		    engine_reports_open(&top->reports, &target->kafka, top->session->arena, error) &&
		    (reader = reader_open(&config, error)) && top_watch(top, reader, scratch, once, error);
	screen_keys_close(&top->keys);
	status_watch_close(top->watch);
	engine_reports_close(&top->reports);
	buffer_close(&top->text);
	reader_close(reader);
	arena_close(scratch);
	return good;
}

static int top_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	struct top top = {.session = session, .options = filled};
	struct error error = {0};
	struct pipeline_target target;
	(void)arguments, (void)count;
	bool good = pipeline_target_open(command_workspace(session), &top.options->asked, NULL, &target, &error) &&
		    top_read_target(&top, &target, &error);
	pipeline_target_close(&target);
	if (good && top.reports.count == 0)
		command_note(session,
			     "no engine has reported a pipeline on %s; does one run in this namespace? If it runs with --control, "
			     "`sluice get` lists the resources that it has, and those that were deleted",
			     target.status);
	return good ? EXIT_GOOD : command_refused(session, &error);
}

const struct command command_top = {
	.name = "top",
	.summary = "Shows the state of pipelines: rates, latencies, errors, waits.",
	.help = "Engines report the state of their pipelines on the status topic of their namespace; this command shows the latest "
		"report of each. An engine that runs with --control reports when a state changes, and otherwise every 10 s. While "
		"this command runs on a terminal, such an engine reports each second. For that the login needs the right to write "
		"to the namespace's feed. Other engines always report each second. On a terminal the command fits the screen and "
		"runs until `q`; `s` sorts by the next of name, lag, rate, errors and p99. An engine that has crashed is shown as "
		"silent, with the backlog of its pipeline under LAG, as long as its last record is among the newest of the topic.\n"
		"\n"
		"  sluice top --brokers localhost:9092\n"
		"  sluice top -n trading -f runtime.yaml --once -o json\n",
	.options = options,
	.options_size = sizeof(struct top_options),
	.group = "run",
	.run = top_run,
};
