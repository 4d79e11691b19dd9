/** What kind of trouble ended, or will end, a llama-server. */
export type FailureKind =
  | "connect_failed"
  | "cannot_resolve"
  | "bad_endpoint"
  | "version_mismatch"
  | "handshake_failed"
  | "backend_lost"
  | "missing_device"
  | "out_of_memory"
  | "model_missing"
  | "model_not_gguf"
  | "model_truncated"
  | "unknown_architecture"
  | "mmproj_failed"
  | "lora_failed"
  | "cannot_listen"
  | "bad_option"
  | "load_failed";

/** A failure that a line of the log tells. */
export interface LogFailure {
  /** What to branch on. */
  readonly kind: FailureKind;
  /** `host:port` of the rpc backend at fault, where the line names it. */
  readonly endpoint?: string;
  /** The buffer that a device of that backend could not allocate, if that is what failed. */
  readonly refused?: RefusedBuffer;
  /** What went wrong and what to do, for a person. */
  readonly sentence: string;
}

/** A buffer that could not be allocated. */
export interface RefusedBuffer {
  /** llama.cpp's global name of the device: `RPC0`. */
  readonly deviceName: string;
  /** Size of the buffer. */
  readonly bytes: number;
}

interface FailureReader {
  readonly pattern: RegExp;
  readonly kind: FailureKind;
  /** The group that holds the endpoint. */
  readonly endpointGroup?: number;
  refusal?(match: RegExpExecArray): RefusedBuffer;
  explain(match: RegExpExecArray): string;
}

const MIB = 1024 ** 2;

/**
 * Most telling first: {@linkcode chooseCause} prefers what stands higher. Lines that llama.cpp writes with
 * `GGML_ABORT` overtake, tear or outlive those of its logger, so no order among the lines can be relied on.
 */
