/* notice_receiver.c: see notice_receiver.h. */
#include "monitor/alerts/notice_receiver.h"

#include <string.h>

#include "compiler/conditions/notice_format.h"

#define MAILBOXES_SHOWN 3 /* the others are counted */

static const char *const webhook_kinds[] = {[NOTICE_JSON] = "webhook",
					    [NOTICE_SLACK] = "slack webhook",
					    [NOTICE_PAGERDUTY] = "pagerduty webhook",
					    [NOTICE_ALERTMANAGER] = "alertmanager webhook"};

static const char *name_or_other(const char *name)
{
	return name ? name : "its receiver";
}

/* Host and port of a URL as it is written: nothing before them, which may be a login, and nothing behind. */
static struct text authority_of(const char *url)
{
	const char *scheme_end = strstr(url, "://"), *begin = scheme_end ? scheme_end + 3 : url;
	const size_t length = strcspn(begin, "/?#\\");
	size_t host = length;
	while (host > 0 && begin[host - 1] != '@')
		host--;
	return (struct text){begin + host, length - host};
}

const char *notice_url_shown(const char *url, struct arena *arena)
{
	const struct text authority = authority_of(url);
	const char *scheme_end = strstr(url, "://"), *rest = authority.bytes + authority.length;
	return name_or_other(arena_print(arena, "%.*s" TEXT_FORMAT "%s", scheme_end ? (int)(scheme_end + 3 - url) : 0, url,
					 TEXT_ARGUMENTS(authority), strcmp(rest, "/") == 0 || *rest == '\0' ? rest : "/..."));
}

static const char *webhook_name(const char *url, enum notice_format format, struct arena *arena)
{
	return name_or_other(
		arena_print(arena, "the %s at " TEXT_FORMAT, webhook_kinds[format], TEXT_ARGUMENTS(authority_of(url))));
}

const char *notice_webhook_name(const char *url, struct arena *arena)
{
	return webhook_name(url, NOTICE_JSON, arena);
}

const char *notice_topic_name(const char *topic, struct arena *arena)
{
	return name_or_other(arena_print(arena, "the topic %s", topic));
}

const char *notice_mail_name(const char *const *addresses, size_t count, const char *smtp, struct arena *arena)
{
	const char *name = count == 1 ? "the mailbox" : "the mailboxes";
	size_t shown = 0;
	for (; name && shown < count && shown < MAILBOXES_SHOWN; shown++)
		name = arena_print(arena, "%s%s %s", name, shown > 0 ? "," : "", addresses[shown]);
	if (name && shown < count)
		name = arena_print(arena, "%s and %zu more", name, count - shown);
	if (name && smtp)
		name = arena_print(arena, "%s by the mail server " TEXT_FORMAT, name, TEXT_ARGUMENTS(authority_of(smtp)));
	return name_or_other(name);
}

static const char *action_mail_name(struct name_list recipients, const char *smtp, struct arena *arena)
{
	const char **addresses = ARENA_ARRAY(arena, const char *, recipients.count);
	for (size_t i = 0; addresses && i < recipients.count; i++)
		addresses[i] = recipients.items[i].text;
	return addresses ? notice_mail_name(addresses, recipients.count, smtp, arena) : name_or_other(NULL);
}

const char *notice_receiver_name(const struct alert_action *action, const char *topic, const char *smtp, struct arena *arena)
{
	switch (action->type) {
	case ALERT_EMAIL:
		return action_mail_name(action->recipients, smtp, arena);
	case ALERT_TOPIC:
		return notice_topic_name(topic ? topic : "alerts", arena);
	case ALERT_ROLLBACK:
		return name_or_other(
			arena_print(arena, "the rollout of %s", action->experiment.text ? action->experiment.text : ""));
	default:
		return webhook_name(action->url, (enum notice_format)action->format, arena);
	}
}
