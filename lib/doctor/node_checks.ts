import type { Config } from "../config/config.ts";
import { LOCAL_URL } from "../nodes/local_ollama.ts";
import { parseOllamaHost } from "../nodes/ollama_host.ts";
import type { Check } from "./check.ts";
import { examineExternal, externalUrls } from "./check_external.ts";
import { examineNode } from "./check_node.ts";
import type { DoctorWorld } from "./doctor_world.ts";
import type { Facts } from "./facts.ts";
import { skip } from "./finding.ts";
import { namedOllamas } from "./known_nodes.ts";
import { lateChecks } from "./late_checks.ts";

const group = "Ollama nodes";

/** Whether Ollama nodes answer, and llama-servers that others run. */
export async function nodeChecks(
  config: Config,
  world: DoctorWorld,
  facts: Facts,
): Promise<readonly Check[]> {
  return await lateChecks({ name: "node", group, find: () => findChecks(config, world, facts) }, world);
}

async function findChecks(config: Config, world: DoctorWorld, facts: Facts): Promise<readonly Check[]> {
  const [said, stored] = await Promise.all([facts.testimony(), facts.state()]);
  const { clock, http, env } = world;
  const named = namedOllamas({
    configured: config.ollamaNodes,
    stored: stored.nodes.map(({ url }) => url),
    ofEnvironment: urlIn(env["OLLAMA_HOST"]),
    views: said.kind === "told" ? said.nodes : [],
  });
  const isLocalNamed = named.some(({ url }) => url === LOCAL_URL);
  const externals = externalUrls(config).map((url): Check => ({
    name: "llama-server-of-others",
    group,
    subject: url,
    examine: (signal) => examineExternal(url, { http, signal }),
  }));
  const nodes = named.map((node): Check => ({
    name: "node",
    group,
    subject: node.url,
    examine: (signal) => examineNode(node, { http, clock, signal }),
  }));
  const local: Check = {
    name: "node",
    group,
    subject: LOCAL_URL,
    examine: async (signal) => {
      const found = await examineNode({ url: LOCAL_URL, apiKey: undefined, canWake: false }, {
        http,
        clock,
        signal,
      });
      return found.result === "fail" ? skip("no Ollama on this host, where nobody has named one") : found;
    },
  };
  const isLocalWanted = config.nodes.isLocalFound && !isLocalNamed;
  return [...nodes, ...(isLocalWanted ? [local] : []), ...externals];
}

/** What makes no sense there is the gateway's to warn of. */
function urlIn(ollamaHost: string | undefined): string | undefined {
  if (ollamaHost === undefined || ollamaHost.trim() === "") return undefined;
  try {
    return parseOllamaHost(ollamaHost);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
