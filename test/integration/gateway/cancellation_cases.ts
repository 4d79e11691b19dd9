import { chunk, json, type Play, type PlayedRequest, streamHead } from "../../fakes/played_upstream.ts";
import { UPSTREAM_WORDS } from "../../fakes/upstream_words.ts";
import { until } from "../../fixtures/until.ts";
import { type LeavingClient, sendAs, WAYS_TO_LEAVE, type WayToLeave } from "./leaving_client.ts";
import { PlayedBed, type PlayedBedOptions, type UpstreamKind } from "./played_bed.ts";

/** A request of a client. */
interface Asked {
  /** For a person: `/api/generate raw`. */
  readonly name: string;
  readonly path: string;
  /** Which upstreams can do it; default: both. */
  readonly only?: UpstreamKind;
  /** How it can be answered; default: both ways. */
  readonly streams?: readonly boolean[];
  /** In these phases only; default: in all. */
  readonly phases?: readonly string[];
  /** Its fields beside `model` and `stream`. The mark has to reach the upstream in whatever that is sent. */
  readonly fields: (mark: number) => object;
}

const WHOLE = [false];
const STREAMED = [true];

const chat = (mark: number) => ({
  messages: [
    { role: "user", content: "a" },
    { role: "assistant", content: "b" },
    { role: "user", content: `${mark}` },
  ],
});
const prompt = (mark: number) => ({ prompt: `${mark}` });
const infill = (mark: number) => ({ input_prefix: `${mark}`, input_suffix: "b" });

/** A node's own work, which is nobody's inference. */
const ORDER = { only: "node", phases: ["prompt"] } as const;

/** All that an upstream works for. */
const ASKED: readonly Asked[] = [
  { name: "/v1/chat/completions", path: "/v1/chat/completions", fields: chat },
  { name: "/v1/chat/completions n=3", path: "/v1/chat/completions", fields: (m) => ({ ...chat(m), n: 3 }) },
  { name: "/v1/completions", path: "/v1/completions", fields: prompt },
  { name: "/v1/responses", path: "/v1/responses", fields: (mark) => ({ input: `${mark}` }) },
  { name: "/v1/messages", path: "/v1/messages", fields: (m) => ({ ...chat(m), max_tokens: 9 }) },
  { name: "/v1/embeddings", path: "/v1/embeddings", streams: WHOLE, fields: (m) => ({ input: `${m}` }) },
  {
    name: "/v1/embeddings 200 texts",
    path: "/v1/embeddings",
    streams: WHOLE,
    fields: (mark) => ({ input: Array(200).fill(`${mark}`) }),
  },
  { name: "/api/chat", path: "/api/chat", fields: chat },
  { name: "/api/generate", path: "/api/generate", fields: prompt },
  { name: "/api/generate raw", path: "/api/generate", fields: (m) => ({ ...prompt(m), raw: true }) },
  { name: "/api/generate suffix", path: "/api/generate", fields: (m) => ({ ...prompt(m), suffix: "b" }) },
  { name: "/api/generate context", path: "/api/generate", fields: (m) => ({ ...prompt(m), context: [m] }) },
  { name: "/api/embed", path: "/api/embed", streams: WHOLE, fields: (m) => ({ input: [`${m}`, "b"] }) },
  {
    name: "/api/embed long text",
    path: "/api/embed",
    streams: WHOLE,
    fields: (mark) => ({ input: Array(3).fill(`${mark} `.repeat(1_000)) }),
  },
  { name: "/infill", path: "/infill", only: "coordinator", fields: infill },
  {
    name: "/tokenize",
    path: "/tokenize",
    only: "coordinator",
    streams: WHOLE,
    fields: (mark) => ({ content: `${mark}` }),
  },
  { name: "/api/pull", path: "/api/pull", ...ORDER, fields: (mark) => ({ model: `m${mark}` }) },
  {
    name: "/api/create",
    path: "/api/create",
    ...ORDER,
    fields: (mark) => ({ model: `m${mark}`, from: "b" }),
  },
];

