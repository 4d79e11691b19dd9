import { equal } from "node:assert/strict";
import { isOwnLine } from "../../../lib/llama_server/own_line.ts";

/** As b11669 writes them; SECRET stands where a request was. */
const LINES: readonly (readonly [line: string, isOwn: boolean])[] = [
  ["0.00.196.963 I srv  update_slots: all slots are idle", true],
  [
    "0.00.196.926 I slot print_timing: id  0 | task 0 |       total time =      44.64 ms /    40 tokens",
    true,
  ],
  ["0.00.199.164 I srv    operator(): operator(): cleaning up before exit...", true],
  ["./src/ggml-rpc/ggml-rpc.cpp:682: Remote RPC server crashed or returned malformed response", true],
  ["0.00.196.924 ./src/ggml-rpc/ggml-rpc.cpp:682: Remote RPC server crashed or returned malformed", true],
  ["0.00.196.924 I ./src/ggml-rpc/ggml-rpc.cpp:682: Remote RPC server crashed or returned malformed", true],
  ['/build/ggml/src/ggml-cuda/ggml-cuda.cu:82: GGML_ASSERT(x == "a") failed', true],
  ['0.00.354.923 W srv    operator(): got exception: {"error":{"message":"tools = [{SECRET}]"}}', false],
  ["0.00.354.923 E srv    send_error: task id = 1, error: SECRET", false],
  ["0.04.896.808 I srv  server_strea: conv_id=SECRET (empty=0)", false],
  ["0.02.100.001 W common_sampler_types_from_names: unable to match sampler by name 'secret'", false],
  ["parse: error parsing grammar: expecting ::= at SECRET", false],
  ["0.00.001.001 E parse: error parsing grammar: expecting ::= at SECRET", false],
  ["root ::= SECRET", false],
  ["Failed to connect to SECRET", false],
  ["see SECRET.cpp:12: there", false],
  ["WARNING: JSON schema conversion was incomplete: pattern SECRET is not supported", false],
  ["", false],
];

for (const [line, isOwn] of LINES) {
  Deno.test(`isOwnLine() ${isOwn ? "keeps" : "drops"} ${JSON.stringify(line)}`, () => {
    equal(isOwnLine(line), isOwn);
  });
}
