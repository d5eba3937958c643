/* alert_list_view.h: View of a list of alerts: their conditions, receivers and silences, as text or JSON. */
#pragma once

#include "tools/client/control/alert_list.h"

/* The receiver of an action: its URL, of which login and path are not shown, its recipients, its experiment, or the word for the
 * topic of the pipeline. */
const char *alert_action_receiver(const struct alert_action *action, struct arena *arena);

void alert_list_print(const struct alert_list *list, struct arena *arena, struct buffer *out);
/* An object in a line for each alert. */
void alert_list_print_json(const struct alert_list *list, struct arena *arena, struct buffer *out);