const TELLS_SOON = "waiting: { comment_every: 100ms }";

/** What is cancelled when. */
export interface Phase {
  readonly name: string;
  readonly only?: UpstreamKind;
  /** Of these requests only; default: all. */
  readonly of?: readonly string[];
  readonly streams?: readonly boolean[];
  readonly bed?: PlayedBedOptions;
  /** Whether all clients have got something before they leave. */
  readonly hasBegun?: boolean;
  /** Whether they leave before any upstream is asked for them. */
  readonly isUnsent?: boolean;
  /** What the upstream says before it falls silent. */
  readonly say?: (request: PlayedRequest, askedCount: number) => string | undefined;
}

/** Chats that end as they should; `undefined` for all else. */
function wholeChat({ path, body }: PlayedRequest): string | undefined {
  const words = UPSTREAM_WORDS[path];
  if (!words) return undefined;
  if (body.includes('"stream":true')) {
    const text = words.first + words.finish + words.end;
    return `${streamHead(words.type)}${chunk(text)}${chunk("")}`;
  }
  return path === "/v1/chat/completions"
    ? json(200, { choices: [{ index: 0, message: { content: "a" }, finish_reason: "stop" }] })
    : json(200, { content: "a", stop: true, stop_type: "eos" });
}

const TOO_LONG = {
  error: { message: "too long", type: "exceed_context_size_error", n_prompt_tokens: 9_000, n_ctx: 4_096 },
};

/** What is asked before the answer itself: the text of tokens, and the prompt. */
function prepared({ body }: PlayedRequest): string {
  const mark = markIn(body);
  return json(200, { content: ` ${mark} `, prompt: ` ${mark} ` });
}

/** When a client may leave. */
export const PHASES: readonly Phase[] = [
  { name: "queue", bed: { slotCount: 1 }, isUnsent: true },
  { name: "load", only: "coordinator", bed: { isLoading: true }, isUnsent: true },
  {
    name: "load, told",
    only: "coordinator",
    bed: { isLoading: true, config: TELLS_SOON },
    isUnsent: true,
    streams: STREAMED,
    hasBegun: true,
  },
  { name: "prompt", say: () => undefined },
  {
    name: "prompt, told",
    streams: STREAMED,
    hasBegun: true,
    bed: { config: TELLS_SOON },
    say: () => undefined,
  },
  {
    name: "stream",
    streams: STREAMED,
    hasBegun: true,
    say: (request) => {
      const words = UPSTREAM_WORDS[request.path];
      return words ? streamHead(words.type) + chunk(words.first) : prepared(request);
    },
  },
  {
    name: "whole answer",
    streams: WHOLE,
    say: () => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
  },
  {
    name: "context, at the end",
    only: "coordinator",
    of: ["/api/generate"],
    say: wholeChat,
  },
  {
    name: "truncated, again",
    only: "coordinator",
    of: ["/api/chat"],
    say: (_, askedCount) => askedCount === 1 ? json(400, TOO_LONG) : undefined,
  },
];

/** How long it took until nobody worked for a client any more that had left. */
export interface Measured {
  readonly phase: string;
  readonly upstream: UpstreamKind;
  readonly asked: string;
  readonly stream: boolean;
  readonly way: WayToLeave;
  /** Until its last connection to the upstream was closed, or, where there was none, until it was forgotten, ms. */
  readonly ms: number;
}

interface Case extends Pick<Measured, "asked" | "stream" | "way"> {
  readonly mark: number;
  readonly client: LeavingClient;
}

const FIRST_MARK = 910_000;
const PATIENCE = { withinMs: 15_000 };

