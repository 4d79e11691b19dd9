import { GatewayError } from "../../lib/errors.ts";
import type { NodeAdmin, NodeRemoval } from "../../lib/node_admin.ts";
import type { NodeView } from "../../lib/nodes/node.ts";
import type { NodeRegistration } from "../../lib/nodes/node_registration.ts";
import { nodeView } from "../fixtures/node_views.ts";

/** Keeps nodes in a list and asks nobody: what is added has the health that the test says. */
export class FakeNodeAdmin implements NodeAdmin {
  /** What was added, as it was said. */
  readonly said: NodeRegistration[] = [];
  /** What is added is so from then on. */
  nextView: Partial<NodeView> = {};

  constructor(public views: NodeView[] = []) {}

  listNodes(): readonly NodeView[] {
    return this.views;
  }

  addNode(node: NodeRegistration): Promise<NodeView> {
    this.said.push(node);
    const { url, name = new URL(url).hostname } = node;
    if (name.startsWith("evil")) {
      const message = `Cannot use ${url} as an Ollama node: its name leads to 169.254.169.254`;
      return Promise.reject(new GatewayError("invalid_request", message, { field: "url" }));
    }
    const view = nodeView(name, { url, sources: ["admin"], ...this.nextView });
    this.views = [...this.views.filter((known) => known.url !== url && known.name !== name), view];
    return Promise.resolve(view);
  }

  removeNode(nameOrUrl: string): NodeRemoval {
    const view = this.views.find(({ name, url }) => name === nameOrUrl || url === nameOrUrl);
    if (!view) throw new GatewayError("not_found", `There is no node ${nameOrUrl}`);
    if (view.sources.includes("config")) {
      throw new GatewayError("conflict", `${view.name} stands in the config file; remove it there`);
    }
    this.views = this.views.filter((other) => other !== view);
    return { name: view.name, outcome: "removed", reason: `${view.name} is forgotten` };
  }
}
