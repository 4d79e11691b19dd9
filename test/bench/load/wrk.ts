/** What wrk measured of one target. */
export interface WrkResult {
  requestsPerSecond: number;
  p50Us: number;
  p99Us: number;
  /** Answers that were not 2xx or 3xx, and sockets that failed. */
  errorCount: number;
}

const SCRIPT = `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer KEY"
wrk.body = [[BODY]]
done = function(summary, latency)
  local e = summary.errors
  io.stdout:write(string.format("RESULT %f %f %f %d\\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;

/** Posts `body` to `url` over `connections` keep-alive connections for a bounded time. */
export async function runWrk(
  url: string,
  { body, connections, seconds, apiKey }: {
    body: string;
    connections: number;
    seconds: number;
    apiKey: string;
  },
): Promise<WrkResult> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, SCRIPT.replace("KEY", () => apiKey).replace("BODY", () => body));
    const { stdout, stderr, success } = await new Deno.Command("wrk", {
      args: ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url],
    }).output();
    const match = /RESULT (\S+) (\S+) (\S+) (\d+)/.exec(new TextDecoder().decode(stdout));
    if (!success || !match) throw new Error(`wrk failed: ${new TextDecoder().decode(stderr)}`);
    const [requestsPerSecond, p50Us, p99Us, errorCount] = match.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    return { requestsPerSecond, p50Us, p99Us, errorCount };
  } finally {
    await Deno.remove(script);
  }
}