/** Has clients of all kinds leave in one phase, all at once, and measures what becomes of their work. */
export async function measure(upstream: UpstreamKind, phase: Phase): Promise<Measured[]> {
  const connections = new Connections(phase);
  await using bed = await PlayedBed.open(upstream, connections.play, phase.bed);
  using clients = new DisposableStack();
  if (phase.name === "queue") {
    clients.use(
      await sendAs("fetch", `${bed.url}/v1/chat/completions`, { model: bed.model, ...chat(FIRST_MARK) }),
    );
    await until(() => connections.openCount(FIRST_MARK) === 1, "the slot is taken", PATIENCE);
  }
  const cases: Case[] = [];
  for (const { asked, stream, way } of casesOf(upstream, phase)) {
    const mark = FIRST_MARK + 1 + cases.length;
    const body = { model: bed.model, stream, ...asked.fields(mark) };
    const client = clients.use(await sendAs(way, bed.url + asked.path, body));
    cases.push({ asked: asked.name, stream, way, mark, client });
  }
  const isSent = ({ mark }: Case) => connections.isWaiting(mark);
  await until(
    () => phase.isUnsent ? bed.inFlightCount >= cases.length : cases.every(isSent),
    `${phase.name}: all requests are that far`,
    PATIENCE,
  );
  const begun = new Set<number>();
  for (const { client, mark } of cases) void client.begun.then(() => begun.add(mark), () => {});
  if (phase.hasBegun) await until(() => begun.size === cases.length, "all answers have begun", PATIENCE);
  const heldCount = phase.name === "queue" ? 1 : 0;
  const leftMs = performance.now();
  for (const { client } of cases) await client.leave();
  if (phase.isUnsent) await until(() => bed.inFlightCount === heldCount, "all are forgotten", PATIENCE);
  else {await until(
      () => cases.every(({ mark }) => connections.openCount(mark) === 0),
      "all is over",
      PATIENCE,
    );}
  const forgottenMs = performance.now();
  await until(() => bed.inFlightCount === heldCount, "all requests have ended", PATIENCE);
  return cases.map(({ mark, asked, stream, way }) => {
    const endedMs = phase.isUnsent ? forgottenMs : connections.closedMs(mark);
    return { phase: phase.name, upstream, asked, stream, way, ms: endedMs - leftMs };
  });
}

function casesOf(
  upstream: UpstreamKind,
  { name: phase, of, streams = [false, true] }: Phase,
): { asked: Asked; stream: boolean; way: WayToLeave }[] {
  const isMeant = ({ name, only = upstream, phases }: Asked) =>
    only === upstream && (of?.includes(name) ?? true) && (phases?.includes(phase) ?? true);
  return ASKED.filter(isMeant).flatMap((asked) =>
    streams.filter((stream) => asked.streams?.includes(stream) ?? true)
      .flatMap((stream) => WAYS_TO_LEAVE.map((way) => ({ asked, stream, way })))
  );
}

/** The connections of an upstream, by the mark in the requests that came on them. */
class Connections {
  readonly #known = new Map<number, { askedCount: number; openCount: number; closedMs: number }>();

  constructor(private readonly phase: Phase) {}

  /** Says what the phase has it say; falls silent where that is nothing. */
  readonly play: Play = async (peer, request) => {
    const mark = markIn(request.body);
    if (Number.isNaN(mark)) return await peer.send(json(200, { tokens: [1] })); // a question of nobody's own text
    const known = this.#of(mark);
    known.askedCount++;
    const said = this.phase.say?.(request, known.askedCount);
    if (said !== undefined) await peer.send(said);
    if (said !== undefined && (said.endsWith("0\r\n\r\n") || said.endsWith("}"))) return;
    known.openCount++;
    await peer.untilGone();
    known.openCount--;
    known.closedMs = performance.now();
    return false;
  };

  openCount(mark: number): number {
    return this.#of(mark).openCount;
  }

  /** Whether the upstream has fallen silent for it. */
  isWaiting(mark: number): boolean {
    return this.openCount(mark) > 0;
  }

  closedMs(mark: number): number {
    return this.#of(mark).closedMs;
  }

  #of(mark: number) {
    const known = this.#known.get(mark) ?? { askedCount: 0, openCount: 0, closedMs: NaN };
    this.#known.set(mark, known);
    return known;
  }
}

function markIn(body: string): number {
  return Number(/(?<!\d)91\d{4}(?!\d)/.exec(body)?.[0]);
}
