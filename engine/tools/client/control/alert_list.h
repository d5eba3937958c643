/* alert_list.h: List of the alerts and silences of files, or of what a namespace has accepted. */
#pragma once

#include "tools/client/control/control_session.h"
#include "tools/client/kafka.h"

#define ALERT_FILES_HELP "A file or folder of YAML with the pipelines."

struct listed_alert {
	const struct resource *resource; /* its Pipeline */
	const struct alert_spec *spec;
	bool reads_time; /* its condition has a figure over the time of `over` */
};

/* What an engine reports of a pipeline's alerts: which fire, and since when; which steps have found drift, and in which
 * feature most; which receivers take no notices, and why. NULL: none. */
struct alerts_report {
	const char *engine, *pipeline, *firing, *drift, *receivers;
	int64_t at_ms;
	struct alerts_report *next;
};

struct alert_list {
	struct spec spec;
	bool spec_is_open;
	struct control_session control; /* open with `accepted` */
	size_t count;
	struct listed_alert *items;
	struct alerts_report *reports; /* NULL: none was read */
};

/* Reads `asked->files`, or with `accepted` what the control plane of the namespace has. False with kind NONE: the faults are in
 * `list->spec`, or were reported. To be closed in any case. */
bool alert_list_open(const struct workspace *workspace, const struct pipeline_target_asked *asked, bool accepted,
		     struct alert_list *list, struct error *error);
void alert_list_close(struct alert_list *list);

/* Reads what engines report now of alerts and their receivers, of a list of what was accepted. False: REMOTE or SYSTEM, they
 * cannot be read. */
bool alert_list_read_reports(struct alert_list *list, struct arena *arena, struct error *error);

/* Whether there is an alert of that name (in that pipeline, unless it is NULL), and one that has groups, if `group` is not NULL.
 * False: CONFIG, with the nearest name. */
bool alert_list_has(const struct alert_list *list, const char *pipeline, const char *name, const char *group, struct error *error);

/* The next Silence of that alert, from `*next` on, which begins at 0. NULL: there is none. */
const struct silence_spec *alert_list_silence(const struct alert_list *list, const struct listed_alert *alert, size_t *next);
