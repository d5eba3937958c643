/* notice_request.c: see notice_request.h. */
#include "monitor/alerts/notice_request.h"

#include "compiler/conditions/alert_record.h"
#include "compiler/conditions/notice_services.h"
#include "base/secret.h"

#define REQUEST_BYTES (4 * NOTICE_BYTES_MAX)

static const char *text_kept(struct arena *arena, struct text text)
{
	return arena_copy(arena, text.bytes, text.length);
}

static struct post_recipients recipients_kept(struct arena *arena, struct name_list names)
{
	struct post_recipient *items = ARENA_ARRAY(arena, struct post_recipient, names.count + 1);
	for (size_t i = 0; items && i < names.count; i++)
		items[i].address = text_kept(arena, text_of(names.items[i].text));
	return (struct post_recipients){items ? names.count : 0, items};
}

static bool mail_make(struct post_request *request, const struct notifier_settings *settings, const struct alert_action *action,
		      const struct alert_message *message, struct buffer *out, struct arena *arena, struct error *error)
{
	if (!settings->smtp)
		return error_set(error, ERROR_CONFIG, action->here,
				 "there is no mail server for the action `email`; name one with --smtp");
	request->url = settings->smtp;
	request->login = settings->login;
	request->from = settings->from;
	request->recipients = recipients_kept(arena, action->recipients);
	notice_write_mail(message, settings->from, action->recipients, out);
	return true;
}

bool notice_request_address(struct post_request *request, const struct notifier_settings *settings, const char *url,
			    const char *reference, struct place place, const char *id, struct text body, struct arena *arena,
			    struct error *error)
{
	char signature[NOTICE_SIGNATURE_BYTES];
	const char *secret = reference ? secret_fetch_key(settings->secrets, reference, "secret", place, arena, error) : NULL;
	if (reference && !secret)
		return false;
	request->url = text_kept(arena, text_of(url));
	request->allowed = settings->allowed;
	request->allowed_count = settings->allowed_count;
	request->headers[0] = "Content-Type: application/json";
	request->headers[1] = arena_print(arena, "Idempotency-Key: %s", id);
	if (!secret)
		return true;
	notice_sign(body, secret, signature);
	request->headers[2] = arena_print(arena, "X-Sluice-Signature: %s", signature);
	return true;
}

static bool webhook_make(struct post_request *request, const struct notifier_settings *settings, const struct alert_action *action,
			 const struct alert_message *message, struct buffer *out, struct arena *arena, struct error *error)
{
	char id[NOTICE_ID_BYTES];
	const bool keyed = action->format == NOTICE_PAGERDUTY; /* the secret is in the body, which is not signed */
	const char *key = keyed && action->secret
				  ? secret_fetch_key(settings->secrets, action->secret, "secret", action->here, arena, error)
				  : NULL;
	if (keyed && action->secret && !key)
		return false;
	if (action->body)
		notice_write_template(message, text_of(action->body), out);
	else
		notice_write_format(message, (enum notice_format)action->format, key, out);
	notice_id(message, id);
	return notice_request_address(request, settings, action->url, keyed ? NULL : action->secret, action->here, id,
				      buffer_view(out), arena, error);
}

bool notice_request_make(struct post_request *request, const struct notifier_settings *settings, const struct alert_action *action,
			 const struct alert_message *message, struct arena *arena, struct error *error)
{
	struct buffer out;
	buffer_open(&out, NOTICE_BYTES_MAX);
	*request = (struct post_request){.authorities = settings->authorities};
	bool good = true;
	if (action->type == ALERT_TOPIC)
		good = alert_record_encode(message, &out, error);
	else if (action->type == ALERT_EMAIL)
		good = mail_make(request, settings, action, message, &out, arena, error);
	else
		good = webhook_make(request, settings, action, message, &out, arena, error);
	request->body = (struct text){text_kept(arena, buffer_view(&out)), out.length};
	if (good && (buffer_failed(&out) || arena_failed(arena)))
		good = error_set(error, ERROR_LIMIT, action->here, "its notice is longer than %zu KiB, or memory ran out",
				 NOTICE_BYTES_MAX >> 10);
	buffer_close(&out);
	return good;
}

enum post_outcome notice_send(const struct notifier_settings *settings, const struct alert_action *action,
			      const struct alert_message *message, struct error *error)
{
	struct post_request request;
	struct arena *arena = arena_open(REQUEST_BYTES);
	enum post_outcome outcome = POST_REFUSED;
	if (!arena)
		error_memory(error, ERROR_SYSTEM, "sending a notice");
	else if (action->type == ALERT_TOPIC)
		error_set(error, ERROR_CONFIG, action->here, "an engine writes to the topic; no test is written there");
	else if (action->type == ALERT_ROLLBACK)
		error_set(error, ERROR_CONFIG, action->here,
			  "a test rolls nothing back; see it with `sluice experiments rollback "
			  "--dry-run`");
	else if (notice_request_make(&request, settings, action, message, arena, error))
		outcome = post(&request, error);
	arena_close(arena);
	return outcome;
}
