/* notice_receiver.h: Names of receivers of notices, as the log has them: which of an alert's actions a line is about.
 *
 * A URL may have a secret in its login, its path and its query, as those of Slack do: of a URL, a name has the host and the port
 * alone. Names are in the arena, and "its receiver" if memory ran out. Any thread may call with an arena of its own.
 */
#pragma once

#include "base/arena.h"
#include "compiler/resources/resource.h"

/* Of an action: as the next ones, or "the rollout of EXPERIMENT". `topic` is that of the pipeline's notices, `smtp` the mail
 * server's URL; NULL: there is none. */
const char *notice_receiver_name(const struct alert_action *action, const char *topic, const char *smtp, struct arena *arena);

/* Of a URL what is no secret: "https://HOST:PORT/", and "..." for what follows. */
const char *notice_url_shown(const char *url, struct arena *arena);

const char *notice_webhook_name(const char *url, struct arena *arena); /* "the webhook at HOST:PORT" */
const char *notice_topic_name(const char *topic, struct arena *arena); /* "the topic NAME" */

/* "the mailboxes ADDRESS, ADDRESS by the mail server HOST:PORT"; some of many. */
const char *notice_mail_name(const char *const *addresses, size_t count, const char *smtp, struct arena *arena);
