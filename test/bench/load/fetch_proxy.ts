/** The reference: what anyone writes first. Usage: fetch_proxy.ts PORT UPSTREAM_URL */
const [port, upstream] = Deno.args;

if (import.meta.main) {
  Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.delete("host");
    const answer = await fetch(upstream + pathname + search, {
      method: request.method,
      headers,
      body: request.body,
      signal: request.signal,
    });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  });
}
