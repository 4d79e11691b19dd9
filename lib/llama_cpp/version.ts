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

/** Version of the RPC protocol between a coordinator and its rpc backends. */
export interface RpcProtocolVersion {
  /** Must be equal. */
  readonly major: number;
  /** The rpc backend's must not be above the coordinator's. */
  readonly minor: number;
  /** llama.cpp accepts any, but it marks renumbered operations: equal is the only safe choice. */
  readonly patch: number;
}

/**
 * Finds the protocol version in the banner that an rpc server prints when it starts.
 *
 * @see tools/rpc/rpc-server.cpp: `Starting RPC server v8.0.0`
 */
export function parseRpcBanner(output: string): RpcProtocolVersion | undefined {
  const match = /Starting RPC server v(\d+)\.(\d+)\.(\d+)/.exec(output);
  if (!match) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

/** Whether two programs are of one build, and the sentence that says so. */
export interface VersionComparison {
  /** Unknown if one of them does not tell. */
  readonly verdict: "same" | "different" | "unknown";
  /** Names both versions. */
  readonly because: string;
}

/** Compares the builds of the two programs that must speak one RPC protocol. */
export function compareVersions(llamaServer: VersionReading, rpcServer: VersionReading): VersionComparison {
  if (!llamaServer.ok) return { verdict: "unknown", because: llamaServer.because };
  if (!rpcServer.ok) return { verdict: "unknown", because: rpcServer.because };
  const [ours, theirs] = [llamaServer.version, rpcServer.version];
  const both = `llama-server is ${ours.text}, the rpc server is ${theirs.text}`;
  const isIdentified = ours.build !== undefined || ours.commit !== undefined; // "0 (unknown)" is any build
  if (ours.text === theirs.text && isIdentified) return { verdict: "same", because: `Both are ${ours.text}` };
  if (ours.build === undefined || theirs.build === undefined) {
    return { verdict: "unknown", because: `${both}; one of them does not tell its build number` };
  }
  if (ours.build === theirs.build) {
    return { verdict: "same", because: `Both are build ${ours.build}` };
  }
  return {
    verdict: "different",
    because: `${both}; the RPC protocol changes between builds, install both from one (run "sollol setup")`,
  };
}
