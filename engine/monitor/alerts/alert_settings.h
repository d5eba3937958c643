/* alert_settings.h: Options of the commands that send notices of alerts: `--alert-allow`, `--smtp` and those beside it. */
#pragma once

#include "monitor/alerts/notifier.h"
#include "compiler/yaml/workspace.h"

struct alert_asked {
	struct name_list allowed;
	const char *authorities, *smtp, *smtp_login, *mail_from;
};

#define ALERT_ALLOWED_MAX 64 /* networks of --alert-allow */

/* Rows for the options of a command; `field` of `struct type` is a struct alert_asked. */
#define ALERT_ROWS(type, field)                                                                                                    \
	ROW("alert-allow", NAMES, type, field.allowed, .word = "ADDRESS", .variable = "SLUICE_ALERT_ALLOW",                        \
	    .help = "An address or a network (10.0.0.0/8) that webhooks of alerts may reach although it is not "                   \
		    "public."),                                                                                                    \
		ROW("alert-authorities", TEXT, type, field.authorities, .word = "FILE", .variable = "SLUICE_ALERT_AUTHORITIES",    \
		    .help = "The authorities, in PEM, that sign certificates of webhooks' receivers and of the mail server; "      \
			    "default: the system's."),                                                                             \
		ROW("smtp", TEXT, type, field.smtp, .word = "URL", .variable = "SLUICE_SMTP",                                      \
		    .help = "The mail server for alerts: smtps://HOST:PORT, or smtp://HOST:PORT. The latter uses STARTTLS if the " \
			    "server offers it, and sends in clear text otherwise; with a login it sends by TLS alone."),           \
		ROW("smtp-login", TEXT, type, field.smtp_login, .word = "REFERENCE", .variable = "SLUICE_SMTP_LOGIN",              \
		    .help = "The login at the mail server, as env:NAME or file:PATH of `user:password`."),                         \
		ROW("mail-from", TEXT, type, field.mail_from, .word = "ADDRESS", .variable = "SLUICE_MAIL_FROM",                   \
		    .fallback = "sluice@localhost", .help = "The sender of mails of alerts.")

/* Makes the settings, in the arena; `secrets` is the folder of --secrets, or NULL. CONFIG: an address that cannot be read, or a
 * missing secret. */
bool alert_settings_make(const struct alert_asked *asked, const char *secrets, struct arena *arena,
			 struct notifier_settings *settings, struct error *error);
