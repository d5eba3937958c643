/* notice_services.h: Bodies of notices for services that have a form of their own: Slack, PagerDuty and Alertmanager. Pure.
 *
 * A firing and its end have the same key there, the id of the firing. So a service that gets a notice twice shows one incident, and
 * closes it with the notice of the end.
 */
#pragma once

#include "compiler/conditions/notice.h"

/* `key` is that of an integration of PagerDuty; NULL for the others. */
void notice_write_format(const struct alert_message *message, enum notice_format format, const char *key, struct buffer *out);

/* An alert that is not repeated ends there by itself after so long. */
#define NOTICE_ALERTMANAGER_MS ((int64_t)24 * 3600 * 1000)
#define NOTICE_ALERTMANAGER_TEST_MS ((int64_t)5 * 60 * 1000) /* of a test: so that it groups and sends it */
