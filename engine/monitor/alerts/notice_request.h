/* notice_request.h: Request that delivers a notice: a POST to a webhook, a mail, or the record of a topic. Made in an arena, and
 * sent by the notifier (monitor/alerts/notifier.h). Any thread may call with an arena of its own.
 */
#pragma once

#include "compiler/conditions/notice.h"
#include "base/network.h"
#include "net/http/post.h"
#include "compiler/resources/resource.h"

/* Settings of the operator; borrowed while a notice is sent. */
struct notifier_settings {
	const struct network *allowed; /* networks that are not public, and that webhooks may reach */
	size_t allowed_count;
	const char *authorities; /* file of those that sign certificates of receivers; NULL: the system's */
	const char *smtp;	 /* "smtps://HOST:PORT"; NULL: there is no mail server */
	const char *login;	 /* "user:password"; NULL: none */
	const char *from;	 /* sender of mails */
	const char *secrets;	 /* folder of the files that YAML names as secrets; NULL: none */
};

/* Makes the request for the receiver of that action; of a topic its body alone. False: it can never be sent, for the reason in
 * `error`. */
bool notice_request_make(struct post_request *request, const struct notifier_settings *settings, const struct alert_action *action,
			 const struct alert_message *message, struct arena *arena, struct error *error);

/* Sets where a POST to a webhook goes, and its headers, with the signature of `body`. `reference` is that of its secret, or NULL.
 * False: the secret cannot be read. */
bool notice_request_address(struct post_request *request, const struct notifier_settings *settings, const char *url,
			    const char *reference, struct place place, const char *id, struct text body, struct arena *arena,
			    struct error *error);

/* Sends a notice at once, in the caller's thread, which waits; not to a topic, which is refused. */
enum post_outcome notice_send(const struct notifier_settings *settings, const struct alert_action *action,
			      const struct alert_message *message, struct error *error);
