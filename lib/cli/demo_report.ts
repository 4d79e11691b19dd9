import type { VerifiedDevice } from "../coordinator/placement_check.ts";
import type { DemoAnswer } from "../demo/demo_chat.ts";
import { DEMO_MODEL } from "../demo/demo_store.ts";
import { formatBytes, formatDuration, MIB } from "../units.ts";
import type { CliHost } from "./command.ts";
import { layersOf } from "./plan_text.ts";
import { renderTable } from "./table.ts";
import { painter, wrap } from "./terminal.ts";

/** What the demo has shown. */
export interface DemoReport {
  /** Where the gateway listens. */
  readonly url: string;
  /** Layers of the model, as its file says; the devices together must hold as many. */
  readonly layerCount: number;
  /** The devices that hold the model's layers, confirmed by llama.cpp. */
  readonly devices: readonly VerifiedDevice[];
  /** The one chat. */
  readonly chat: DemoAnswer;
}

/** The demo as one JSON object, for scripts. */
export function demoToJson({ url, layerCount, devices, chat }: DemoReport): Record<string, unknown> {
  return {
    url,
    model: DEMO_MODEL,
    layerCount,
    placement: devices.map((device) => ({
      backend: device.endpoint,
      device: device.deviceIndex,
      firstLayer: device.firstLayer,
      layers: device.layerCount,
      hasOutputLayer: device.hasOutput,
      weightsMib: Number((device.actual.weightBytes / MIB).toFixed(2)),
      kvCacheMib: Number((device.actual.kvBytes / MIB).toFixed(2)),
      computeMib: Number((device.actual.computeBytes / MIB).toFixed(2)),
    })),
    decision: chat.decision,
    loadMs: chat.loadMs,
    tokenCount: chat.tokenCount,
    tokensPerSecond: Number(chat.tokensPerSecond.toFixed(1)),
    answer: chat.answer,
  };
}

/** The demo for a person: where the layers are, why, and the answer. */
export function demoToText(
  { devices, chat }: DemoReport,
  { stdout, env }: Pick<CliHost, "stdout" | "env">,
): string {
  const paint = painter(stdout, env);
  const table = renderTable(
    [
      { title: "RPC BACKEND" },
      { title: "LAYERS" },
      { title: "COUNT", align: "right" },
      { title: "WEIGHTS", align: "right" },
      { title: "KV CACHE", align: "right" },
      { title: "COMPUTE", align: "right" },
    ],
    devices.map((device) => [
      device.endpoint,
      layersOf(device),
      String(device.layerCount),
      formatBytes(device.actual.weightBytes),
      formatBytes(device.actual.kvBytes),
      formatBytes(device.actual.computeBytes),
    ]),
    (cell, _column, row) => row === -1 ? paint("quiet", cell) : cell,
  );
  const indented = (text: string): string =>
    wrap(text, Math.min(stdout.columns, 100) - 2).map((line) => `  ${line}\n`).join("");
  return [
    `${paint("heading", "Where the layers are")}\n${table}\n`,
    `${paint("heading", "Why")}\n${indented(chat.decision)}\n`,
    `${paint("heading", "The answer")} ${paint("quiet", "(random weights: the words mean nothing)")}\n${
      indented(chat.answer)
    }\n`,
    `${chat.tokenCount} tokens, ${chat.tokensPerSecond.toFixed(0)} tokens/s, loaded in ${
      formatDuration(chat.loadMs)
    }\n`,
  ].join("");
}

/** How to go on while the demo stays up: a command line to paste. */
export function invitationToTry(url: string, { stdout, env }: Pick<CliHost, "stdout" | "env">): string {
  const body =
    `{"model":"${DEMO_MODEL}","stream":true,"max_tokens":32,"messages":[{"role":"user","content":"Hello"}]}`;
  const curl = `curl -N ${url}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '${body}'`;
  return `\n${painter(stdout, env)("heading", "Try it")}  (Ctrl-C ends the demo)\n${curl}\n`;
}
