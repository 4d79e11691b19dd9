import { type Context, Hono } from "hono";
import type { NodeAdmin } from "../lib/node_admin.ts";
import { digestConflicts } from "../lib/nodes/digest_conflicts.ts";
import type { NodeView } from "../lib/nodes/node.ts";
import { nodeRegistration } from "../lib/nodes/node_registration.ts";
import type { AppEnv } from "./app_env.ts";
import { shortened } from "../lib/nodes/node_view.ts";
import { jsonAnswer } from "./json_answer.ts";
import { allow } from "./middleware/allow.ts";
import { readJson } from "./read_json.ts";

/** A registration has a few short fields, and two lists of words. */
const MAX_BODY_BYTES = 128 * 1024;

/** The operator's view of the Ollama nodes. Mounted at `/api/admin`, behind the API keys. */
export function nodeRoutes(admin: NodeAdmin): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/nodes", (c) => {
    const nodes = admin.listNodes();
    if (c.req.query("models") !== "false") return jsonAnswer(c, { nodes: nodes.map(withAllFields) });
    return jsonAnswer(c, { nodes: nodes.map(shortened), conflicts: digestConflicts(nodes) });
  });

  routes.post("/nodes", async (c) => {
    const body = { schema: nodeRegistration, maxBytes: MAX_BODY_BYTES };
    const node = await readJson(c.req.raw, body);
    const known = new Set(admin.listNodes().map(({ url }) => url)); // a name may have gone over to another one
    const view = await admin.addNode(node);
    return jsonAnswer(c, withAllFields(view), known.has(view.url) ? 200 : 201);
  });

  routes.delete("/nodes", (c) => remove(c, admin, c.req.query("node") ?? ""));
  routes.all("/nodes", allow("GET", "POST", "DELETE"));

  routes.delete("/nodes/:node{.+}", (c) => remove(c, admin, c.req.param("node")));
  routes.all("/nodes/:node{.+}", allow("DELETE"));

  return routes;
}

/** What is not known is told as `null`, and not left out. */
function withAllFields({ models, ...view }: NodeView) {
  return {
    ...view,
    models: models.map((model) => ({ ...model, tokensPerSecond: model.tokensPerSecond })),
  };
}

function remove(c: Context<AppEnv>, admin: NodeAdmin, nameOrUrl: string): Response {
  return jsonAnswer(c, admin.removeNode(nameOrUrl));
}
