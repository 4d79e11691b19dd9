import { parseVersion, type ProtocolVersion } from "../rpc/protocol.ts";

/** What a llama.cpp program says of itself. */
export interface LlamaVersion {
  /** As printed, such as `0.7.0 (build 11669, commit Debian)`. */
  readonly text: string;
  /** Upstream's build number, the `11669` of release `b11669`; undefined if it was built without git. */
  readonly build: number | undefined;
  /** Abbreviated hash, or what a packager put in its place. */
  readonly commit: string | undefined;
}

/** A version, or one sentence on why it could not be read. */
export type VersionReading =
  | { readonly ok: true; readonly version: LlamaVersion }
  | { readonly ok: false; readonly because: string };

/**
 * Finds the version in the output of `llama-server --version`.
 *
 * @returns undefined if there is no `version:` line: this is no llama.cpp program.
 * @see common/arg.cpp; older builds print `version: 5432 (abc123)`
 */
export function parseLlamaVersion(output: string): LlamaVersion | undefined {
  const text = /^version: (.{1,200})$/m.exec(output)?.[1]?.trim();
  if (!text) return undefined;
  const [, build, commit] = /^\S+ \(build (\d+), commit (\S+)\)$/.exec(text) ?? // 0.7.0 (build 11669, commit abc)
    /^b?(\d+) \((\S+)\)$/.exec(text) ?? []; // 5432 (abc)
  return {
    text,
    build: Number(build) || undefined, // 0 and "unknown" are what a build outside git calls itself
    commit: commit === "unknown" ? undefined : commit,
  };
}

/**
 * Finds the protocol in a line that an rpc server prints when it starts; `undefined` in any other line.
 *
 * @see `ggml_backend_rpc_start_server` in ggml/src/ggml-rpc/ggml-rpc.cpp: `Starting RPC server v8.0.0`
 */
export function parseRpcBanner(line: string): ProtocolVersion | undefined {
  const [, version] = /Starting RPC server v(\d{1,2}\.\d{1,2}\.\d{1,2})\b/.exec(line) ?? [];
  return version === undefined ? undefined : parseVersion(version);
}
