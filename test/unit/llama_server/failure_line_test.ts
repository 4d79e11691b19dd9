import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  chooseCause,
  type FailureKind,
  type LogFailure,
  parseFailureLine,
} from "../../../lib/llama_server/failure_line.ts";

const FIXTURES = new URL("../../fixtures/llama_server_logs/", import.meta.url);

function failuresOf(text: string): LogFailure[] {
  return text.split("\n").map(parseFailureLine).filter((failure) => failure !== undefined);
}

async function causeOf(transcript: string): Promise<LogFailure | undefined> {
  return chooseCause(failuresOf(await Deno.readTextFile(new URL(`${transcript}.log`, FIXTURES))));
}

interface Row {
  transcript: string;
  kind: FailureKind;
  endpoint?: string;
  says: RegExp;
}

const TRANSCRIPTS: Row[] = [
  {
    transcript: "backend_down",
    kind: "connect_failed",
    endpoint: "127.0.0.9:51952",
    says: /cannot be reached/,
  },
  {
    transcript: "cannot_resolve",
    kind: "cannot_resolve",
    endpoint: "nosuch.invalid:50052",
    says: /"nosuch.invalid".*is not known/,
  },
  { transcript: "bad_endpoint", kind: "bad_endpoint", endpoint: "127.0.0.1:abc", says: /is no endpoint/ },
  {
    transcript: "version_mismatch",
    kind: "version_mismatch",
    endpoint: "127.0.0.1:51960",
    says: /^127.0.0.1:51960: .*protocol 7.0.0/,
  },
  { transcript: "backend_hangs_up", kind: "backend_lost", says: /died, or what listens there is none/ },
  { transcript: "backend_killed_while_streaming", kind: "backend_lost", says: /died/ },
  { transcript: "backend_killed_while_idle", kind: "backend_lost", says: /died/ },
  { transcript: "missing_device", kind: "missing_device", says: /no device RPC7/ },
  {
    transcript: "no_room_for_weights",
    kind: "out_of_memory",
    endpoint: "127.0.0.1:51970",
    says: /127.0.0.1:51970 has no room for 194.1 MiB/,
  },
  { transcript: "no_room_for_kv", kind: "out_of_memory", endpoint: "127.0.0.1:51970", says: /512.0 MiB/ },
  {
    transcript: "no_room_for_compute",
    kind: "out_of_memory",
    endpoint: "127.0.0.1:51970",
    says: /536.3 MiB/,
  },
  { transcript: "model_missing", kind: "model_missing", says: /nothere.gguf cannot be opened: No such file/ },
  { transcript: "model_not_gguf", kind: "model_not_gguf", says: /no GGUF/ },
  { transcript: "model_truncated", kind: "model_truncated", says: /cut short or damaged/ },
  { transcript: "header_truncated", kind: "model_truncated", says: /cut short or damaged/ },
  { transcript: "unknown_architecture", kind: "unknown_architecture", says: /"blama"; install a newer one/ },
  { transcript: "projector_missing", kind: "mmproj_failed", says: /projector nothere.gguf/ },
  { transcript: "lora_missing", kind: "lora_failed", says: /adapter nothere.gguf/ },
  { transcript: "port_in_use", kind: "cannot_listen", says: /127.0.0.1:51980/ },
  { transcript: "stale_socket", kind: "cannot_listen", says: /listen on \S*stale.sock:/ },
  { transcript: "unknown_option", kind: "bad_option", says: /invalid argument: --nope/ },
  { transcript: "bad_option_value", kind: "bad_option", says: /"-c": stoi/ },
];

for (const { transcript, kind, endpoint, says } of TRANSCRIPTS) {
  Deno.test(`the transcript ${transcript} fails because of ${kind}`, async () => {
    const cause = await causeOf(transcript);
    ok(cause, "no failure was read");
    equal(cause.kind, kind);
    equal(cause.endpoint, endpoint);
    match(cause.sentence, says);
  });
}

for (const transcript of ["ready_three_backends", "ready_on_this_host", "one_chat_then_sigterm"]) {
  Deno.test(`the transcript ${transcript} holds no failure`, async () =>
    equal(await causeOf(transcript), undefined));
}

Deno.test("an abort line that was torn into the prefix of another line is still read", () => {
  const line = "0.00.028.028 ./src/ggml-rpc/ggml-rpc.cpp:653: RPC handshake failed for 127.0.0.1:51960";
  equal(parseFailureLine(line)?.endpoint, "127.0.0.1:51960");
});

Deno.test("a cause that the logger writes after the abort line wins over it", () => {
  const late = failuresOf(
    "./src/ggml-rpc/ggml-rpc.cpp:653: RPC handshake failed for 127.0.0.1:51960\n" +
      "0.00.031.175 E RPC server version mismatch: 7.0.0",
  );
  const cause = chooseCause(late);
  deepEqual([cause?.kind, cause?.endpoint], ["version_mismatch", "127.0.0.1:51960"]);
});

Deno.test("of two failures of one kind the first is the cause", () => {
  const failures = failuresOf("Failed to connect to 10.0.0.2:1\nFailed to connect to 10.0.0.3:1");
  equal(chooseCause(failures)?.endpoint, "10.0.0.2:1");
});

Deno.test("memory that this host lacks names no backend", () => {
  const failure = parseFailureLine(
    "E ggml_backend_buft_alloc: failed to allocate CPU buffer of size 1048576",
  );
  deepEqual([failure?.kind, failure?.endpoint], ["out_of_memory", undefined]);
  match(failure!.sentence, /this host has no room for 1.0 MiB on CPU/);
});