const FAILURES: readonly FailureReader[] = [
  {
    pattern: /RPC server version mismatch: (\S+)/,
    kind: "version_mismatch",
    explain: ([, version]) =>
      `an rpc backend speaks protocol ${version}, which this llama.cpp does not; run the same build everywhere`,
  },
  {
    pattern: /Cannot resolve host '([^']+)'/,
    kind: "cannot_resolve",
    explain: ([, host]) => `the host name "${host}" of an rpc backend is not known; check its spelling`,
  },
  {
    pattern: /Failed to parse endpoint: (\S*)/,
    kind: "bad_endpoint",
    endpointGroup: 1,
    explain: ([, endpoint]) => `"${endpoint}" is no endpoint; write host:port`,
  },
  {
    pattern: /Failed to connect to (\S+)/,
    kind: "connect_failed",
    endpointGroup: 1,
    explain: ([, endpoint]) => `the rpc backend ${endpoint} cannot be reached; start it or check the network`,
  },
  {
    pattern: /RPC handshake failed for (\S+)/,
    kind: "handshake_failed",
    endpointGroup: 1,
    explain: ([, endpoint]) =>
      `${endpoint} speaks another rpc protocol or is no rpc backend; run the same llama.cpp build everywhere`,
  },
  {
    pattern: /failed to allocate (RPC\d+)\[([^\]]+)\] buffer of size (\d+)/,
    kind: "out_of_memory",
    endpointGroup: 2,
    refusal: ([, deviceName = "", , bytes]) => ({ deviceName, bytes: Number(bytes) }),
    explain: ([, , endpoint, bytes]) =>
      `the rpc backend ${endpoint} has no room for ${
        mib(bytes)
      }; say how much of it may be used (memory in ` +
      `rpc_backends, or sollol register ${endpoint} --memory SIZE), add a backend or lower the context size`,
  },
  {
    pattern: /unable to allocate RPC\d+\[([^\]]+)\] buffer/,
    kind: "out_of_memory",
    endpointGroup: 1,
    explain: ([, endpoint]) =>
      `the rpc backend ${endpoint} has no room for its part of the weights; add a backend`,
  },
  {
    pattern: /failed to allocate (\S+) buffer of size (\d+)/,
    kind: "out_of_memory",
    explain: ([, device, bytes]) =>
      `this host has no room for ${mib(bytes)} on ${device}; lower the context size`,
  },
  {
    pattern: /invalid device: (\S+)/,
    kind: "missing_device",
    explain: ([, device]) =>
      `there is no device ${device}: a backend exposes fewer devices than planned, or is named twice`,
  },
  {
    pattern: /[Ff]ailed to load CLIP model from (.+?)(?:\. Does this file exist\?)?$/,
    kind: "mmproj_failed",
    explain: ([, path]) => `the projector ${path} cannot be loaded; check that it belongs to the model`,
  },
  {
    pattern: /failed to load lora adapter '([^']+)'/,
    kind: "lora_failed",
    explain: ([, path]) => `the LoRA adapter ${path} cannot be loaded; check that it belongs to the model`,
  },
  {
    pattern: /failed to open GGUF file '([^']*)' \((.*)\)/,
    kind: "model_missing",
    explain: ([, path, why]) => `the file ${path} cannot be opened: ${why}`,
  },
  {
    pattern: /invalid magic characters/,
    kind: "model_not_gguf",
    explain: () => "the file is no GGUF; fetch the model again",
  },
  {
    pattern: /is not within the file bounds|failed to read (?:key-value pairs|tensor (?:info|data))/,
    kind: "model_truncated",
    explain: () => "the file is cut short or damaged; fetch the model again",
  },
  {
    pattern: /unknown model architecture: '([^']+)'/,
    kind: "unknown_architecture",
    explain: ([, name]) => `this llama.cpp does not know the architecture "${name}"; install a newer one`,
  },
  {
    pattern: /couldn't bind HTTP server socket, hostname: (.+), port: (\d+)/,
    kind: "cannot_listen",
    explain: ([, host, port]) =>
      `it cannot listen on ${
        host!.includes("/") ? host : `${host}:${port}`
      }: something else does, or may not`,
  },
  {
    pattern: /^error: (invalid argument: .*)$/,
    kind: "bad_option",
    explain: ([, what]) => `it does not take its options (${what}); check the extra arguments`,
  },
  {
    pattern: /^error while handling argument (.*)$/,
    kind: "bad_option",
    explain: ([, what]) => `it does not take its options (${what}); check the extra arguments`,
  },
  {
    pattern: /Remote RPC server crashed or returned malformed response/,
    kind: "backend_lost",
    explain: () => "an rpc backend died, or what listens there is none",
  },
  {
    pattern: /error loading model: (.*)$/,
    kind: "load_failed",
    explain: ([, what]) => `llama.cpp cannot load the model: ${what}`,
  },
  {
    pattern: /exiting due to (.*) error$/,
    kind: "load_failed",
    explain: ([, what]) => `it gave up after a ${what} error`,
  },
];

/**
 * Reads a line of llama-server's log for a failure.
 *
 * @returns What failed; `undefined` for any other line.
 * @see ggml/src/ggml-rpc/ggml-rpc.cpp, src/llama-model-loader.cpp and common/arg.cpp of llama.cpp, b11669
 */
export function parseFailureLine(line: string): LogFailure | undefined {
  for (const { pattern, kind, endpointGroup, refusal, explain } of FAILURES) {
    const match = pattern.exec(line);
    if (!match) continue;
    const endpoint = endpointGroup === undefined ? undefined : match[endpointGroup];
    const refused = refusal?.(match);
    return {
      kind,
      ...(endpoint ? { endpoint } : {}),
      ...(refused ? { refused } : {}),
      sentence: explain(match),
    };
  }
  return undefined;
}

/** The cause among the failures of one process: the most telling kind, and of that the first. */
export function chooseCause(failures: readonly LogFailure[]): LogFailure | undefined {
  const rank = ({ kind }: LogFailure): number => FAILURES.findIndex((reader) => reader.kind === kind);
  const cause = failures.toSorted((a, b) => rank(a) - rank(b))[0]; // stable: the first of its kind stays first
  if (cause === undefined || cause.endpoint !== undefined) return cause;
  const endpoint = cause.kind === "version_mismatch" || cause.kind === "cannot_resolve"
    ? failures.find((other) => other.endpoint !== undefined)?.endpoint
    : undefined;
  return endpoint === undefined ? cause : { ...cause, endpoint, sentence: `${endpoint}: ${cause.sentence}` };
}

function mib(bytes: string | undefined): string {
  return `${(Number(bytes) / MIB).toFixed(1)} MiB`;
}
