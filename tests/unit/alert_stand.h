/* alert_stand.h: Engines for tests of alerts that engines share, on a Kafka in the process, with receivers on sockets. An engine is
 * the watch of its alerts alone, whose looks the tests make: it has one alert, `gone` of the pipeline `p`. */
#ifndef SLUICE_TESTS_ALERT_STAND_H
#define SLUICE_TESTS_ALERT_STAND_H

#include "monitor/alerts/alert_parts.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/web_receiver.h"

#define FEED "sluice.default.feed"
#define FIRED_MS INT64_C(1767225600250)
#define LATER_MS (FIRED_MS + 5000)

extern struct mock alert_mock;

struct engine_stand {
	struct engine_config config;
	struct alert_watch watch;
	struct judged_alert alert;
	struct alert_spec spec;
	struct alert_action action;
	struct pipeline_spec pipeline;
	struct graph graph;
	struct pipeline_plan pipelines[1];
	struct plan plan;
	char url[64];
	bool sends;
};

/* Set up and tear down the Kafka. */
int alert_stand_setup(void **state);
int alert_stand_teardown(void **state);

struct engine_stand *engine_start(const char *name, const struct web_receiver *receiver);
void engine_end(struct engine_stand *stand);

/* The engine is to send from now on, and looks until it has taken over. */
void engine_take_over(struct engine_stand *stand);

void engine_look(struct engine_stand *stand, int64_t now_ms);

/* Looks until what became due is in the feed, and so is sent. */
void engine_looks(struct engine_stand *stand, int64_t now_ms);

/* The report of the engine `e`; time 0: the group does not fire any more. */
struct alert_read report_of(const char *group, int64_t fired_at_ms);

/* An engine reports of a group, likewise. */
void group_fires(struct engine_stand *stand, const char *group, int64_t fired_at_ms, int64_t now_ms);

const struct alert_group *shared(const struct engine_stand *stand, const char *group);
void expect_firing(const struct engine_stand *stand, const char *group, int64_t fired_at_ms);

/* What the feed keeps now; the caller frees it. */
struct kept_alerts *feed_read(void);

/* How many records the feed has, or had, whose keys have that part: with bytes, or without. */
size_t feed_count(const char *part, bool has_bytes);

/* What the feed keeps; waits until it is so many firings, and so many notices that wait. */
void expect_kept(size_t firings, size_t notices);

#endif
