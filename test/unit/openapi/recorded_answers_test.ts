import { checkDocumented, operationFor } from "../../fixtures/documented_answers.ts";
import { OLLAMA_EXCHANGES } from "../../fixtures/ollama_node/exchanges.ts";
import { readTranscript, recordedVersions } from "../../fixtures/ollama_node/transcript.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  sse: "text/event-stream",
  ndjson: "application/x-ndjson",
  json: "application/json",
};

for (const version of recordedVersions()) {
  for (const { name, method, path } of OLLAMA_EXCHANGES) {
    const operation = operationFor(method, path);
    if (!operation || operation.id.endsWith("Model") || operation.id.endsWith("Models")) continue; // not served, or our own
    Deno.test(`what Ollama ${version} answered to ${name} is as documented`, async () => {
      const { answer } = await readTranscript(version, name);
      const type = answer.headers["content-type"] ?? "";
      if (method === "HEAD" || (answer.status >= 400 && !type.includes("json"))) return;
      checkDocumented({ method, path, status: answer.status, type, body: answer.body });
    });
  }
}

for (
  const { folder, path } of [
    { folder: "llama_server_streams", path: "/v1/chat/completions" },
    { folder: "llama_server_messages", path: "/v1/messages" },
    { folder: "ollama_chat_answers", path: "/api/chat" },
  ]
) {
  for (const { name } of Deno.readDirSync(new URL(folder, FIXTURES))) {
    const [, base, extension] = /^(\w+)\.(\w+)$/.exec(name)!;
    const type = TYPES[extension!];
    if (type === undefined || base === "error") continue; // what ends with an upstream's own error is told otherwise
    Deno.test(`what is recorded in ${folder}/${name} is as documented`, async () => {
      const body = await Deno.readTextFile(new URL(`${folder}/${name}`, FIXTURES));
      const isNative = name.startsWith("completion"); // as it answers to /infill, too
      checkDocumented({ method: "POST", path: isNative ? "/infill" : path, status: 200, type, body });
    });
  }
}
