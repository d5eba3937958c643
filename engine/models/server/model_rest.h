/* model_rest.h: REST front end of the model server: Open Inference Protocol over HTTP, with health, metadata,
 * inference (binary data both ways), and the repository's index, load and unload.
 *
 * Belongs to its loop's thread, as the catalog does.
 */
#pragma once

#include "models/server/model_service.h"

struct model_rest;

struct model_rest *model_rest_open(struct loop *loop, const struct model_service_config *config, struct error *error);
void model_rest_close(struct model_rest *service); /* with the requests that still wait; NULL is fine */
bool model_rest_drain(struct model_rest *service); /* as http_server_drain() */
bool model_rest_reload(struct model_rest *service, const struct tls_files *files, struct error *error);
int model_rest_port(const struct model_rest *service);
