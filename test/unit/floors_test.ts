import { deepEqual, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** First match wins, so single files stand before their folder. */
const FLOORS: ReadonlyArray<readonly [floor: number, pattern: RegExp]> = [
  [
    0,
    /^lib\/(errors|units|back_off|clock|concurrent|deadline|join_bytes|json_complaint|json_shape|json_text|log|log_sink|name_list|parsed_by|sha256|sliced_wait|until_aborted|bus)\.ts$/,
  ],
  [1, /^lib\/(gguf|stream|dialects|openapi)\//],
  [1, /^lib\/http\/(address|headers)\.ts$/],
  [1, /^lib\/ollama\/(model_name|model_source|model_config|resolved_model|manifest|params|keep_alive)\.ts$/],
  [
    1,
    /^lib\/rpc\/(endpoint|protocol|answer_decoder|foreign_protocol|verdict|backend|backend_registration|ipv4_range)\.ts$/,
  ],
  [1, /^lib\/rpc\/worker_report\.ts$/],
  [1, /^lib\/nodes\/(node|model_need|node_url|wake_target)\.ts$/],
  [1, /^lib\/nodes\/(describe_node_wait|magic_packet)\.ts$/],
  [1, /^lib\/nodes\/(find_node|node_registration|ollama_host)\.ts$/],
  [1, /^lib\/queue\//],
  [1, /^lib\/redis\/(address|reply|registration)\.ts$/],
  [1, /^lib\/registry\/(backend_devices|check_queue|worker_book|worker_claim)\.ts$/],
  [1, /^lib\/llama_server\/(args|sampling_args|log_line|failure_line|own_line)\.ts$/],
  [1, /^lib\/llama_cpp\/(version|apt_sources)\.ts$/],
  [1, /^lib\/process\/(line_ring|line_splitter)\.ts$/],
  [1, /^lib\/auth\/(key_name|key_text|new_key|peer_address|secret_digest)\.ts$/],
  [1, /^lib\/serving\/client_of\.ts$/],
  [1, /^lib\/tasks\/batch\.ts$/],
  [1, /^systemd\//],
  [2, /^lib\/config\//],
  [5, /^lib\/nodes\/(held_models|node_needs|stored_needs)\.ts$/],
  [3, /^lib\/(auth|http|ollama|llama_server|redis|registry|rpc|nodes|store)\//],
  [4, /^lib\/planner\//],
  [5, /^lib\/(process|llama_cpp|coordinator|pool|systemd)\//],
  [1, /^lib\/net\//],
  [6, /^lib\/(model_management|router|reload|service|serving|tasks|worker|metrics|doctor|demo)\//],
  [
    6,
    /^lib\/(app_parts|backend_admin|backend_sources|coordinator_admin|coordinator_service|node_admin|node_sources)\.ts$/,
  ],
  [
    6,
    /^lib\/(gateway|ollama_listing|open_backends|open_gateway|open_nodes|client_watch|backend_memory|plan_service|pool_settings|ollama_requests|openai_requests|prewarm|send_task|show_model|unload_model)\.ts$/,
  ],
  [7, /^routes\//],
  [8, /^(main\.ts|lib\/cli\/)/],
];

/** Pure floors: nothing there may touch the world. */
const PURE_FLOORS = [1, 4];
const TOUCHES_THE_WORLD =
  /\b(Deno\.\w+|Date\.now|performance\.now|Math\.random|fetch\(|setTimeout|systemClock|console\.\w+)/g;

interface ModuleGraph {
  modules: {
    specifier: string;
    dependencies?: { code?: { specifier?: string }; type?: { specifier?: string } }[];
  }[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));

async function readModuleGraph(): Promise<ModuleGraph> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
    stderr: "inherit",
  }).output();
  ok(success, "deno info --json main.ts failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Path below the repository of a local module; undefined for packages and built-ins. */
function localPath(specifier: string): string | undefined {
  const prefix = new URL("../../", import.meta.url).href;
  return specifier.startsWith(prefix) ? specifier.slice(prefix.length) : undefined;
}

function floorOf(path: string): number | undefined {
  return FLOORS.find(([, pattern]) => pattern.test(path))?.[0];
}

Deno.test("every file imports its own floor or lower, and lib/ never imports routes/", async () => {
  const { modules } = await readModuleGraph();
  const violations: string[] = [];
  let fileCount = 0;
  for (const { specifier, dependencies = [] } of modules) {
    const from = localPath(specifier);
    if (from === undefined || from.endsWith(".json")) continue;
    fileCount++;
    const floor = floorOf(from);
    if (floor === undefined) violations.push(`${from} has no floor: add it to the table`);
    for (const { code, type } of dependencies) {
      const to = localPath(code?.specifier ?? type?.specifier ?? "");
      if (to === undefined || to.endsWith(".json")) continue;
      if ((floorOf(to) ?? 99) > (floor ?? 99)) {
        violations.push(`${from} (floor ${floor}) imports ${to} (floor ${floorOf(to)})`);
      }
      if (from.startsWith("lib/") && to.startsWith("routes/")) violations.push(`${from} imports ${to}`);
    }
  }
  deepEqual(violations, []);
  ok(fileCount > 30, `only ${fileCount} files are reached from main.ts: the graph was not read`);
});

Deno.test("pure floors touch neither Deno, the clock nor the console", async () => {
  const { modules } = await readModuleGraph();
  const violations: string[] = [];
  for (const { specifier } of modules) {
    const path = localPath(specifier);
    if (path === undefined || !PURE_FLOORS.includes(floorOf(path) ?? -1)) continue;
    const source = (await Deno.readTextFile(root + path)).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    for (const [word] of source.matchAll(TOUCHES_THE_WORLD)) {
      violations.push(`${path} uses ${word}`);
    }
  }
  deepEqual(violations, []);
});
