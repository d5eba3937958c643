/* alert_settings.c: see alert_settings.h. */
#include "monitor/alerts/alert_settings.h"

#include <errno.h>
#include <unistd.h>

#include "base/secret.h"

static bool is_mail_server(const char *url)
{
	return text_starts_with(text_of(url), TEXT("smtp://")) || text_starts_with(text_of(url), TEXT("smtps://"));
}

static bool allowed_make(const struct alert_asked *asked, struct arena *arena, struct notifier_settings *settings,
			 struct error *error)
{
	const struct name_list *list = &asked->allowed;
	if (list->count > ALERT_ALLOWED_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--alert-allow is given %zu times, more than %d; list networks",
				 list->count, ALERT_ALLOWED_MAX);
	struct network *networks = ARENA_ARRAY(arena, struct network, list->count + 1);
	if (!networks)
		return error_memory(error, ERROR_SYSTEM, "reading options");
	for (size_t i = 0; i < list->count; i++)
		if (!network_read(text_of(list->items[i].text), &networks[i]))
			return error_set(error, ERROR_CONFIG, list->items[i].place,
					 "--alert-allow %s is neither an address nor a network; write 127.0.0.1 or 10.0.0.0/8",
					 list->items[i].text);
	settings->allowed = networks;
	settings->allowed_count = list->count;
	return true;
}

bool alert_settings_make(const struct alert_asked *asked, const char *secrets, struct arena *arena,
			 struct notifier_settings *settings, struct error *error)
{
	*settings = (struct notifier_settings){.authorities = asked->authorities,
					       .smtp = asked->smtp,
					       .from = asked->mail_from,
					       .secrets = secrets};
	if (!allowed_make(asked, arena, settings, error))
		return false;
	if (asked->smtp && !is_mail_server(asked->smtp))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--smtp %s: write smtps://HOST:PORT or smtp://HOST:PORT",
				 asked->smtp);
	if (asked->authorities && access(asked->authorities, R_OK) != 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "--alert-authorities %s: the file cannot be read: %s",
				 asked->authorities, strerror(errno));
	if (!asked->smtp_login)
		return true;
	if (!secret_is_reference(asked->smtp_login))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "--smtp-login is not a reference; write env:NAME or file:PATH, so that the login is in no list of "
				 "processes");
	settings->login = secret_fetch(asked->smtp_login, "smtp-login", PLACE_NONE, arena, error);
	return settings->login;
}
