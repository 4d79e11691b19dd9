/** A request whose answer is looked at. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  /** Goes as JSON, unless it is a form. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 200. */
  readonly status?: number;
}

/** Requests that are asked of one place, in their order. */
export interface Place {
  readonly asks: readonly Ask[];
  /** Makes ready what is asked, and gives its address. */
  open(): Promise<AsyncDisposable & { readonly url: string }>;
}

/** A chat that is short. */
export const messages = [{ role: "user", content: "hi" }];
export const tools = [{
  type: "function",
  function: { name: "now", parameters: { type: "object", properties: {} } },
}];
/** Has an answer tell in itself where it came from. */
export const told = { "x-sollol-routing": "true" };

/** Reads something. */
export const get = (path: string, status = 200): Ask => ({ method: "GET", path, status });
export const post = (path: string, body: unknown, more: Partial<Ask> = {}): Ask => ({
  method: "POST",
  path,
  body,
  ...more,
});
