import { equal } from "node:assert/strict";
import { statusForClient } from "../../../lib/dialects/refusal_status.ts";

function statusOf(status: number, message: string): number {
  const body = new TextEncoder().encode(
    JSON.stringify({ error: { code: status, message, type: "server_error" } }),
  );
  return statusForClient({ status, body });
}

/** What llama-server b11669 says with status 500 of requests that are wrong. */
const CLIENTS_FAULT = [
  "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error",
  'Failed to parse messages: Missing \'role\' in message: {"content":"hi"}',
  "Failed to parse messages: Missing tool call type: null",
  'Failed to parse messages: Unsupported tool call type: {"id":"call_1","type":{}}',
  "Failed to parse messages: [json.exception.type_error.302] type must be string, but is null",
  "Failed to parse tools: Expected 'tools' to be an array, got true; tools = true",
  'Failed to parse tools: Unsupported tool type: {"type":"x"}',
  "Failed to parse tools: [json.exception.out_of_range.403] key 'name' not found; tools = []",
  "Failed to parse tool call arguments as JSON: [json.exception.out_of_range.406] number overflow parsing '1e400'",
  "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
  "'messages' is required",
  "vector::_M_range_check: __n (which is 1000000) >= this->size() (which is 512)",
];

for (const message of CLIENTS_FAULT) {
  Deno.test(`the client is to blame for ${JSON.stringify(message)}`, () => {
    equal(statusOf(500, message), 400);
  });
}

for (const message of ["Compute error.", "", "failed to decode", "std::bad_alloc"]) {
  Deno.test(`the server is to blame for ${JSON.stringify(message)}`, () => {
    equal(statusOf(500, message), 500);
  });
}

Deno.test("what the upstream cannot do the client is not to ask, and our keys are no business of the client's", () => {
  equal(statusOf(501, "This server does not support embeddings. Start it with `--embeddings`"), 400);
  equal(statusOf(401, "Invalid API Key"), 502);
  equal(statusOf(403, "forbidden"), 502);
  equal(statusOf(404, "not found"), 404);
});
